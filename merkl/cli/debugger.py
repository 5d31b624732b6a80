"""The debugger at the frame where a task failed."""

from __future__ import annotations

import pdb
import sys
from bdb import BdbQuit
from types import TracebackType

from merkl._base.tracebacks import from_body

__all__ = ["has_left", "open_debugger"]


def open_debugger(error: BaseException) -> None:
    """Open pdb at the frame that raised: of what a body raised, where it did, not where MerkL reports it."""
    origin = error.__cause__ if error.__cause__ is not None else error
    tb: TracebackType | None = from_body(origin.__traceback__)
    if tb is None:
        print("merkl: the failure has no frame in this process to debug", file=sys.stderr)
        return
    pdb.post_mortem(tb)


def has_left(error: BaseException) -> bool:
    """Say whether a body failed because its user left the debugger at a breakpoint: who has wants no other one."""
    return isinstance(error.__cause__, BdbQuit)
