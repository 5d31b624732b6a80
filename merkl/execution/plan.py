"""Which calls must run so that some Futures have values, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from merkl.cache import Entry, Record
from merkl.graph.call import Call
from merkl.graph.future import Future

__all__ = ["Plan", "make_plan"]


class Plan:
    """`missing` are the calls to run, in program order; `found` those of which a result is there, `records` what is
    known of these results, `entries` those results that came along with their records.

    `wanted` is what was asked for; `consumers` counts for each needed Future how many missing calls (and requests) want it.
    """

    __slots__ = ("consumers", "entries", "found", "missing", "records", "wanted")

    def __init__(self, wanted: Iterable[Future[Any]] = ()) -> None:
        self.wanted = tuple(wanted)
        self.missing: list[Call] = []
        self.found: set[Call] = set()
        self.records: dict[bytes, Record] = {}
        self.entries: dict[bytes, Entry] = {}
        self.consumers: dict[bytes, int] = {}


def make_plan(
    wanted: Iterable[Future[Any]], peek: Callable[[Future[Any]], tuple[Record, Entry | None] | None]
) -> Plan:
    """Find what must run, going up from the wanted Futures and stopping at each that is in the cache.

    Nothing is asked about the ancestors of a cached result. There is no recursion: a chain may be 100,000 calls
    long.
    """
    plan = Plan(wanted)
    missing: set[Call] = set()
    seen: set[bytes] = set()
    stack = list(plan.wanted)
    while stack:
        future = stack.pop()
        key = future.__merkl_key__()
        plan.consumers[key] = plan.consumers.get(key, 0) + 1
        if key in seen:
            continue
        seen.add(key)
        there = peek(future)
        if there is not None:
            plan.records[key], entry = there
            if entry is not None:
                plan.entries[key] = entry
            plan.found.add(future._call)
            continue
        call = future._call
        if call not in missing:
            missing.add(call)
            stack.extend(call.inputs())
    plan.missing = sorted(_one_for_each_key(missing), key=lambda call: call.sequence)
    return plan


def _one_for_each_key(calls: set[Call]) -> Iterable[Call]:
    """Return of several equal calls the one that was made first: its result is that of all."""
    first: dict[bytes, Call] = {}
    for call in calls:
        key = call.key()
        if key not in first or call.sequence < first[key].sequence:
            first[key] = call
    return first.values()
