"""What differs between two runs: which calls one has and the other has not, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from merkl._base.places import shown_place
from merkl.cache import Ledger, Metadata, Run
from merkl.render.call_states import CallStates
from merkl.render.comparables import comparable_record
from merkl.render.differences import Difference, KnownDifferences, compare_states, format_difference
from merkl.render.log_view import format_call, format_runs, run_record
from merkl.render.matching import Comparable, match_calls

__all__ = ["diff_runs", "format_run_diff"]


def diff_runs(ledger: Ledger, first: Run, second: Run) -> dict[str, Any]:
    """Return, as plain data, what two runs have in common and what not.

    `changed` pairs results of the second run with the nearest of the first; where only inputs differ, `differences` is
    empty. `packages` are the versions that differ.
    """
    before, after = (ledger.closure(ledger.roots(run)) for run in (first, second))
    gone = {key: metadata for key, metadata in before.items() if key not in after}
    fresh = {key: metadata for key, metadata in after.items() if key not in before}
    pairs = _pair(fresh, gone)
    states, known = CallStates(ledger), KnownDifferences()
    changed: list[dict[str, Any]] = []
    added: list[dict[str, Any]] = []
    for key, metadata in sorted(fresh.items(), key=lambda item: item[1].created):
        old = pairs.get(key)
        if old is None:
            added.append(_named(key, metadata))
            continue
        differences = compare_states(
            states.of_record(old, gone[old]), states.of_record(key, metadata), known=known
        )
        found = msgspec.to_builtins(differences)
        changed.append({**_named(key, metadata), "was": old, "differences": found})
    paired = {item["was"] for item in changed}
    removed = [_named(key, metadata) for key, metadata in gone.items() if key not in paired]
    return {
        "runs": [run_record(ledger, run) for run in (first, second)],
        "same": len(before.keys() & after.keys()),
        "changed": changed,
        "added": added,
        "removed": removed,
        "packages": _changed_versions(ledger.packages(first), ledger.packages(second)),
        "python": [first.python, second.python],
    }


def _pair(fresh: Mapping[str, Metadata], gone: Mapping[str, Metadata]) -> dict[str, str]:
    """Return for results of one run those of another in whose place they are."""
    free: dict[str, list[Comparable]] = {}
    for one in _calls_of(gone):
        free.setdefault(one.task, []).append(one)
    origins: dict[str, str] = {}
    match_calls(_calls_of(fresh), free, origins)
    return {key: old for key, old in origins.items() if key in fresh and old in gone}


def _calls_of(records: Mapping[str, Metadata]) -> list[Comparable]:
    """Return the calls that made these results, each after those whose results it was given."""
    calls: dict[object, Comparable] = {}
    for key in _sorted_keys(records):
        metadata = records[key]
        identity = (
            metadata.task,
            metadata.fingerprint,
            metadata.arguments,
            metadata.parents,
            metadata.extras,
        )
        one = calls.setdefault(identity, comparable_record(key, metadata))
        one.outs.setdefault(metadata.out, key)
    return list(calls.values())


def _sorted_keys(records: Mapping[str, Metadata]) -> list[str]:
    found: dict[str, None] = {}
    stack = [*records]
    while stack:
        key = stack[-1]
        above = [parent for parent in records[key].parents if parent in records and parent not in found]
        if key in found or not above:
            found[stack.pop()] = None
        else:
            stack += above
    return list(found)


def _named(key: str, metadata: Metadata) -> dict[str, Any]:
    return {
        "key": key,
        "task": metadata.task,
        "call": format_call(metadata),
        "location": shown_place(metadata.location),
    }


def _changed_versions(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    names = sorted({*before, *after})
    return {n: [before.get(n, ""), after.get(n, "")] for n in names if before.get(n) != after.get(n)}


def format_run_diff(found: dict[str, Any]) -> str:
    """Return the difference of two runs as text."""
    lines = [format_runs([msgspec.convert(run, Run) for run in found["runs"]]), ""]
    lines.append(f"{found['same']} result{' is' if found['same'] == 1 else 's are'} the same")
    roots = [item for item in found["changed"] if item["differences"]]
    for item in roots:
        lines.append(f"changed  {item['key'][:12]}  was {item['was'][:12]}  {item['call']}")
        for difference in item["differences"]:
            lines += [f"  {line}" for line in format_difference(msgspec.convert(difference, Difference))]
    follow = len(found["changed"]) - len(roots)
    if follow:
        lines.append(f"{follow} more changed because their inputs did")
    lines += [f"only in the second  {item['key'][:12]}  {item['call']}" for item in found["added"]]
    lines += [f"only in the first   {item['key'][:12]}  {item['call']}" for item in found["removed"]]
    if found["python"][0] != found["python"][1]:
        lines.append(f"Python {found['python'][0]} → {found['python'][1]}")
    lines += [
        f"{name} {old or '(none)'} → {new or '(none)'}" for name, (old, new) in found["packages"].items()
    ]
    return "\n".join(lines)
