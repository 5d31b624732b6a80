"""Which calls of a graph a loop over several tasks has made: each goes on from another of them, round and round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from merkl.graph.call import Call
from merkl.render.call_states import task_name

__all__ = ["find_loops", "place_of"]

#: Where a call is made, and of which task.
Place = tuple[str, str]

#: A loop has come round so often.
_FEWEST_ROUNDS = 3


def place_of(call: Call) -> Place:
    """Return the task of a call and where it was made."""
    return task_name(call), call.location()


def find_loops(calls: Sequence[Call], at_least: int) -> dict[bytes, int]:
    """Return the number of its loop for the key of each call that is in one; `calls` have each call behind its inputs.

    A loop has at least so many calls, and calls of one loop have one number.

    Places of the program whose calls lead to each other make a circle; the calls of a circle that hang together are a loop.
    """
    places = {call.key(): place_of(call) for call in calls}
    leads_to: dict[Place, set[Place]] = {}
    for call in calls:
        for above in _inputs(call, places):
            leads_to.setdefault(places[above], set()).add(places[call.key()])
    circles = _circles(leads_to)
    loop_of: dict[bytes, int] = {}
    members: list[list[bytes]] = []
    for call in calls:
        key = call.key()
        circle = circles.get(places[key])
        if circle is None:
            continue
        joined = {loop_of[above] for above in _inputs(call, places) if circles.get(places[above]) == circle}
        target = max(joined, key=lambda loop: len(members[loop]), default=len(members))
        if target == len(members):
            members.append([])
        for other in joined - {target}:
            loop_of.update(dict.fromkeys(members[other], target))
            members[target] += members[other]
            members[other] = []
        loop_of[key] = target
        members[target].append(key)
    return {
        key: loop for loop, keys in enumerate(members) if _is_loop(keys, places, at_least) for key in keys
    }


def _inputs(call: Call, known: Mapping[bytes, object]) -> Iterator[bytes]:
    for future in call.inputs():
        key = future._call.key()
        if key in known:
            yield key


def _is_loop(keys: Sequence[bytes], places: Mapping[bytes, Place], at_least: int) -> bool:
    return len(keys) >= max(at_least, _FEWEST_ROUNDS * len({places[key] for key in keys}))


def _circles(leads_to: Mapping[Place, Iterable[Place]]) -> dict[Place, int]:
    """Return the number of its circle for each place that leads back to itself by way of others (after Kosaraju)."""
    comes_from: dict[Place, list[Place]] = {}
    for place, following in leads_to.items():
        for other in following:
            comes_from.setdefault(other, []).append(place)
    order: dict[Place, None] = {}
    seen: set[Place] = set()
    for start in leads_to:
        order.update(dict.fromkeys(_finished(start, leads_to, seen)))
    circles: dict[Place, int] = {}
    seen.clear()
    for number, start in enumerate(reversed(order)):
        circle = list(_finished(start, comes_from, seen))
        if len(circle) > 1:
            circles.update(dict.fromkeys(circle, number))
    return circles


def _finished(start: Place, following: Mapping[Place, Iterable[Place]], seen: set[Place]) -> Iterator[Place]:
    """Yield the places that are reached and were not seen, each after those that it leads to."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(following.get(start, ())))]
    while stack:
        place, rest = stack[-1]
        other = next((one for one in rest if one not in seen), None)
        if other is None:
            stack.pop()
            yield place
        else:
            seen.add(other)
            stack.append((other, iter(following.get(other, ()))))
