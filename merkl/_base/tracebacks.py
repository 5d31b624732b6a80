"""Where an error was raised, as users see it: in their own code, without the frames of MerkL that lead there."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType

from merkl._base.errors import MerklError

__all__ = [
    "RemoteTraceback",
    "describe_error",
    "from_body",
    "locate_error",
    "text_of_error",
    "traceback_of_body",
    "traceback_text",
    "trim_traceback",
]

_PACKAGE = str(Path(__file__).parent.parent) + os.sep
_IMPORTS = ("<frozen importlib", os.path.join("importlib", "__init__.py"))
_SITE = f"{os.sep}site-packages{os.sep}"
_LIBRARIES = tuple(
    {sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


class RemoteTraceback(Exception):
    """The traceback of an exception that was raised in another process, as the cause of its copy here."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def text_of_error(error: BaseException) -> str:
    """Return what an error says; never raises, whatever its class does when it is asked."""
    try:
        return str(error) or "no message"
    except Exception as raised:  # noqa: BLE001
        return f"(its text cannot be had: that raised {type(raised).__name__})"


def describe_error(error: BaseException) -> str:
    """Return what an error says, after its class where it is not MerkL's own.

    >>> describe_error(KeyError("rate")), describe_error(ValueError())
    ("KeyError: 'rate'", 'ValueError: no message')
    """
    said = text_of_error(error)
    return said if isinstance(error, MerklError) else f"{type(error).__name__}: {said}"


def from_body(tb: TracebackType | None) -> TracebackType | None:
    """Return a traceback without its first frames, those that only lead to the user's code."""
    start = tb
    while start is not None and start.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        start = start.tb_next
    return start or tb


def traceback_of_body(error: BaseException) -> str:
    """Return the traceback behind a call's failure, from the body's own frame on; "" for a command or a map, which have none."""
    cause = error.__cause__
    if cause is None or (
        isinstance(cause, MerklError) and from_body(cause.__traceback__) is cause.__traceback__
    ):
        return ""  # all frames are MerkL's own, and the message says all
    return cause.__cause__.text if isinstance(cause.__cause__, RemoteTraceback) else traceback_text(cause)


def traceback_text(error: BaseException) -> str:
    """Return an exception with its traceback, and those behind it, without frames of MerkL that lead to others."""
    described = traceback.TracebackException.from_exception(error)
    _drop_frames(described)
    return "".join(described.format()).rstrip()


def _drop_frames(described: traceback.TracebackException) -> None:
    pending = [described]
    while pending:
        one = pending.pop()
        is_ours = [_leads_on(frame.filename) for frame in one.stack]
        last = max((i for i, ours in enumerate(is_ours) if not ours), default=-1)
        one.stack[:] = [frame for i, frame in enumerate(one.stack) if i > last or not is_ours[i]]
        behind = (one.__cause__, one.__context__, *(one.exceptions or ()))
        pending += [other for other in behind if other is not None]


def trim_traceback(error: BaseException) -> None:
    """Take the frames of MerkL that lead to the user's code out of the tracebacks of an error and of what is behind it.

    For a Ctrl-C, and an error that MerkL raised, no frame of MerkL says anything; else those below the user's code stay.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        entries: list[TracebackType] = []
        tb = one.__traceback__
        while tb is not None:
            entries.append(tb)
            tb = tb.tb_next
        is_ours = [_leads_on(entry.tb_frame.f_code.co_filename) for entry in entries]
        last = max((i for i, ours in enumerate(is_ours) if not ours), default=-1)
        says_all = isinstance(one, (KeyboardInterrupt, MerklError))
        for i in reversed(range(len(entries))):
            if not is_ours[i] or (i > last and not says_all):
                tb = TracebackType(tb, entries[i].tb_frame, entries[i].tb_lasti, entries[i].tb_lineno)
        one.__traceback__ = tb
        pending += [one.__cause__, one.__context__]


def _leads_on(file: str) -> bool:
    return file.startswith((_PACKAGE, _IMPORTS[0])) or file.endswith(_IMPORTS[1])


def locate_error(error: BaseException) -> tuple[str, int] | None:
    """Return file and line of an error: where the call was made that it is about, else the user's innermost line."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return error.filename, error.lineno or 0
    known = getattr(error, "location", None)
    if isinstance(known, str) and known.rpartition(":")[2].isdigit():
        file, _, line = known.rpartition(":")
        return file, int(line)
    found = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not (_leads_on(file) or file.startswith(("<frozen", *_LIBRARIES)) or _SITE in file):
            found = file, number
    return found
