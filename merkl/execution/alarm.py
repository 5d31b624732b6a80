"""A time limit for what runs in this process: an alarm that raises TimeoutError in the main thread."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["time_limit"]


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimeoutError` inside the block when the time is up.

    It reaches Python code and calls that wait; what computes in C without returning is not stopped, nor what runs in another
    thread than the main one. There calls on worker processes (`target=1`) are the way.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"it ran for more than {seconds:g} seconds and was ended")

    handler = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, handler)
