"""What the commands of a body print: noted by whoever runs one, kept with the result by whoever runs the body."""

from __future__ import annotations

from contextvars import ContextVar, Token

__all__ = ["collect_printed", "note_printed", "stop_collecting_printed"]

_printed: ContextVar[list[str] | None] = ContextVar("merkl_printed", default=None)


def collect_printed(printed: list[str]) -> Token[list[str] | None]:
    """Have what commands print added to a list; returns what `stop_collecting_printed` wants."""
    return _printed.set(printed)


def stop_collecting_printed(token: Token[list[str] | None]) -> None:
    """Undo `collect_printed`."""
    _printed.reset(token)


def note_printed(text: str) -> None:
    """Add what a command printed to what is kept with the result of the running body, if one runs."""
    printed = _printed.get()
    if printed is not None and text:
        printed.append(text if text.endswith("\n") else text + "\n")
