"""Which missing calls may start: those whose inputs are there, first made first."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Container, Hashable, Iterable, Sequence
from typing import Any

from merkl.execution.plan import PlannedStage
from merkl.graph.call import Call
from merkl.graph.future import Future

__all__ = ["ProgramOrder", "Schedule"]

#: Where a call stands in order, and its key.
_Place = tuple[tuple[int, ...], bytes]


class Schedule:
    """The calls that have not ended yet.

    They are known by key, the calls of a batch by the keys of all its items. One that waits for others becomes ready when
    these have ended well; when one fails, all that needs it is dropped. A group of calls may also wait for another group,
    however that ends. What a call turned out to need has its place in order behind that call, before what was made later.

    Calls of which `is_apart` says so can be taken while others must wait for room.
    """

    def __init__(self, is_apart: Callable[[Call], bool] = lambda call: False) -> None:
        self._is_apart = is_apart
        self._calls: dict[bytes, Call] = {}
        #: The batch that an item runs with.
        self._unit_of: dict[bytes, bytes] = {}
        self._missing_inputs: dict[bytes, int] = {}
        self._dependents: dict[bytes, list[bytes]] = {}
        self._ready: list[_Place] = []
        self._ready_apart: list[_Place] = []
        self._order: dict[bytes, tuple[int, ...]] = {}
        self._places = itertools.count()
        #: Calls that are ready and have no turn, by what they wait for.
        self._parked: dict[Hashable, list[_Place]] = {}
        #: Groups of calls that another group waits for: the keys that have not ended, and who waits.
        self._groups: list[tuple[set[bytes], dict[bytes, None]]] = []
        #: The group that a call waits for, while it does.
        self._held: dict[bytes, int] = {}
        self._groups_of: dict[bytes, list[int]] = {}

    def add(self, stages: Sequence[PlannedStage], *, needed_by: Call | None = None) -> list[Call]:
        """Take in the stages of a plan, in order: each call after its inputs, as far as these are missing.

        What was added before is not added again. Where a call that has been taken turns out to need these calls, those
        of them that wait for its group are let go: else they would wait for each other. Returns what was added.
        """
        start = len(self._groups)
        place = () if needed_by is None else self._order[needed_by.key()]
        all_added: list[Call] = []
        for calls, after in stages:
            added: list[Call] = []
            for call in calls:
                rest = call.without([part for part in call.parts if self._has(part, needed_by)])
                if rest is not None:
                    added.append(rest)
            all_added += added
            for call in added:
                key = call.key()
                self._calls[key] = call
                self._order[key] = (*place, next(self._places))
                if call.parts[0] is call:
                    self._unit_of.pop(key, None)
                else:
                    self._unit_of.update((part.key(), key) for part in call.parts)
            earlier = None if after is None else self._groups[start + after]
            number = len(self._groups)
            self._groups.append(({call.key() for call in added}, {}))
            for call in added:
                key = call.key()
                self._groups_of.setdefault(key, []).append(number)
                parents = self._units_behind(call.inputs()) - {key}
                for parent in parents:
                    self._dependents.setdefault(parent, []).append(key)
                self._missing_inputs[key] = len(parents)
                if earlier is not None and earlier[0]:
                    self._missing_inputs[key] += 1
                    earlier[1][key] = None
                    self._held[key] = start + (after or 0)
                if not self._missing_inputs[key]:
                    self._make_ready(key)
        return all_added

    def _has(self, part: Call, needed_by: Call | None) -> bool:
        """Say whether a call waits here already, by itself or in a batch, and can run before what needs it."""
        key = self.unit_key(part)
        return key in self._calls and (needed_by is None or self._let_go(key, needed_by.key()))

    def _let_go(self, key: bytes, needed_by: bytes) -> bool:
        """Let a call, and all that it needs, start before its stage; False where it waits for what needs it itself."""
        behind = {key}
        stack = [key]
        while stack:
            for unit in self._units_behind(self._calls[stack.pop()].inputs()) - behind:
                behind.add(unit)
                stack.append(unit)
        if needed_by in behind:
            return False
        for unit in behind & self._held.keys():
            del self._groups[self._held.pop(unit)][1][unit]
            self._one_less(unit)
        return True

    def _units_behind(self, futures: Iterable[Future[Any]]) -> set[bytes]:
        units = map(self.unit_key, (future._call for future in futures))
        return {unit for unit in units if unit in self._calls}

    def _make_ready(self, key: bytes) -> None:
        ready = self._ready_apart if self._is_apart(self._calls[key]) else self._ready
        heapq.heappush(ready, (self._order[key], key))

    def wait_for(self, call: Call, futures: Iterable[Future[Any]]) -> bool:
        """Put a call back until Futures, whose calls were added, are there; say whether there is anything to wait for."""
        parents = self._units_behind(futures) - {call.key()}
        for parent in parents:
            self._dependents.setdefault(parent, []).append(call.key())
        self._missing_inputs[call.key()] = len(parents)
        return bool(parents)

    @property
    def has_ready(self) -> bool:
        """Whether a call can be taken."""
        return any(key in self._calls for ready in (self._ready, self._ready_apart) for _, key in ready)

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, call: Call) -> bool:
        return call.key() in self._calls

    def is_waiting(self, key: bytes) -> bool:
        """Say whether the call of that key has not ended."""
        return key in self._calls

    def unit_key(self, call: Call) -> bytes:
        """Return the key of the call that a call runs with: itself, or the batch of which it is an item."""
        return self._unit_of.get(call.key(), call.key())

    def place_of(self, call: Call) -> tuple[int, ...]:
        """Return the place of a call in order."""
        return self._order[call.key()]

    def take_ready(self, *, only_apart: bool = False) -> Call | None:
        """Return the ready call that comes first, None where there is none."""
        while True:
            ready = self._ready_apart
            if not only_apart and self._ready and (not ready or self._ready[0] < ready[0]):
                ready = self._ready
            if not ready:
                return None
            call = self._calls.get(heapq.heappop(ready)[1])
            if call is not None:
                return call

    def park(self, call: Call, lane: Hashable) -> None:
        """Keep a call that was taken until one may leave that lane."""
        heapq.heappush(self._parked.setdefault(lane, []), (self._order[call.key()], call.key()))

    def unpark(self, lane: Hashable) -> None:
        """Make the first call of a lane ready again, if there is one."""
        parked = self._parked.get(lane)
        while parked:
            key = heapq.heappop(parked)[1]
            if key in self._calls:
                self._make_ready(key)
                return

    def put_back(self, call: Call) -> None:
        """Make a call that was taken ready again."""
        if call.key() in self._calls:
            self._make_ready(call.key())

    def done(self, call: Call) -> None:
        """Note that a call has ended well."""
        key = call.key()
        if self._calls.pop(key, None) is None:
            return
        for dependent in self._dependents.pop(key, ()):
            self._one_less(dependent)
        self._leave_groups(key)
        # Of many calls what is known of each takes room.
        del self._order[key], self._missing_inputs[key]

    def _one_less(self, key: bytes) -> None:
        if key in self._calls:
            self._missing_inputs[key] -= 1
            if not self._missing_inputs[key]:
                self._make_ready(key)

    def _leave_groups(self, key: bytes) -> None:
        for number in self._groups_of.pop(key, ()):
            left, waiting = self._groups[number]
            left.discard(key)
            if not left:
                for other in waiting:
                    del self._held[other]
                    self._one_less(other)
                waiting.clear()

    def drop(self, call: Call) -> list[Call]:
        """Take out a call that failed and all that needs it; return these others, in order."""
        dropped: list[Call] = []
        stack = [call.key()]
        while stack:
            key = stack.pop()
            found = self._calls.pop(key, None)
            if found is None:
                continue
            dropped.append(found)
            stack += self._dependents.pop(key, ())
        for one in dropped:
            self._leave_groups(one.key())
        return sorted(
            (other for other in dropped if other is not call), key=lambda one: self._order[one.key()]
        )


class ProgramOrder:
    """Calls of a schedule that keep their order, as far as an earlier one may still become ready.

    `begun` are the keys of calls that have begun and wait for what they turned out to need.
    """

    def __init__(self, schedule: Schedule, begun: Container[bytes]) -> None:
        self._schedule = schedule
        self._begun = begun
        self._places: list[tuple[tuple[int, ...], Call]] = []

    def add(self, call: Call) -> None:
        """Take in a call that was added to the schedule."""
        heapq.heappush(self._places, (self._schedule.place_of(call), call))

    def is_next(self, call: Call) -> bool:
        """Say whether all calls before this one have ended or begun."""
        places = self._places
        while places and (places[0][1] not in self._schedule or places[0][1].key() in self._begun):
            heapq.heappop(places)
        return not places or places[0][1].key() == call.key()
