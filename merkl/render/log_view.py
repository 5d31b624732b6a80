"""Runs, results and their lineage as people and programs read them."""

from __future__ import annotations

import datetime
import shlex
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from merkl._base.places import shown_place
from merkl._base.sizes import format_size
from merkl.cache import Ledger, Metadata, Run
from merkl.execution.failed_calls import FailedCall, describe_failed_call, metadata_of_failed

__all__ = [
    "descendants",
    "describe_failure",
    "failure_record",
    "format_duration",
    "format_failed_call",
    "format_lineage",
    "format_output",
    "format_results",
    "format_runs",
    "format_time",
    "result_record",
    "run_record",
]


def result_record(key: str, metadata: Metadata) -> dict[str, Any]:
    """Return a result as JSON has it: key, task, run, and all its metadata."""
    fields = {name: getattr(metadata, name) for name in Metadata.__struct_fields__}
    arguments = [{"name": a.name, "preview": a.preview, "digest": a.digest} for a in metadata.arguments]
    head = {"key": key, "task": metadata.task, "run": metadata.run}
    return {
        **head,
        **fields,
        "location": shown_place(metadata.location),
        "arguments": arguments,
        "parents": list(metadata.parents),
        "extras": list(metadata.extras),
    }


def failure_record(failed: FailedCall | None) -> dict[str, str] | None:
    """Return what was said when a call failed as JSON has it."""
    return None if failed is None else {"error": failed.error, "details": failed.details}


def run_record(ledger: Ledger, run: Run) -> dict[str, Any]:
    """Return a run as JSON has it."""
    return {
        **msgspec.structs.asdict(run),
        "details": ledger.details(run),
        "command": list(run.command),
        "location": shown_place(run.location),
    }


def format_runs(runs: Sequence[Run]) -> str:
    """Return a line for each run: id, when, how it ended, figures, and what was asked for."""
    return "\n".join(_run_line(run) for run in runs)


def _run_line(run: Run) -> str:
    figures = (
        ", ".join(f"{run.counts[name]} {name}" for name in _FIGURES if run.counts.get(name)) or "nothing ran"
    )
    took = f"in {run.ended - run.started:.1f} s" if run.ended is not None else ""
    status = "not ended" if run.ended is None else run.status
    said = f" ({describe_failure(run)})" if run.error else ""
    head = f"run {run.id[:8]}  {format_time(run.started)}  {status:<11}  {_typed(run.command)}"
    return f"{head}  {figures} {took}{said}".rstrip()


#: Characters of a command that people are shown.
_LONGEST_COMMAND = 300


def _typed(command: Sequence[str]) -> str:
    """Return a command as it can be typed again, unless it is very long."""
    text = shlex.join(command)
    return text if len(text) <= _LONGEST_COMMAND else text[: _LONGEST_COMMAND - 1] + "…"


def describe_failure(run: Run) -> str:
    """Return why a run failed and where, in one line."""
    place = shown_place(run.location)
    where = f" ({place})" if place and place not in run.error else ""
    return f"{'' if run.is_built else 'the graph was not built to its end: '}{run.error}{where}"


_FIGURES = ("run", "cached", "linked", "interrupted", "skipped", "failed")


def format_results(records: Iterable[tuple[str, Metadata]]) -> str:
    """Return a line for each result: key, when, duration, size, run, the call, and its peak of memory where known."""
    return "\n".join(_result_line(key, metadata) for key, metadata in records)


def _result_line(key: str, metadata: Metadata) -> str:
    peak = metadata.peak_memory
    marks = [
        *(["interrupted"] if metadata.interrupted or metadata.accepted else []),
        *(["accepted"] if metadata.accepted else []),
        *([f"peak {format_size(peak)}"] if peak is not None else []),
    ]
    mark = f"  [{', '.join(marks)}]" if marks else ""
    return (
        f"{key[:12]}  {format_time(metadata.created)}  {format_duration(metadata.duration):>8}  {format_size(metadata.size):>8}  "
        f"run {metadata.run[:8]}  {format_call(metadata)}{mark}"
    )


def format_call(metadata: Metadata) -> str:
    """Return `task(name=value, …)` with the out that is meant."""
    out = "" if metadata.out is None else f"[{metadata.out!r}]"
    arguments = ", ".join(f"{a.name}={a.preview}" for a in metadata.arguments)
    return f"{metadata.task}({arguments}){out}"


def format_time(at: float) -> str:
    """Return a time as people here write it."""
    return datetime.datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def format_duration(seconds: float) -> str:
    """Return a duration as people read it."""
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


#: Lines of one direction of a lineage that people are shown, and levels that are indented.
_MOST_LINES = 200
_DEEPEST = 20


def format_lineage(ledger: Ledger, key: str) -> str:
    """Return what a result was made of, above it, and what was made of it, below; of a call that failed what was said."""
    metadata = ledger.known(key)
    failed = describe_failed_call(ledger, key) if metadata is None else None
    if failed is not None:
        metadata = metadata_of_failed(failed)
        lines = [format_failed_call(key, failed), "made of"]
    else:
        metadata = metadata or Metadata()
        lines = [_result_line(key, metadata), "made of"]
    own = metadata.parents
    up = _walk(key, lambda k: own if k == key else (ledger.known(k) or Metadata()).parents, ledger)
    lines += up or ["  nothing: it has no inputs from other calls"]
    if failed is None:
        below = ledger.children_of_all()
        lines.append("used by")
        lines += _walk(key, lambda k: below.get(k, ()), ledger) or ["  nothing yet"]
    return "\n".join(lines)


def format_failed_call(key: str, failed: FailedCall) -> str:
    """Return a call that failed: key, when, run and call, and below all that was said."""
    head = f"{key[:12]}  {format_time(failed.at)}  failed  run {failed.run[:8]}  {format_call(metadata_of_failed(failed))}"
    return f"{head}\n{textwrap.indent(failed.details, '    ')}"


def descendants(ledger: Ledger, key: str) -> list[str]:
    """Return the keys of all results that were made of this one, at whatever distance."""
    below = ledger.children_of_all()
    found: dict[str, None] = {}
    stack = list(below.get(key, ()))
    while stack:
        item = stack.pop()
        if item not in found:
            found[item] = None
            stack.extend(below.get(item, ()))
    return sorted(found)


def _walk(key: str, next_keys: Callable[[str], Iterable[str]], ledger: Ledger) -> list[str]:
    """Return a line for each result that is reached, indented by how far away it is; each is shown once."""
    lines: list[str] = []
    seen = {key}
    stack = [(k, 1) for k in reversed(list(next_keys(key)))]
    while stack and len(lines) < _MOST_LINES:
        item, depth = stack.pop()
        metadata = ledger.known(item)
        call = "(not in the ledger)" if metadata is None else format_call(metadata)
        again = item in seen
        deep = f"{'  ' * min(depth, _DEEPEST)}{f'({depth} away) ' if depth > _DEEPEST else ''}"
        lines.append(f"{deep}{item[:12]}  {call}{'  (shown above)' if again else ''}")
        if not again:
            seen.add(item)
            stack.extend((k, depth + 1) for k in reversed(list(next_keys(item))))
    if stack:
        lines.append("  … and more; --json has all of them")
    return lines


def format_output(records: Iterable[tuple[str, Metadata]]) -> str:
    """Return what the bodies of these results wrote to stdout and stderr, as far as it was captured."""
    parts = []
    for key, metadata in records:
        said = (
            metadata.output.rstrip("\n")
            or "(nothing was kept; of a script or notebook @task(capture=True) keeps what a body prints)"
        )
        parts.append(f"{key[:12]}  {format_call(metadata)}\n{said}")
    return "\n".join(parts)
