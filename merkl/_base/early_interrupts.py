"""Signals in the first moments of the command `merkl`, while its modules load: it ends quietly, as later."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

__all__ = ["end_quietly", "is_command", "take_over"]

#: As it was before bodies run, for which it is another function.
_END = os._exit
#: What Python, or the system, does at each without us.
_BEFORE: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
if hasattr(signal, "SIGHUP"):
    _BEFORE[signal.SIGHUP] = signal.SIG_DFL


def is_command() -> bool:
    """Say whether this process is the command `merkl`, not a program that imports it."""
    words = sys.orig_argv
    script = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    return script in ("merkl", "merkl.exe") or words[1:3] == ["-m", "merkl"]


def end_quietly(number: int, frame: FrameType | None) -> None:
    """End at once with the exit code of an interrupted or terminated command."""
    try:
        os.write(2, b"merkl: interrupted\n" if number == signal.SIGINT else b"merkl: terminated\n")
    finally:  # the terminal may be gone
        _END(128 + number)


def take_over() -> None:
    """Give the signals back to who asks for them from here on."""
    for number, handler in _BEFORE.items():
        if signal.getsignal(number) is end_quietly:
            signal.signal(number, handler)


if is_command():
    for _number, _handler in _BEFORE.items():
        if signal.getsignal(_number) is _handler:  # ignored stays ignored
            signal.signal(_number, end_quietly)
