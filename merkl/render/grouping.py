"""Which calls of a graph are drawn as one: those of one task, made at one place, side by side or one on another, and loops."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from merkl.graph.call import Call
from merkl.render.loops import find_loops, place_of

__all__ = ["group_calls"]


def group_calls(calls: Sequence[Call], collapse: int | None) -> list[list[Call]]:
    """Return calls, given in program order, in groups of which none leads back to itself, an earlier one never needing a later.

    Alike are calls of one task that were made at one place, with inputs from the same groups, and those that take up such a
    call's result, as a loop makes them, be it over one task or several. From `collapse` of them on they are one group, else
    each call is by itself.
    """
    calls = _inputs_first(calls)
    groups = _alike(calls, {} if collapse is None else find_loops(calls, collapse))
    parts: list[list[Call]] = []
    for members in groups:
        is_one = collapse is not None and len(members) >= collapse
        parts += [members] if is_one else [[call] for call in members]
    return _in_order(parts)


def _inputs_first(calls: Sequence[Call]) -> list[Call]:
    """Return calls in their order, but each behind its inputs: of equal calls the one that is shown may be made later."""
    by_key = {call.key(): call for call in calls}
    ordered: dict[bytes, Call] = {}
    for start in calls:
        stack = [(start, False)]
        while stack:
            call, is_ready = stack.pop()
            key = call.key()
            if key in ordered:
                continue
            if is_ready:
                ordered[key] = call
                continue
            stack.append((call, True))
            inputs = (by_key.get(future._call.key()) for future in call.inputs())
            stack += [(one, False) for one in inputs if one is not None and one.key() not in ordered]
    return list(ordered.values())


def _alike(calls: Sequence[Call], loop_of: Mapping[bytes, int]) -> list[list[Call]]:
    """Each group, loops apart, needs only groups that stand before it; none leads back to itself."""
    groups: list[list[Call]] = []
    numbers: dict[object, int] = {}
    number_of: dict[bytes, int] = {}
    places: list[tuple[str, str] | None] = []
    loops: dict[int, int] = {}
    for call in calls:
        place = place_of(call)
        loop = loop_of.get(call.key())
        if loop in loops:
            groups[loops[loop]].append(call)
            number_of[call.key()] = loops[loop]
            continue
        inputs = {number_of.get(future._call.key(), -1) for future in call.inputs()}
        last = max(inputs, default=-1)
        # One that goes on from a call like it, and needs else only what stands before that.
        number = last if last >= 0 and places[last] == place else numbers.get((place, frozenset(inputs)))
        if number is None:
            number = numbers[place, frozenset(inputs)] = len(groups)
            groups.append([])
            places.append(place if loop is None else None)
        if loop is not None:
            loops[loop] = number
        groups[number].append(call)
        number_of[call.key()] = number
    return groups


def _in_order(parts: list[list[Call]]) -> list[list[Call]]:
    """Program order, as far as each part comes after those that it needs."""
    part_of = {call.key(): number for number, members in enumerate(parts) for call in members}
    after: list[set[int]] = [set() for _ in parts]
    for number, members in enumerate(parts):
        for call in members:
            for future in call.inputs():
                above = part_of.get(future._call.key(), number)
                if above != number:
                    after[above].add(number)
    waits_for = [0] * len(parts)
    for followers in after:
        for number in followers:
            waits_for[number] += 1
    ready = [(members[0].sequence, number) for number, members in enumerate(parts) if not waits_for[number]]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, number = heapq.heappop(ready)
        ordered.append(parts[number])
        for follower in after[number]:
            waits_for[follower] -= 1
            if not waits_for[follower]:
                heapq.heappush(ready, (parts[follower][0].sequence, follower))
    return ordered
