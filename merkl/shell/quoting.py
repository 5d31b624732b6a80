"""Turn values into text, and text into what means just that text where a placeholder stands."""

from __future__ import annotations

import datetime
import decimal
import enum
import os
import uuid
from typing import Any

from merkl.shell.sites import Context, Site

__all__ = ["quote_word", "text_at", "text_of"]

_BY_STR = (int, decimal.Decimal, uuid.UUID)


def text_of(value: Any, name: str) -> str:
    """Return the text of one argument as a command gets it.

    Raises:
        TypeError: the value has no obvious text.
        ValueError: the text holds a NUL, which no command can get.

    >>> text_of(True, "x"), text_of(0.5, "x"), text_of(datetime.date(2024, 1, 2), "x")
    ('true', '0.5', '2024-01-02')
    """
    text = _text(value, name)
    if "\0" in text:
        raise ValueError(f"the argument {name!r} holds a NUL character, which cannot be passed to a command")
    return text


def _text(value: Any, name: str) -> str:
    if isinstance(value, enum.Enum):
        return _text(value.value, name)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _BY_STR):
        return str(value)
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return _text(value.item(), name)
    raise TypeError(
        f"the argument {name!r} is of type {type(value).__qualname__}, which has no one text for a command: pass a str, "
        "a number, a path, an Enum of those, or a list"
    )


def quote_word(text: str) -> str:
    """Quote a text as one word of a shell; always in quotes, for `2` before `>` would be a file descriptor.

    >>> quote_word("it's")
    "'it'\\\\''s'"
    """
    return "'" + text.replace("'", "'\\''") + "'"


def text_at(site: Site, text: str, name: str) -> str:
    """Return what to put at a site so that the shell reads it as `text`.

    Raises:
        ValueError: no way of writing the text means it there (a tab that the here-document takes away).
    """
    if site.context is Context.BARE:
        return quote_word(text)
    if site.context is Context.ARITHMETIC:
        return f"({text})"
    if site.context is Context.HERE_DOCUMENT:
        return _in_here_document(site, text, name)
    # The quotes around are closed, the text added in quotes of its own, and the quotes opened again.
    before, after = {Context.SINGLE: ("'", "'"), Context.DOUBLE: ('"', '"'), Context.ANSI: ("'", "$'")}[
        site.context
    ]
    return f"{before}{quote_word(text)}{after}"


def _in_here_document(site: Site, text: str, name: str) -> str:
    if site.strips_tabs and any(line.startswith("\t") for line in text.split("\n")):
        raise ValueError(
            f"the argument {name!r} has a line that starts with a tab, which <<- would take away: use <<"
        )
    if not site.expands:
        return text
    for special in "\\$`":
        text = text.replace(special, "\\" + special)
    return text
