"""A second Ctrl-C: it ends the command, whatever runs in it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

from merkl._base.early_interrupts import end_quietly
from merkl.execution.interrupts import AGAIN, SAME, interrupts
from merkl.execution.parting import parting

__all__ = ["end_at_second_interrupt"]

#: As it was before bodies run, for which it is another function.
_EXIT = os._exit

#: Seconds that what runs gets to end in order, and that the record of the run gets then.
_MOMENT = 0.5
_PATIENCE = 2.0


def end_at_second_interrupt() -> None:
    """End this process soon after a second Ctrl-C, from here on; call it in the main thread.

    The handler of the signal asks for it where Python code runs. Where the main thread computes in C it is not called, so a
    thread listens too.
    """
    ending = _Ending()
    interrupts.end_at_once = ending.begin
    _listen(ending.begin)


class _Ending:
    """The end of the process: a moment after it began, with what is still to be said."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def begin(self) -> None:
        """Begin it, unless it has begun."""
        if self._turn.acquire(blocking=False):
            threading.Thread(target=self._end, name="merkl-end", daemon=True).start()

    @staticmethod
    def _end() -> None:
        time.sleep(_MOMENT)
        number = interrupts.terminated_by or signal.SIGINT
        # What is to be said may wait for a lock that nobody gives back.
        last = threading.Timer(_PATIENCE, _EXIT, (128 + number,))
        last.daemon = True
        last.start()
        if not parting.end(128 + number):
            # No run, or one that has just ended by itself: then so does the process.
            time.sleep(_MOMENT)
            end_quietly(number, None)


def _listen(tell: Callable[[], None]) -> None:
    """Tell of two SIGINT within two seconds, whatever the main thread does."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    # A child that a body forks would tell its own signals here.
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))

    def listen() -> None:
        last = float("-inf")
        while numbers := os.read(reader, 64):
            now = time.monotonic()
            if signal.SIGINT in numbers and now - last > SAME:
                if now - last < AGAIN:
                    tell()
                last = now

    threading.Thread(target=listen, name="merkl-interrupts", daemon=True).start()
