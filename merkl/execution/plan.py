"""Which calls must run so that some Futures have values, and in which order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from merkl.cache import Entry, Record
from merkl.execution.batches import gather_batches
from merkl.execution.lookups import Lookups
from merkl.graph.building import Stage
from merkl.graph.call import Call
from merkl.graph.future import Future

__all__ = ["Plan", "PlannedStage", "Rerun", "calls_behind", "make_plan"]


class PlannedStage(NamedTuple):
    """Missing calls, in the order in which they run one after another.

    Side by side, none of them starts before the stage with the number `after` (of the same plan) is complete.
    """

    calls: list[Call]
    after: int | None


class Rerun(Protocol):
    """Which calls are to run again in a run, and which of them it has settled already."""

    def chooses(self, call: Call, /) -> bool:
        """Say whether a call is to run although its result may be there."""
        ...

    def has_settled(self, key: bytes, /) -> bool:
        """Say whether the call of this key has run in this run, or turned out to need no run."""
        ...


class Plan:
    """`missing` are the calls to run, in order, each after its inputs; `stages` the same, those of a batch as one call.

    `found` are those of which a result is there, `records` what is known of these results, `entries` those results that
    came along with their records. `wanted` is what was asked for; `consumers` counts for each needed Future how many
    missing calls (and requests) want it. `forced` are the keys of missing calls that run although a result of theirs may be
    there. `is_open` where the graph goes on after it, when the values are known.
    """

    __slots__ = (
        "consumers",
        "entries",
        "forced",
        "found",
        "is_open",
        "missing",
        "records",
        "stages",
        "wanted",
    )

    def __init__(self, wanted: Iterable[Future[Any]] = ()) -> None:
        self.wanted = tuple(wanted)
        self.is_open = False
        self.forced: set[bytes] = set()
        self.stages: list[PlannedStage] = []
        self.missing: list[Call] = []
        self.found: set[Call] = set()
        self.records: dict[bytes, Record] = {}
        self.entries: dict[bytes, Entry] = {}
        self.consumers: dict[bytes, int] = {}


def make_plan(
    wanted: Iterable[Future[Any]],
    lookups: Lookups,
    *,
    stages: Sequence[Stage] = (),
    rerun: Rerun | None = None,
) -> Plan:
    """Find what must run, going up from the wanted Futures and stopping at each that is in the cache.

    Calls run in program order, except that the stages that pipelines yielded come in the order in which they were
    yielded: `stages`, and those of the pipelines whose outputs are missing. Nothing is asked about the ancestors of a
    cached result, but what `lookups` asks for along with others. There is no recursion: a chain may be 100,000 calls long.

    Calls that `rerun` chooses run again, and what follows from them is looked at again by its content.
    """
    plan = Plan(wanted)
    stale: set[bytes] = set()
    if rerun is not None:
        plan.forced, stale = _find_stale(plan.wanted, stages, rerun)
    missing: dict[bytes, Call] = {}
    seen: set[bytes] = set()
    # Stages are ordered by the pipelines that yielded them, so each is noted once, however it was met.
    known = dict.fromkeys(stages)
    _count(plan, plan.wanted)
    stack = [*plan.wanted, *(future for stage in stages for future in stage.futures)]
    lookups.expect(stack)
    while stack:
        future = stack.pop()
        key = future.__merkl_key__()
        if key in plan.records:
            continue
        if key not in seen:
            seen.add(key)
            there = None if stale and future._call.key() in stale else lookups.peek(future)
            if there is not None:
                plan.records[key], entry = there
                if entry is not None:
                    plan.entries[key] = entry
                plan.found.add(future._call)
                continue
        call = future._call
        call_key = call.key()
        other = missing.get(call_key)
        # Of several equal calls the one that was made first runs: its result is that of all.
        if other is None or call.sequence < other.sequence:
            missing[call_key] = call
            inputs = call.inputs()
            stack += inputs
            lookups.expect(inputs)
            if other is None:
                _count(plan, inputs)
            for stage in call.stages:
                if stage not in known:
                    known[stage] = None
                    stack += stage.futures
                    lookups.expect(stage.futures)
    arranged = _arrange(missing, sorted(known, key=lambda stage: stage.floor))
    plan.stages = [PlannedStage(gather_batches(calls), after) for calls, after in arranged]
    plan.missing = [call for stage in arranged for call in stage.calls]
    return plan


def _find_stale(
    wanted: Sequence[Future[Any]], stages: Sequence[Stage], rerun: Rerun
) -> tuple[set[bytes], set[bytes]]:
    """Return the keys of the calls that are to run again, and of these with all that follows from them."""
    forced: set[bytes] = set()
    stale: set[bytes] = set()
    touched: set[bytes] = set()
    for call in calls_behind([*wanted, *(future for stage in stages for future in stage.futures)]):
        key = call.key()
        is_chosen = rerun.chooses(call)
        if is_chosen or any(future._call.key() in touched for future in call.inputs()):
            touched.add(key)
            # What was settled earlier in this run is as it should be; what follows from it may not be.
            if not rerun.has_settled(key):
                stale.add(key)
                if is_chosen:
                    forced.add(key)
    return forced, stale


def calls_behind(futures: Iterable[Future[Any]]) -> list[Call]:
    """Return the calls of Futures and all their ancestors, in program order."""
    seen: dict[Call, None] = dict.fromkeys(future._call for future in futures)
    stack = list(seen)
    while stack:
        for future in stack.pop().inputs():
            if future._call not in seen:
                seen[future._call] = None
                stack.append(future._call)
    return sorted(seen, key=_by_sequence)


def _count(plan: Plan, futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        key = future.__merkl_key__()
        plan.consumers[key] = plan.consumers.get(key, 0) + 1


def _arrange(missing: dict[bytes, Call], stages: Sequence[Stage]) -> list[PlannedStage]:
    """Put missing calls in order: program order, into which the stages are set where their pipelines were called."""
    planned: list[PlannedStage] = []
    waiting = dict.fromkeys(sorted(missing.values(), key=_by_sequence))
    latest: int | None = None
    latest_floor: int | None = None

    def put(calls: list[Call], after: int | None) -> None:
        for call in calls:
            del waiting[call]
        if calls:
            planned.append(PlannedStage(calls, after))

    for stage in stages:
        if stage.floor != latest_floor:
            # What was made before the pipeline was called; that of an earlier pipeline comes after its stages.
            put(_made_before(stage.floor, waiting), latest)
        before = latest if stage.floor == latest_floor else None
        size = len(planned)
        put(_calls_of_stage(stage, missing, waiting), before)
        if len(planned) > size:
            latest, latest_floor = size, stage.floor
    put(list(waiting), latest)
    return planned


def _made_before(floor: int, waiting: Iterable[Call]) -> list[Call]:
    return list(itertools.takewhile(lambda call: call.sequence < floor, waiting))


def _calls_of_stage(stage: Stage, missing: dict[bytes, Call], waiting: dict[Call, None]) -> list[Call]:
    """Return what of a stage waits to be run: what its Futures need in program order, then they as they are listed."""
    members: dict[Call, None] = {}
    for future in stage.futures:
        call = missing.get(future._call.key())
        if call is not None and call in waiting:
            members[call] = None
    needed: set[Call] = set()
    stack = list(members)
    while stack:
        for future in stack.pop().inputs():
            call = missing.get(future._call.key())
            if call is not None and call in waiting and call not in needed:
                needed.add(call)
                stack.append(call)
    # A member that another one needs comes with what is needed.
    return [*sorted(needed, key=_by_sequence), *(call for call in members if call not in needed)]


def _by_sequence(call: Call) -> float:
    return call.sequence
