"""Looks up for one plan which results are there: many at once, those that will be asked for next along with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from merkl.cache import BaseCache, Entry, Record, peek_many
from merkl.execution.results import Results
from merkl.graph.future import Future

__all__ = ["Lookups"]

#: Results that are looked up at once, at most.
_MOST = 256


class Lookups:
    """What is known of the results that a plan asks for.

    A plan goes up from a result that is missing to its inputs: in a chain that is one result at a time. So where the cache
    is quick, ancestors are looked up ahead, twice as many each time, for as long as results are missing. `at_hand` gives
    what the run has by itself, which is asked first.
    """

    def __init__(
        self, results: Results, *, at_hand: Callable[[Future[Any]], Record | None] | None = None
    ) -> None:
        self._results = results
        self._at_hand = at_hand
        self._known: dict[bytes, tuple[Record, Entry | None] | None] = {}
        self._expected: list[Future[Any]] = []
        self._ahead = 1

    def expect(self, futures: Iterable[Future[Any]]) -> None:
        """Say of which Futures the results will be asked for soon, the last of them first."""
        self._expected += futures

    def peek(self, future: Future[Any]) -> tuple[Record, Entry | None] | None:
        """Return the record of a Future's result, with its entry where that came along; None where there is none."""
        record = None if self._at_hand is None else self._at_hand(future)
        if record is not None:
            return record, None
        if not self._results.is_reading:
            return None
        key = future.__merkl_key__()
        if key not in self._known:
            self._look_up(key, future)
        return self._results.accept(future, self._known[key])

    def _look_up(self, key: bytes, future: Future[Any]) -> None:
        futures = {key: future}
        expected, known = self._expected, self._known
        while expected and len(futures) < _MOST:
            other = expected.pop()
            other_key = other.__merkl_key__()
            if other_key not in known:
                futures[other_key] = other
        if len(futures) < self._ahead:
            self._add_ancestors(futures)
        self._ahead = min(2 * self._ahead, _MOST)
        # Not by the cache itself: a user's may be without a hash.
        by_cache: dict[int, tuple[BaseCache, list[str]]] = {}
        for key, future in futures.items():
            cache = self._results.cache_of(future._call.task)
            if id(cache) not in by_cache:
                by_cache[id(cache)] = (cache, [])
            by_cache[id(cache)][1].append(key.hex())
        known.update(dict.fromkeys(futures))
        for cache, keys in by_cache.values():
            for text, found in peek_many(cache, keys).items():
                known[bytes.fromhex(text)] = found

    def _add_ancestors(self, futures: dict[bytes, Future[Any]]) -> None:
        """Add ancestors of Futures, the nearest first, until there are enough."""
        queue = list(futures.values())
        for future in queue:
            for parent in future._call.known_inputs():
                key = parent.__merkl_key__()
                if key in self._known or key in futures:
                    continue
                if not self._results.cache_of(parent._call.task).is_quick:
                    continue
                futures[key] = parent
                queue.append(parent)
                if len(futures) >= self._ahead:
                    return
