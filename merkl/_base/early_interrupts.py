"""Ctrl-C in the first moments of the command `merkl`, while its modules load: it ends quietly, as later."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

__all__ = ["end_quietly", "is_command"]


def is_command() -> bool:
    """Say whether this process is the command `merkl`, not a program that imports it."""
    words = sys.orig_argv
    script = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    return script in ("merkl", "merkl.exe") or words[1:3] == ["-m", "merkl"]


def end_quietly(number: int, frame: FrameType | None) -> None:
    """End at once with the exit code of an interrupted command."""
    os.write(2, b"merkl: interrupted\n")
    os._exit(128 + number)


if is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, end_quietly)
