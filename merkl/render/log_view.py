"""Runs, results and their lineage as people and programs read them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from merkl._base.places import shown_place
from merkl._base.sizes import format_size
from merkl.cache import Ledger, Metadata, Run

__all__ = [
    "descendants",
    "describe_failure",
    "format_duration",
    "format_failure",
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


def run_record(run: Run) -> dict[str, Any]:
    """Return a run as JSON has it."""
    return {
        **msgspec.structs.asdict(run),
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
    head = f"run {run.id[:8]}  {format_time(run.started)}  {status:<11}  {' '.join(run.command)}"
    return f"{head}  {figures} {took}{said}".rstrip()


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
    return (
        f"{key[:12]}  {format_time(metadata.created)}  {format_duration(metadata.duration):>8}  {format_size(metadata.size):>8}  "
        f"run {metadata.run[:8]}  {format_call(metadata)}{'' if peak is None else f'  [peak {format_size(peak)}]'}"
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
    """Return what a result was made of, above it, and what was made of it, below."""
    metadata = ledger.metadata(key) or Metadata()
    below = ledger.children_of_all()
    up = _walk(key, lambda k: (ledger.metadata(k) or Metadata()).parents, ledger)
    down = _walk(key, lambda k: below.get(k, ()), ledger)
    lines = [_result_line(key, metadata), "made of"]
    lines += up or ["  nothing: it has no inputs from other calls"]
    lines.append("used by")
    lines += down or ["  nothing yet"]
    return "\n".join(lines)


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
        metadata = ledger.metadata(item)
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


def format_failure(key: str, note: dict[str, Any]) -> str:
    """Return a call that failed, with what its body printed, from its note in the ledger."""
    lines = [f"{key[:12]}  run {note['run'][:8]}  {note['error']}"]
    return "\n".join([*lines, *(f"  | {line}" for line in note.get("output", "").splitlines())])


def format_output(records: Iterable[tuple[str, Metadata]]) -> str:
    """Return what the bodies of these results wrote to stdout and stderr, as far as it was captured."""
    parts = []
    for key, metadata in records:
        said = (
            metadata.output.rstrip("\n")
            or "(nothing was captured; @task(capture=True) keeps what a body prints)"
        )
        parts.append(f"{key[:12]}  {format_call(metadata)}\n{said}")
    return "\n".join(parts)
