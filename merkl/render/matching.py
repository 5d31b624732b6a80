"""Which earlier call each call of a graph takes the place of: the one that differs least, and each of them for one call at most.

Calls are matched by what goes into them: the values of their arguments, and the results that they are given, each of these
taken for the earlier result whose place it takes. Where many calls of a task differ from many earlier ones it is by the
fewest arguments, and of these by those that explain the most calls. Nothing is compared pair by pair: calls are looked up
by what they have in common, so 10,000 calls of one task take no longer each than ten.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Comparable", "match_calls", "match_in_place"]

#: Up to so many things in which calls of a task differ, all combinations of them are tried; beyond, only those of two.
_MOST_COMBINED = 6
#: Calls with the same in common are told apart by the likeness of what differs, so many of them.
_MOST_LIKENED = 20
#: In how many of the results that it is given a call differs from another, and in how many of its constants.
Rank: TypeAlias = tuple[int, int]
#: Stands for the results inside of lists and the like, beside the names of parameters.
_INSIDE = ""


@dataclass(slots=True, eq=False)
class Comparable:
    """A call, of now or of earlier, as it is compared: `constants` by parameter, `links` the results that parameters are given.

    `inside` are the results somewhere inside of other arguments, `outs` the keys of its own results. `details` are the parts of
    structured constants by parameter, `shown` the constants as people read them: of a file it is the path.
    """

    key: str
    task: str
    constants: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...] = ()
    inside: tuple[str, ...] = ()
    outs: dict[str | None, str] = field(default_factory=dict)
    details: dict[str, dict[str, str]] = field(default_factory=dict)
    shown: tuple[tuple[str, str], ...] = ()

    def place(self, origins: Mapping[str, str]) -> tuple[object, ...]:
        """Return what a call has in common with an earlier one that differs in what its arguments hold, not in what they are."""
        links = tuple((name, origins.get(key, key)) for name, key in self.links)
        return self.task, self.shown, links, tuple(sorted(origins.get(key, key) for key in self.inside))

    def parts(self, origins: Mapping[str, str]) -> dict[str, str]:
        """Return all that counts when it is compared, by parameter; a result counts as the earlier one in whose place it is."""
        found = dict(self.constants)
        for name, details in self.details.items():
            del found[name]
            found.update((name + path, text) for path, text in details.items())
        for name, key in self.links:
            found[name] = f"result {origins.get(key, key)}"
        if self.inside:
            found[_INSIDE] = " ".join(sorted(origins.get(key, key) for key in self.inside))
        return found


def match_calls(
    calls: Sequence[Comparable], earlier: Mapping[str, Iterable[Comparable]], origins: dict[str, str]
) -> dict[str, Comparable]:
    """Return for calls by their key the earlier call whose place they take; adds their results to `origins`.

    Args:
        calls: calls of now, each after those whose results it is given.
        earlier: by task, those that can be matched; of equal ones the first is taken.
        origins: from the key of a result to that of the earlier one in whose place it is.
    """
    now: dict[str, list[Comparable]] = {}
    for call in calls:
        now.setdefault(call.task, []).append(call)
    pools: dict[str, _Pool] = {}
    for task, alike in now.items():
        free = list(earlier.get(task, ()))
        if free:
            pools[task] = _Pool(alike, free, origins)
    matcher = _Matcher(pools, origins)
    ranks = sorted({rank for pool in pools.values() for rank in pool.ranks}, key=_order)
    waiting = [call for call in calls if call.task in pools]
    for number, rank in enumerate(ranks):
        waiting = matcher.match_all(waiting, ranks[: number + 1], rank)
    # What is left depends on calls that are new, or is new; those that have nothing in common with others come last.
    for in_common in (True, False):
        left: list[Comparable] = []
        for wave in _waves(waiting):
            rest = wave
            for rank in ranks:
                rest = [call for call in rest if not matcher.match(call, rank, in_common=in_common)]
            left += rest
        waiting = left
    return matcher.found


def match_in_place(
    calls: Sequence[Comparable], earlier: Mapping[str, Iterable[Comparable]], origins: dict[str, str]
) -> dict[str, Comparable]:
    """Match those calls alone whose arguments are called as they were, as a file is that has other content, and given the same.

    Takes and gives what `match_calls` does.
    """
    places: dict[tuple[object, ...], list[Comparable]] = {}
    for task in dict.fromkeys(call.task for call in calls):
        for one in earlier.get(task, ()):
            _, *rest = one.place({})
            places.setdefault((task, *rest), []).append(one)
    found: dict[str, Comparable] = {}
    for call in calls:
        there = places.pop(call.place(origins), [])
        if len(there) == 1:
            found[call.key] = there[0]
            origins.update(
                (key, there[0].outs[out]) for out, key in call.outs.items() if out in there[0].outs
            )
    return found


def _order(rank: Rank) -> tuple[bool, int, int]:
    """Return what ranks are sorted by: first those of calls that are given the same results."""
    links, constants = rank
    return links > 0, links + constants, links


class _Matcher:
    """Takes earlier calls out of their pools, and notes whose place they give."""

    def __init__(self, pools: Mapping[str, _Pool], origins: dict[str, str]) -> None:
        self.found: dict[str, Comparable] = {}
        self._pools = pools
        self._origins = origins

    def match_all(self, calls: Sequence[Comparable], ranks: Sequence[Rank], last: Rank) -> list[Comparable]:
        """Match calls, each after those whose results it is given, that differ so much, `last`, or less; return those left.

        A call waits for those whose results it is given, since what these stand for decides how much it differs, unless it is
        the only one that has so much in common with an earlier one.
        """
        left: list[Comparable] = []
        pending: set[str] = set()
        for call in calls:
            given = [*(key for _, key in call.links), *call.inside]
            waits = bool(last[0]) and not pending.isdisjoint(given)
            # What its inputs stand for may be known only now, and it may then differ less than before.
            tried = ranks if given else (last,)
            if not any(self.match(call, rank, is_only=waits) for rank in tried):
                left.append(call)
                pending.update(call.outs.values())
        return left

    def match(self, call: Comparable, rank: Rank, *, in_common: bool = True, is_only: bool = False) -> bool:
        """Look for an earlier call that differs so much, and has something in common; say whether there was one."""
        taken = self._pools[call.task].take(call, rank, in_common=in_common, is_only=is_only)
        if taken is None:
            return False
        self.found[call.key] = taken
        self._origins.update((key, taken.outs[out]) for out, key in call.outs.items() if out in taken.outs)
        return True


def _waves(calls: Sequence[Comparable]) -> list[list[Comparable]]:
    """Return calls in layers, each after those whose results it is given."""
    layer: dict[str, int] = {}
    waves: dict[int, list[Comparable]] = {}
    for call in calls:
        given = (*(key for _, key in call.links), *call.inside)
        level = max((layer[key] + 1 for key in given if key in layer), default=0)
        layer.update(dict.fromkeys(call.outs.values(), level))
        waves.setdefault(level, []).append(call)
    return [waves[level] for level in sorted(waves)]


class _Pool:
    """The earlier calls of one task that take no part yet, found by what they have in common with a call."""

    def __init__(
        self, now: Sequence[Comparable], earlier: Sequence[Comparable], origins: Mapping[str, str]
    ) -> None:
        self.count = len(earlier)
        self._now = now
        self._origins = origins
        self._parts = {call: call.parts({}) for call in earlier}
        self._parts_now: dict[Comparable, dict[str, str]] = {}
        self._taken: set[Comparable] = set()
        self._is_even = len(now) == len(earlier)
        self._same, self._varied, self._links = self._names_that_differ()
        #: In how many results and in how many constants a match may differ, the likeliest first.
        self.ranks = set(itertools.product(range(len(self._links) + 1), range(len(self._varied) + 1)))
        self._by_common: dict[tuple[str, ...], dict[object, list[Comparable]]] = {}
        self._counted: dict[tuple[str, ...], Counter[tuple[str | None, ...]]] = {}
        self._orders: dict[Rank, list[tuple[str, ...]]] = {}

    def _names_that_differ(self) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
        """Return the parameters with one value, those with several of which some are as before, and those given results.

        Where no value of a parameter is as it was, no match has it in common: it is in none of them.
        """
        before: dict[str, set[str]] = {}
        after: dict[str, set[str]] = {}
        results = {_INSIDE}
        for call, parts in self._parts.items():
            results.update(name for name, _ in call.links)
            for name, text in parts.items():
                before.setdefault(name, set()).add(text)
        for call in self._now:
            results.update(name for name, _ in call.links)
            for name, text in call.parts(self._origins).items():
                after.setdefault(name, set()).add(text)
        none: set[str] = set()
        same: set[str] = set()
        varied: list[str] = []
        links: list[str] = []
        for name in dict.fromkeys([*before, *after]):
            then, there = before.get(name, none), after.get(name, none)
            if name in results:
                links.append(name)
            elif len(there) == 1 and then == there:
                same.add(name)
            elif then & there:
                varied.append(name)
        return frozenset(same), tuple(varied), tuple(links)

    def take(self, call: Comparable, rank: Rank, *, in_common: bool, is_only: bool) -> Comparable | None:
        """Return an earlier call that differs in so many results and constants, and take it out; None where there is none.

        With `in_common` it has anything in common, with `is_only` no other call has as much in common with any other.
        """
        if not self.count or rank not in self.ranks:
            return None
        parts = self._parts_of(call)
        for common in self._combinations(rank):
            shared = self._common_parts(parts, common)
            is_alien = self._same.isdisjoint(parts) and not any(shared)
            if is_alien and not self._is_even and (in_common or len(parts) > 1):
                continue  # with more calls than there were, or fewer, one that has nothing in common is new
            bucket = self._bucket(common).get(shared)
            if is_only and (len(bucket or ()) != 1 or self._counts(common)[shared] != 1):
                continue
            found = None if bucket is None else self._choose(bucket, parts)
            if found is not None:
                self._taken.add(found)
                self.count -= 1
                return found
        return None

    def _combinations(self, rank: Rank) -> Sequence[tuple[str, ...]]:
        """Return which arguments are to be in common, that first which most calls have in common."""
        if rank not in self._orders:
            links, constants = (
                itertools.combinations(names, len(names) - count)
                for names, count in zip((self._links, self._varied), rank, strict=True)
            )
            size = len(self._links) + len(self._varied)
            is_tried = size <= _MOST_COMBINED or sum(rank) <= 2 or sum(rank) == size
            kept = [a + b for a, b in itertools.product(links, constants)] if is_tried else []
            if len(kept) > 1:
                kept.sort(key=self._support, reverse=True)
            self._orders[rank] = kept
        return self._orders[rank]

    def _support(self, common: tuple[str, ...]) -> int:
        """Return how many calls of now could be matched with one of earlier that has this in common with it."""
        there = self._bucket(common)
        counts = self._counts(common)
        return sum(min(count, len(there[parts])) for parts, count in counts.items() if parts in there)

    def _counts(self, common: tuple[str, ...]) -> Counter[tuple[str | None, ...]]:
        """Return how many calls of now have the same in common, by what their inputs stood for when it was first asked."""
        if common not in self._counted:
            parts = map(self._parts_of, self._now)
            self._counted[common] = Counter(self._common_parts(one, common) for one in parts)
        return self._counted[common]

    def _parts_of(self, call: Comparable) -> Mapping[str, str]:
        if call.links or call.inside:
            return call.parts(self._origins)
        if call not in self._parts_now:
            self._parts_now[call] = call.parts(self._origins)
        return self._parts_now[call]

    def _bucket(self, common: tuple[str, ...]) -> dict[object, list[Comparable]]:
        if common not in self._by_common:
            found: dict[object, list[Comparable]] = {}
            for call, parts in reversed(self._parts.items()):
                if call not in self._taken:
                    found.setdefault(self._common_parts(parts, common), []).append(call)
            self._by_common[common] = found
        return self._by_common[common]

    @staticmethod
    def _common_parts(parts: Mapping[str, str], common: tuple[str, ...]) -> tuple[str | None, ...]:
        return tuple([parts.get(name) for name in common])

    def _choose(self, bucket: list[Comparable], parts: Mapping[str, str]) -> Comparable | None:
        """Return the first of those with the same in common, or of the first few the one that is most alike."""
        while bucket and bucket[-1] in self._taken:
            bucket.pop()
        if len(bucket) < 2:
            return bucket[-1] if bucket else None
        few = [call for call in bucket[-_MOST_LIKENED:] if call not in self._taken]
        return max(reversed(few), key=lambda call: _likeness(parts, self._parts[call]))


def _likeness(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """Return how much of their texts two calls begin and end with in common, argument by argument."""
    return sum(_share(text, other[name]) for name, text in one.items() if name in other)


def _share(a: str, b: str) -> float:
    if a == b:
        return 1.0
    shortest = min(len(a), len(b))
    start = next((i for i in range(shortest) if a[i] != b[i]), shortest)
    end = next((i for i in range(shortest - start) if a[-1 - i] != b[-1 - i]), shortest - start)
    return (start + end) / max(len(a), len(b), 1) / 2
