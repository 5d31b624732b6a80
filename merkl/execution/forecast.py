"""What a run would do, found out without running or storing anything."""

from __future__ import annotations

import heapq
import itertools
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from merkl._base.errors import WouldRunError
from merkl.cache import Ledger, Record
from merkl.execution.plan import Plan, calls_behind
from merkl.execution.results import Results, identify
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.hashing.keys import hash_out

__all__ = ["ForecastCall", "RunForecast", "predict_seconds", "refuse_runs", "will_run"]

#: How many of a task's earlier results a prediction looks at.
_LATEST = 20


@dataclass(frozen=True, slots=True)
class ForecastCall:
    """One call of a plan and what would become of it.

    It is "cached" where its result is there, "linked" where a result for the same content of its inputs is there, else
    it would "run", for about `seconds` if its task has run before.
    """

    call: Call
    status: Literal["cached", "linked", "run"]
    stage: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class RunForecast:
    """A plan in the order in which it would be carried out.

    `depends_on` are Futures whose values decide how the graph goes on after that. `unneeded` counts the calls behind cached
    ones: nobody looks for their results.
    """

    calls: tuple[ForecastCall, ...]
    depends_on: tuple[Future[Any], ...]
    unneeded: int = 0

    @classmethod
    def of(
        cls,
        plan: Plan,
        results: Results,
        seconds_of: Callable[[Call], float | None],
        depends_on: tuple[Future[Any], ...] = (),
    ) -> RunForecast:
        """Return the forecast of a plan."""
        running = set(will_run(plan, results))
        missing: list[ForecastCall] = []
        for number, stage in enumerate(plan.stages, 1):
            for call in (part for unit in stage.calls for part in unit.parts):
                does_run = call in running
                seconds = seconds_of(call) if does_run else None
                missing.append(ForecastCall(call, "run" if does_run else "linked", number, seconds))
        cached = sorted(plan.found, key=lambda call: call.sequence)
        found = [(call.sequence, ForecastCall(call, "cached", 0, None)) for call in cached]
        # Each cached call stands where program order would have it.
        places = itertools.accumulate((item.call.sequence for item in missing), max)
        merged = heapq.merge(found, zip(places, missing, strict=True), key=lambda pair: pair[0])
        listed = {item.call.key() for item in (*missing, *(item for _, item in found))}
        behind = {call.key() for call in calls_behind(plan.wanted)} - listed
        return cls(tuple(item for _, item in merged), depends_on, len(behind))

    @property
    def seconds(self) -> float | None:
        """The predicted time of all that would run, one after another; None where nothing is known of some task."""
        known = [item.seconds for item in self.calls if item.status == "run"]
        return None if None in known else float(sum(second for second in known if second is not None))

    def count(self, status: str) -> int:
        """Return how many calls have this status."""
        return sum(item.status == status for item in self.calls)


def will_run(plan: Plan, results: Results) -> list[Call]:
    """Return the missing calls whose bodies would run.

    A call whose inputs are all there may have a result under its content key. Whether one is spared that follows a
    call which would run can't be known: it counts as running.
    """
    records: dict[bytes, Record] = dict(plan.records)
    running: list[Call] = []
    for call in plan.missing:
        found = None if call.key() in plan.forced else _find_by_content(call, records, results)
        if found is None:
            running.append(call)
        else:
            records.update(found)
    return running


def _find_by_content(
    call: Call, records: dict[bytes, Record], results: Results
) -> dict[bytes, Record] | None:
    if call.task.is_expanding or not call.has_inputs():
        return None
    identities: dict[bytes, bytes] = {}
    for future in call.inputs():
        record = records.get(future.__merkl_key__())
        if record is None:
            return None
        identities[future.__merkl_key__()] = identify(record)
    content_key = call.content_key(lambda future: identities[future.__merkl_key__()])
    found: dict[bytes, Record] = {}
    for future in call.futures():
        alias = content_key if future.out is None else hash_out(content_key, future.out)
        there = results.find_by_content(call, alias)
        if there is None:
            return None
        found[future.__merkl_key__()] = there[1]
    return found


def refuse_runs(plan: Plan, results: Results) -> None:
    """Raise `WouldRunError` where the body of a call would run."""
    running = will_run(plan, results)
    if running:
        shown = "".join(
            f"\n  {call.key().hex()[:12]} {call.task.name} ({call.place()})" for call in running[:20]
        )
        more = f"\n  and {len(running) - 20} more" if len(running) > 20 else ""
        raise WouldRunError(
            f"{len(running)} call{'s' if len(running) > 1 else ''} would run, and nothing may:{shown}{more}",
            calls=[(call.task.name, call.key().hex()) for call in running],
        )


def predict_seconds(ledger: Ledger) -> Callable[[Call], float | None]:
    """Return a function that predicts how long a call runs: as long as before, or as its task mostly does."""
    known: dict[str, float | None] = {}

    def predict(call: Call) -> float | None:
        before = ledger.metadata(call.futures()[0].hash)
        if before is not None and before.duration > 0:
            return before.duration
        name = f"{call.task.__module__}.{call.task.name}"
        if name not in known:
            latest = ledger.log(task=name, where="duration > 0 AND interrupted = ''", limit=_LATEST)
            known[name] = statistics.median(m.duration for _, m in latest) if latest else None
        return known[name]

    return predict
