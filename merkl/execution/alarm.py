"""A time limit for what runs in this process: TimeoutError is raised in the thread that runs it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType

__all__ = ["raise_in_thread", "time_is_up", "time_limit"]


def time_limit(seconds: float | None) -> contextlib.AbstractContextManager[None]:
    """Return a block inside of which `TimeoutError` is raised when the time is up.

    In the main thread an alarm does it, which also ends calls that wait. In another thread it reaches Python code alone: a
    call that waits is let finish first. What computes in C without returning is not stopped: calls on worker processes
    (`target=1`) are the way.
    """
    if seconds is None:
        return contextlib.nullcontext()
    if threading.current_thread() is threading.main_thread():
        return _alarm(seconds)
    return _Timer(seconds)


def raise_in_thread(thread: int, kind: type[BaseException] | None) -> None:
    """Have an exception raised in a thread where it next runs Python code; None takes back one that was not raised yet."""
    import ctypes

    wanted = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), wanted)


def time_is_up(seconds: float) -> TimeoutError:
    """Return the error that says so."""
    return TimeoutError(f"it ran for more than {seconds:g} seconds and was ended")


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise time_is_up(seconds)

    handler = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, handler)


class _TimeIsUp(TimeoutError):
    """Raised in a thread: only a class can be, without a message."""


class _Timer(contextlib.AbstractContextManager[None]):
    """A class and no generator, which would leave frames of the standard library before those of the body."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._thread = 0
        self._lock = threading.Lock()
        self._is_over = False

    def __enter__(self) -> None:
        self._thread = threading.get_ident()
        self._timer = threading.Timer(self._seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def _ring(self) -> None:
        with self._lock:
            if not self._is_over:
                raise_in_thread(self._thread, _TimeIsUp)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            with self._lock:
                self._is_over = True
            self._timer.cancel()
            raise_in_thread(self._thread, None)
        except _TimeIsUp as late:
            error = late
        if isinstance(error, _TimeIsUp):
            raise time_is_up(self._seconds).with_traceback(traceback) from None
