"""Which calls of a graph are drawn as one: those of one task, made at one place, side by side or one on another."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from merkl.graph.call import Call
from merkl.render.call_states import task_name

__all__ = ["group_calls"]


def group_calls(calls: Sequence[Call], collapse: int | None) -> list[list[Call]]:
    """Return calls, given in program order, in groups of which none leads back to itself, an earlier one never needing a later.

    Alike are calls of one task that were made at one place, with inputs from the same groups, and those that take up such a
    call's result, as a loop makes them. From `collapse` of them on they are one group, else each call is by itself.
    """
    groups = _alike(calls)
    parts: list[list[Call]] = []
    for members in groups:
        is_one = collapse is not None and len(members) >= collapse
        parts += [members] if is_one else [[call] for call in members]
    return _in_order(parts)


def _alike(calls: Sequence[Call]) -> list[list[Call]]:
    """Each group needs only groups that stand before it."""
    groups: list[list[Call]] = []
    numbers: dict[object, int] = {}
    number_of: dict[bytes, int] = {}
    places: list[tuple[str, str]] = []
    for call in calls:
        place = (task_name(call), call.location())
        inputs = {number_of.get(future._call.key(), -1) for future in call.inputs()}
        last = max(inputs, default=-1)
        # One that goes on from a call like it, and needs else only what stands before that.
        number = last if last >= 0 and places[last] == place else numbers.get((place, frozenset(inputs)))
        if number is None:
            number = numbers[place, frozenset(inputs)] = len(groups)
            groups.append([])
            places.append(place)
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
