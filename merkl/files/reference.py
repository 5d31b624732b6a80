"""What references to files and directories have in common: a path, and that they are never changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn, Self

__all__ = ["Reference"]


class Reference:
    """A path as an immutable value; a relative one is taken from the directory that was current when it was made."""

    __slots__ = ("_absolute", "_fresh", "_given")
    #: What it stands for lies outside and may change though the reference does not: for fingerprints that reach one.
    __merkl_external__ = True
    _absolute: str
    _given: str
    _fresh: bool

    def _point_to(self, given: str, *, fresh: bool) -> None:
        set_field = object.__setattr__
        set_field(self, "_given", given)
        set_field(self, "_absolute", os.path.abspath(given))
        set_field(self, "_fresh", fresh)

    @property
    def path(self) -> Path:
        """The path as it was given; `os.fspath(ref)` is the absolute one."""
        return Path(self._given)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return os.path.basename(self._absolute)

    @property
    def is_fresh(self) -> bool:
        """Whether it was made for a body to write to."""
        return self._fresh

    def _require_fresh(self) -> None:
        """Raise `PermissionError` unless this was made for a body to write to."""
        if not self._fresh:
            raise PermissionError(
                f"{self!r} is an input or a stored result, and those are never changed. Write to a new one: "
                f"{self._new_one()}"
            )

    def _new_one(self) -> str:
        """Return the code that makes a fresh reference of this kind."""
        return f"{type(self).__name__}()"

    def __fspath__(self) -> str:
        return self._absolute

    def __str__(self) -> str:
        return self._absolute

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._given!r})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} is never changed: {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} is never changed: {name!r} cannot be deleted")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
