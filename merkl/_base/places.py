"""How paths and places in source are shown: relative to the working directory where they lie inside it, else whole."""

from __future__ import annotations

import os

__all__ = ["shown_path", "shown_place"]


def shown_path(path: str | os.PathLike[str], *, base: str | os.PathLike[str] = "") -> str:
    """Return a path as all of MerkL's output has it; `base` is what it is relative to, if not the working directory.

    >>> shown_path(os.path.join(os.getcwd(), "data", "table.csv")), shown_path("/elsewhere/table.csv")
    ('data/table.csv', '/elsewhere/table.csv')
    """
    text = os.fspath(path)
    if text.startswith("<"):
        return text  # a cell or a prompt
    try:
        here = os.getcwd()
    except OSError:
        return text  # the working directory was removed
    whole = os.path.normpath(os.path.join(here, base, text))
    if whole == here:
        return "."
    return whole.removeprefix(here.rstrip(os.sep) + os.sep)


def shown_place(place: str, *, base: str | os.PathLike[str] = "") -> str:
    """Return `file:line` with the file as `shown_path` has it.

    >>> shown_place(os.path.join(os.getcwd(), "flow.py:3")), shown_place("<stdin>:1"), shown_place("")
    ('flow.py:3', '<stdin>:1', '')
    """
    file, colon, line = place.rpartition(":")
    return f"{shown_path(file, base=base)}:{line}" if colon and file else place
