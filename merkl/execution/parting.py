"""What is still written down and said where a process ends without its main thread, as at a second Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

__all__ = ["Parting", "parting"]

#: As it was before bodies run, for which it is another function.
_END = os._exit


class Parting:
    """Holds what has to be done before the process may end in the middle of a body.

    >>> parting = Parting()
    >>> with parting.having(lambda: print("the run is written down")):
    ...     parting.take_leave()
    the run is written down
    True
    >>> parting.take_leave()
    False
    """

    def __init__(self) -> None:
        self._words: list[Callable[[], None]] = []
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def having(self, word: Callable[[], None]) -> Iterator[None]:
        """Have `word` called where the process ends inside the block; the innermost first.

        It runs in another thread than the block, whose locks may be held for good. Who leaves the block while the process is
        ending waits for the end.
        """
        self._words.append(word)
        try:
            yield
        finally:
            with self._lock:
                self._words.remove(word)

    def take_leave(self) -> bool:
        """Do all that has to be done; False where there is nothing. What of it raises is passed over."""
        with self._lock:
            words = self._words[::-1]
            for word in words:
                with contextlib.suppress(Exception):
                    word()
            return bool(words)

    def end(self, code: int) -> bool:
        """End the process with an exit code after all that has to be done; where that is nothing, return False."""
        with self._lock:
            if self.take_leave():
                _END(code)
            return False


#: That of this process.
parting = Parting()
