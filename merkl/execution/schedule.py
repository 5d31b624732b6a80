"""Which missing calls may start: those whose inputs are there, first made first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from merkl.execution.plan import PlannedStage
from merkl.graph.call import Call

__all__ = ["Schedule"]


class Schedule:
    """The calls of a plan that have not ended yet.

    Calls are known by key. One that waits for others becomes ready when they have ended well; when one fails, all that
    needs it is dropped. Those of a stage wait until the stage before it is complete.
    """

    def __init__(self) -> None:
        self._calls: dict[bytes, Call] = {}
        #: The call, maybe a whole batch, that each call that others may need is a part of.
        self._unit_of: dict[bytes, bytes] = {}
        self._stage_of: dict[bytes, int] = {}
        self._left_in_stage: list[int] = []
        self._waiting_for_stage: dict[int, list[bytes]] = {}
        self._missing_inputs: dict[bytes, int] = {}
        self._dependents: dict[bytes, list[bytes]] = {}
        self._ready: list[tuple[float, bytes]] = []

    def add(self, stages: Sequence[PlannedStage]) -> None:
        """Take in the stages of a plan: calls all of whose missing inputs are among them or here already."""
        first = len(self._left_in_stage)
        added: list[tuple[Call, int | None]] = []
        for number, stage in enumerate(stages, first):
            new = [call for call in stage.calls if call.key() not in self._calls]
            self._left_in_stage.append(len(new))
            added += [(call, None if stage.after is None else first + stage.after) for call in new]
            for call in new:
                self._calls[call.key()] = call
                self._stage_of[call.key()] = number
                self._unit_of.update((part.key(), call.key()) for part in call.parts)
        for call, after in added:
            key = call.key()
            parents = self._units_of(future._call for future in call.inputs()) - {key}
            for parent in parents:
                self._dependents.setdefault(parent, []).append(key)
            self._missing_inputs[key] = len(parents)
            if after is not None and self._left_in_stage[after]:
                self._waiting_for_stage.setdefault(after, []).append(key)
                self._missing_inputs[key] += 1
            if not self._missing_inputs[key]:
                heapq.heappush(self._ready, (call.sequence, key))

    def wait_for(self, call: Call, others: Iterable[Call]) -> bool:
        """Put a call back until others, already added, have ended; say whether there is anything to wait for."""
        parents = self._units_of(others) - {call.key()}
        for parent in parents:
            self._dependents.setdefault(parent, []).append(call.key())
        self._missing_inputs[call.key()] = len(parents)
        return bool(parents)

    def _units_of(self, calls: Iterable[Call]) -> set[bytes]:
        """Return the keys of what is to be run for these calls, as far as it has not ended."""
        keys = {call.key() for call in calls}
        return {self._unit_of.get(key, key) for key in keys} & self._calls.keys()

    def is_held(self, call: Call) -> bool:
        """Say whether a call waits for the stage before its own to be complete."""
        return any(call.key() in waiting for waiting in self._waiting_for_stage.values())

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, call: Call) -> bool:
        return self._unit_of.get(call.key()) in self._calls

    def take_ready(self) -> Call | None:
        """Return the ready call that was made first, None where there is none."""
        while self._ready:
            call = self._calls.get(heapq.heappop(self._ready)[1])
            if call is not None:
                return call
        return None

    def put_back(self, call: Call) -> None:
        """Make a call that was taken ready again."""
        heapq.heappush(self._ready, (call.sequence, call.key()))

    def done(self, call: Call) -> None:
        """Note that a call has ended well."""
        key = call.key()
        if self._calls.pop(key, None) is None:
            return
        self._release(self._dependents.pop(key, ()))
        self._leave_stage(key)

    def _release(self, waiting: Iterable[bytes]) -> None:
        for key in waiting:
            if key not in self._calls:
                continue
            self._missing_inputs[key] -= 1
            if not self._missing_inputs[key]:
                heapq.heappush(self._ready, (self._calls[key].sequence, key))

    def _leave_stage(self, key: bytes) -> None:
        stage = self._stage_of.pop(key)
        self._left_in_stage[stage] -= 1
        if not self._left_in_stage[stage]:
            self._release(self._waiting_for_stage.pop(stage, ()))

    def drop(self, call: Call) -> list[Call]:
        """Take out a call that failed and all that needs it; return these others, in program order."""
        dropped: list[Call] = []
        stack = [call.key()]
        while stack:
            key = stack.pop()
            found = self._calls.pop(key, None)
            if found is None:
                continue
            dropped.append(found)
            stack += self._dependents.pop(key, ())
            self._leave_stage(key)
        return sorted((other for other in dropped if other is not call), key=_by_sequence)

    def drop_all(self) -> list[Call]:
        """Take out all calls and return them, in program order."""
        calls = sorted(self._calls.values(), key=_by_sequence)
        self._calls.clear()
        self._ready.clear()
        return calls


def _by_sequence(call: Call) -> float:
    return call.sequence
