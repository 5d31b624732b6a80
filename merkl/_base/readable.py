"""Text that may hold bytes of file names which are no UTF-8, as text that any encoder takes."""

from __future__ import annotations

__all__ = ["readable"]


def readable(text: str) -> str:
    r"""Return a text with its lone surrogates (bytes of a file name that are no UTF-8) written out.

    >>> readable("data/\udcff.txt")
    'data/\\udcff.txt'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
