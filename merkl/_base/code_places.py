"""Where in a file an instruction of a code object stands, as `file:line`."""

from __future__ import annotations

import bisect
from types import CodeType

from merkl._base.readable import readable

__all__ = ["describe_site"]


class _Lines:
    """The lines of one code object: by where their instructions begin."""

    __slots__ = ("_code", "_file", "_lines", "_starts")

    def __init__(self, code: CodeType) -> None:
        self._code = code  # held, so that no other one gets its identity
        self._file = readable(code.co_filename)
        first = code.co_firstlineno
        table = [(-1, first), *((start, line or first) for start, _, line in code.co_lines())]
        self._starts = [start for start, _ in table]
        self._lines = [line for _, line in table]

    def describe(self, lasti: int) -> str:
        return f"{self._file}:{self._lines[bisect.bisect_right(self._starts, lasti) - 1]}"


class _Sites:
    """Places in code as text. Code is known by its identity: to hash it, or go through its lines, takes as long as it is."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[int, _Lines] = {}

    def describe(self, code: CodeType, lasti: int) -> str:
        """Return `file:line` of an instruction, given its code and the offset in it."""
        lines = self._known.get(id(code))
        if lines is None:
            if len(self._known) >= self._most:
                self._known.clear()
            lines = self._known[id(code)] = _Lines(code)
        return lines.describe(lasti)


describe_site = _Sites(most=1024).describe
