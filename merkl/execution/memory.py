"""How much memory a body took: the highest resident size of its process while it ran, as far as that can be told."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading

__all__ = ["QUICK", "PeakMeter"]

#: Seconds: a body that took less has no peak worth the asking, which costs a microsecond.
QUICK = 0.001

#: Seconds for which a figure is good as that before the next body, in which a process cannot grow by much.
_FRESH = 0.001

#: What `ru_maxrss` counts in.
_UNIT = 1 if sys.platform == "darwin" else 1024
#: Linux: begin the highest resident size of this process again at what it is now.
_RESET = b"5"


class PeakMeter:
    """Tells the peak of one body at a time in this process, or of the command that it starts: `begin`, run it, `end`.

    The system keeps one figure for the whole life of a process. With `is_ours` the process is a worker that nobody else
    measures, and the figure begins anew with each body. Elsewhere it belongs to the user, so the peak of a body is known
    only where it took the process higher than it had ever been.

    >>> meter = PeakMeter()
    >>> meter.begin(0.0)
    >>> meter.end() is None or meter.end() > 0
    True
    """

    def __init__(self, *, is_ours: bool = False) -> None:
        self._reset = _open_reset() if is_ours else None
        self._of_children = False
        self._before = 0
        self._looked = float("-inf")

    def begin(self, now: float, *, of_children: bool = False) -> None:
        """Note where the process is before a body that starts `now`; `of_children` for one that runs another program."""
        if now - self._looked < _FRESH and of_children == self._of_children:
            return
        self._looked = now
        self._of_children = of_children
        if self._reset is not None:
            os.write(self._reset, _RESET)
        self._before = _highest(of_children) if self._reset is None or of_children else 0

    def end(self) -> int | None:
        """Return the peak of the body in bytes, None where it cannot be told."""
        if threading.current_thread() is not threading.main_thread():
            return None  # others run beside this one
        self._looked = float("-inf")
        peak = _highest(self._of_children)
        if self._of_children and peak <= _highest(False):
            return None  # a child begins as a copy of this process, and that counts
        return peak if peak > self._before else None


def _highest(of_children: bool) -> int:
    whose = resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF
    return resource.getrusage(whose).ru_maxrss * _UNIT


def _open_reset() -> int | None:
    """Return a file descriptor, for the life of this process, that takes `_RESET`; None where there is none."""
    with contextlib.suppress(OSError):
        file = os.open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            os.write(file, _RESET)
        except OSError:
            os.close(file)
            raise
        return file
    return None
