"""Which missing calls may start: those whose inputs are there, first made first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from merkl.graph.call import Call

__all__ = ["Schedule"]


class Schedule:
    """The calls of a plan that have not ended yet.

    Calls are known by key. One that waits for others becomes ready when they have ended well; when one fails, all that
    needs it is dropped.
    """

    def __init__(self) -> None:
        self._calls: dict[bytes, Call] = {}
        self._missing_inputs: dict[bytes, int] = {}
        self._dependents: dict[bytes, list[bytes]] = {}
        self._ready: list[tuple[int, bytes]] = []

    def add(self, calls: Iterable[Call]) -> None:
        """Take in more calls, all of whose missing inputs are among them or here already."""
        added = [call for call in calls if call.key() not in self._calls]
        for call in added:
            self._calls[call.key()] = call
        for call in added:
            key = call.key()
            parents = {future._call.key() for future in call.inputs()} & self._calls.keys()
            for parent in parents:
                self._dependents.setdefault(parent, []).append(key)
            self._missing_inputs[key] = len(parents)
            if not parents:
                heapq.heappush(self._ready, (call.sequence, key))

    def wait_for(self, call: Call, others: Iterable[Call]) -> bool:
        """Put a call back until others, already added, have ended; say whether there is anything to wait for."""
        parents = {other.key() for other in others} & self._calls.keys() - {call.key()}
        for parent in parents:
            self._dependents.setdefault(parent, []).append(call.key())
        self._missing_inputs[call.key()] = len(parents)
        return bool(parents)

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, call: Call) -> bool:
        return call.key() in self._calls

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
        for dependent in self._dependents.pop(key, ()):
            if dependent not in self._calls:
                continue
            self._missing_inputs[dependent] -= 1
            if not self._missing_inputs[dependent]:
                heapq.heappush(self._ready, (self._calls[dependent].sequence, dependent))

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
        return sorted((other for other in dropped if other is not call), key=_by_sequence)

    def drop_all(self) -> list[Call]:
        """Take out all calls and return them, in program order."""
        calls = sorted(self._calls.values(), key=_by_sequence)
        self._calls.clear()
        self._ready.clear()
        return calls


def _by_sequence(call: Call) -> int:
    return call.sequence
