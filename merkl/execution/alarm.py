"""A time limit for what runs in this process: TimeoutError is raised in the thread that runs it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["raise_in_thread", "time_limit"]


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimeoutError` inside the block when the time is up.

    In the main thread an alarm does it, which also ends calls that wait. In another thread it reaches Python code alone: a
    call that waits is let finish first. What computes in C without returning is not stopped: calls on worker processes
    (`target=1`) are the way.
    """
    if seconds is None:
        yield
    elif threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _timer(seconds):
            yield


def raise_in_thread(thread: int, kind: type[BaseException] | None) -> None:
    """Have an exception raised in a thread where it next runs Python code; None takes back one that was not raised yet."""
    import ctypes

    wanted = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), wanted)


def _time_is_up(seconds: float) -> TimeoutError:
    return TimeoutError(f"it ran for more than {seconds:g} seconds and was ended")


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise _time_is_up(seconds)

    handler = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, handler)


class _TimeIsUp(TimeoutError):
    """Raised in a thread: only a class can be, without a message."""


@contextlib.contextmanager
def _timer(seconds: float) -> Iterator[None]:
    thread, lock = threading.get_ident(), threading.Lock()
    is_over = False

    def ring() -> None:
        with lock:
            if not is_over:
                raise_in_thread(thread, _TimeIsUp)

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield
        finally:
            with lock:
                is_over = True
            timer.cancel()
            raise_in_thread(thread, None)
    except _TimeIsUp:
        raise _time_is_up(seconds) from None
