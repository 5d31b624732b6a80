"""What evaluations inside of bodies have stored, so that the evaluation around them does not run it again."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Nesting"]


class Nesting:
    """The keys of results that were stored while more than one evaluation was going on.

    A body that evaluates calls of its own may run what the plan around it has before itself: of `fib(n - 1)` and
    `fib(n - 2)` the first runs the second.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._made: set[bytes] = set()
        self._lock = threading.Lock()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Hold for the time of one evaluation; what was noted is forgotten when the outermost ends."""
        with self._lock:
            self._depth += 1
        try:
            yield
        finally:
            with self._lock:
                self._depth -= 1
                if not self._depth:
                    self._made.clear()

    def note(self, key: bytes) -> None:
        """Note that a result was stored."""
        if self._depth > 1:
            self._made.add(key)

    @property
    def count(self) -> int:
        """How many results were stored meanwhile."""
        return len(self._made)

    def has_made(self, keys: Iterable[bytes]) -> bool:
        """Say whether all of these were stored meanwhile, so that they are worth looking up."""
        return self._made.issuperset(keys)
