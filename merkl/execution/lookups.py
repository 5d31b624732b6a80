"""Looks up for one plan which results are there: many at once, those that are likely to be asked for next along with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from merkl.cache import BaseCache, Entry, Record, peek_many
from merkl.execution.results import Results
from merkl.graph.future import Future

__all__ = ["Lookups"]

#: Results that are looked up at once, at most, where some of them may not be asked for.
_WIDEST = 256


class Lookups:
    """What is known of the results that a plan asks for.

    A plan goes up from a result that is missing to its inputs. In a chain that is one result at a time, so where the cache
    is quick, ancestors are looked up ahead: twice as many each time, for as long as results are missing.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._known: dict[bytes, tuple[Record, Entry | None] | None] = {}
        self._width = 1

    def find(self, futures: Mapping[bytes, Future[Any]]) -> dict[bytes, tuple[Record, Entry | None]]:
        """Return, by key, the record of each of these results that is there, with its entry where that came along."""
        results = self._results
        if not results.is_reading:
            return {}
        known = self._known
        unknown = {key: future for key, future in futures.items() if key not in known}
        if unknown:
            self._look_up(unknown)
        found: dict[bytes, tuple[Record, Entry | None]] = {}
        for key, future in futures.items():
            there = results.accept(future, known[key])
            if there is not None:
                found[key] = there
        return found

    def _look_up(self, futures: dict[bytes, Future[Any]]) -> None:
        if len(futures) < self._width:
            self._add_ancestors(futures)
        self._width = min(2 * self._width, _WIDEST)
        by_cache: dict[int, tuple[BaseCache, list[bytes]]] = {}
        for key, future in futures.items():
            cache = self._results.cache_of(future._call.task)
            by_cache.setdefault(id(cache), (cache, []))[1].append(key)
        for cache, keys in by_cache.values():
            self._known.update(dict.fromkeys(keys))
            for text, there in peek_many(cache, [key.hex() for key in keys]).items():
                self._known[bytes.fromhex(text)] = there

    def _add_ancestors(self, futures: dict[bytes, Future[Any]]) -> None:
        """Add ancestors of Futures, the nearest first, until there are enough to be looked up."""
        queue = list(futures.values())
        for future in queue:
            for parent in future._call.known_inputs():
                key = parent.__merkl_key__()
                if key in self._known or key in futures:
                    continue
                if not self._results.cache_of(parent._call.task).is_quick:
                    continue
                futures[key] = parent
                if len(futures) >= self._width:
                    return
                queue.append(parent)
