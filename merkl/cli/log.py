"""`merkl log`: what ran, when, how long it took, and what each result was made of."""

from __future__ import annotations

import string
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from merkl.cache import Ledger, Metadata
from merkl.cache.conditions import ConditionError
from merkl.cache.ledger import Run
from merkl.cli.arguments import parse_options
from merkl.cli.errors import UsageError
from merkl.cli.ledgers import find_key, find_run, open_ledger, parse_since
from merkl.cli.output import json_text
from merkl.execution.failed_calls import (
    FailedCall,
    describe_failed_call,
    find_failed_calls,
    metadata_of_failed,
)
from merkl.render.log_view import (
    descendants,
    failure_record,
    format_failed_call,
    format_lineage,
    format_output,
    format_results,
    format_runs,
    result_record,
    run_record,
)
from merkl.render.run_diff import diff_runs, format_run_diff
from merkl.workspace import Workspace

__all__ = ["USAGE", "carry_out"]

USAGE = """\
usage: merkl log [OPTIONS] [KEY | TASK]

List runs and results, newest first. With the first digits of a KEY: that result, what it was made of, and what was made of it.
With the name of a TASK: its results, as with --task.

  --task TASK          results of this task: its qualified name, or the last part of it
  --since WHEN         of the last 30m, 3h, 2d or 1w, or since a date like 2025-01-31
  --where SQL          of which this holds: duration > 60, size > 1e6, tags ->> 'accuracy' > 0.9
  --run RUN            made by this run: the first digits of its id, last, or last~1 for the one before
  --limit N            at most so many (20; with --json all)
  --runs               only runs
  --output             what the bodies printed, as far as it was captured
  --diff RUN1 RUN2     which calls differ between two runs, and why
  --json               a list of records with key, task, run and the metadata, and what was said of a call that failed;
                       with --runs a list of runs

examples:
  merkl log --task train --since 2d --where 'duration > 60'
  merkl log 3fa9
  merkl log --diff last~1 last
"""


def _options(
    *,
    task: str | None = None,
    since: str | None = None,
    where: str | None = None,
    run: str | None = None,
    limit: int | None = None,
    runs: bool = False,
    output: bool = False,
    diff: bool = False,
    json: bool = False,
) -> None:
    """The options of `merkl log`."""


def carry_out(words: list[str]) -> int:
    bound, rest = parse_options(_options, words)
    unknown = [word for word in rest if word.startswith("-")]
    if unknown:
        raise UsageError(f"unknown option {unknown[0]!r}; see `merkl log --help`")
    workspace = Workspace()
    try:
        return _print_log(open_ledger(workspace), rest, **bound.arguments)
    finally:
        workspace.close()


def _print_log(
    ledger: Ledger | None,
    words: Sequence[str],
    *,
    diff: bool = False,
    json: bool = False,
    runs: bool = False,
    output: bool = False,
    **filters: Any,
) -> int:
    if diff:
        return _print_diff(ledger, words, as_json=json)
    if len(words) > 1:
        raise UsageError(f"`merkl log` takes one KEY or TASK, not {' '.join(words)!r}")
    if words and ledger is not None and _is_task(ledger, words[0]):
        filters["task"] = words[0]
    elif words:
        _require_key(words[0], has_filters=runs or bool(filters))
        return _print_result(ledger, find_key(ledger, words[0]), as_json=json, with_output=output)
    if runs:
        limit = filters.get("limit", None if json else 20)
        since = parse_since(filters["since"]) if filters.get("since") else 0.0
        found = [] if ledger is None else ledger.runs(limit=limit, since=since)
        if json:
            print(json_text([run_record(ledger, run) for run in found if ledger is not None]))
        else:
            print(format_runs(found) or "no runs yet")
        return 0
    filters.setdefault("limit", None if json else 20)
    records = _find_results(ledger, **filters)
    if json:
        print(json_text(_as_records(records, _failures(ledger, filters), filters.get("limit"))))
    elif output:
        failed = [(key, metadata_of_failed(call)) for key, call in _failures(ledger, filters)]
        both = sorted([*records, *failed], key=lambda record: -record[1].created) if failed else records
        print(format_output(both[: filters.get("limit")]) or "no results")
    else:
        told = _runs_above(ledger, filters)
        if told:
            print(format_runs(told), end="\n\n")
        for text in _failures_above(ledger, filters):
            print(text, end="\n\n")
        print(
            format_results(records) or "no results" + (" yet: nothing has run here" if ledger is None else "")
        )
    return 0


def _runs_above(ledger: Ledger | None, filters: Mapping[str, Any]) -> Sequence[Run]:
    """Return the runs that stand above results: the one that is asked for, which may have none, else the newest."""
    if ledger is None:
        return []
    if filters.get("run"):
        return [find_run(ledger, filters["run"])]
    is_filtered = any(value for name, value in filters.items() if name != "limit")
    return [] if is_filtered else ledger.runs(limit=10)


def _as_records(
    results: Sequence[tuple[str, Metadata]], failures: Sequence[tuple[str, FailedCall]], limit: int | None
) -> list[dict[str, Any]]:
    """Return results and calls that failed as JSON has them, newest first."""
    records = [{**result_record(key, metadata), "failed": None} for key, metadata in results]
    records += [
        {**result_record(key, metadata_of_failed(call)), "failed": failure_record(call)}
        for key, call in failures
    ]
    if failures:  # else they are in order, those of one moment too
        records.sort(key=lambda record: -record["created"])
    return records[:limit]


def _failures(ledger: Ledger | None, filters: Mapping[str, Any]) -> list[tuple[str, FailedCall]]:
    """Return the calls of a task, or of a run, that failed when they were last run, newest first."""
    task, run_id = filters.get("task"), filters.get("run")
    if ledger is None or filters.get("where") or not (task or run_id):
        return []
    run = find_run(ledger, run_id) if run_id else None
    since = parse_since(filters["since"]) if filters.get("since") else 0.0
    return [
        (key, call)
        for key, call in find_failed_calls(ledger, run=run.id if run is not None else None)
        if call.at >= since and (task is None or _is_named(call.task, task)) and ledger.metadata(key) is None
    ]


def _failures_above(ledger: Ledger | None, filters: Mapping[str, Any]) -> list[str]:
    """Return what was said of calls that failed, or, of a run without any, why that run did."""
    failed = [format_failed_call(key, call) for key, call in _failures(ledger, filters)]
    if (
        ledger is not None
        and not failed
        and filters.get("run")
        and not (filters.get("task") or filters.get("where"))
    ):
        run = find_run(ledger, filters["run"])
        return [textwrap.indent(ledger.details(run), "    ")] if run.error else []
    return failed[: filters.get("limit") or None]


def _is_named(task: str, name: str) -> bool:
    return task == name or task.endswith((f".{name}", f":{name}"))


def _require_key(word: str, *, has_filters: bool) -> None:
    if not set(word.lower()) <= set(string.hexdigits):
        raise UsageError(f"{word!r} is no key, nor a task that has results; `merkl log` lists both")
    if has_filters:
        raise UsageError(
            f"a KEY goes with --json and --output only, and {word!r} is no task that has results"
        )


def _is_task(ledger: Ledger, word: str) -> bool:
    """Say whether a word is the name of a task that has results; raises `UsageError` where it begins a key as well."""
    if not ledger.log(task=word, limit=1) and not any(
        _is_named(failed.task, word) for _, failed in find_failed_calls(ledger)
    ):
        return False
    if ledger.find(word, limit=1):
        raise UsageError(
            f"{word!r} is the name of a task and begins a key: write --task {word}, or more digits"
        )
    return True


def _find_results(
    ledger: Ledger | None,
    *,
    task: str | None = None,
    since: str | None = None,
    where: str | None = None,
    run: str | None = None,
    limit: int | None = None,
) -> list[tuple[str, Metadata]]:
    after = parse_since(since) if since else None
    if ledger is None:
        return []
    run_id = find_run(ledger, run).id if run else None
    try:
        return ledger.log(task=task, since=after, where=where, run=run_id, limit=limit, only_tasks=True)
    except ConditionError as error:
        raise UsageError(f"--where: {error}") from None


def _print_result(ledger: Ledger | None, key: str, *, as_json: bool, with_output: bool) -> int:
    assert ledger is not None
    failed = describe_failed_call(ledger, key)
    metadata = ledger.known(key) or (Metadata() if failed is None else metadata_of_failed(failed))
    if as_json:
        children = [child for child, _ in ledger.children(key)]
        above = sorted(set(ledger.closure([key])) - {key})
        lineage = {"children": children, "ancestors": above, "descendants": descendants(ledger, key)}
        print(json_text([{**result_record(key, metadata), **lineage, "failed": failure_record(failed)}]))
    elif with_output:
        print(format_output([(key, metadata)]))
    else:
        print(format_lineage(ledger, key))
    return 0


def _print_diff(ledger: Ledger | None, words: Sequence[str], *, as_json: bool) -> int:
    if len(words) != 2:
        raise UsageError("--diff takes two runs: merkl log --diff RUN1 RUN2")
    first, second = (find_run(ledger, word) for word in words)
    assert ledger is not None
    found = diff_runs(ledger, first, second)
    print(json_text(found) if as_json else format_run_diff(found))
    return 0
