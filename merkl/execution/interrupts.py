"""Ctrl-C: counted while bodies run, so that a result that was cut short is never taken for the true one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["InterruptWatch"]


class InterruptWatch:
    """Counts SIGINT while it is entered; each still raises KeyboardInterrupt, as ever.

    Only the main thread can receive signals; in others `count` stays 0.
    """

    def __init__(self) -> None:
        self.count = 0
        self._previous: Any = None
        self._is_installed = False

    def __enter__(self) -> InterruptWatch:
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if callable(previous):
                self._previous = previous
                signal.signal(signal.SIGINT, self._handle)
                self._is_installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_installed:
            signal.signal(signal.SIGINT, self._previous)
            self._is_installed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self._previous(number, frame)
