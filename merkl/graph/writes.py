"""Wishes to have results in files: which paths are spoken for until the Future is evaluated."""

from __future__ import annotations

import gc
import os
import sys
import weakref
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from merkl._base.errors import GraphError

if TYPE_CHECKING:
    from merkl.graph.future import Future

__all__ = ["PendingWrites", "Write", "full_path", "pending_writes", "require_distinct_paths"]


class Write:
    """A wish to have a result in a file: where, and whether with a sidecar that says what made it."""

    __slots__ = ("__weakref__", "future", "path", "sidecar")

    def __init__(self, future: Future[Any], path: str, sidecar: bool) -> None:
        self.future = future
        self.path = path
        self.sidecar = sidecar

    def __getstate__(self) -> dict[str, Any]:
        return {"future": self.future, "path": self.path, "sidecar": self.sidecar}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


def full_path(path: str | os.PathLike[str]) -> str:
    """Return a path from the root of the file system; a URL stays as it is.

    Raises:
        GraphError: no file can have this path.
    """
    text = os.fsdecode(path)
    if not text or "\0" in text:
        raise GraphError(
            f"a result cannot be written to {text!r}: " + ("it holds a NUL" if text else "it is empty")
        )
    return text if "://" in text else os.path.abspath(text)


def _real(path: str) -> str:
    return path if "://" in path else os.path.realpath(path)


class PendingWrites:
    """The paths that Futures wait to be written to, outside of runs (a run compares all writes of its own program)."""

    def __init__(self) -> None:
        self._by_path: weakref.WeakValueDictionary[str, Write] = weakref.WeakValueDictionary()
        #: By directory, the last write that was asked for below it.
        self._below: weakref.WeakValueDictionary[str, Write] = weakref.WeakValueDictionary()

    def claim(self, write: Write) -> None:
        """Remember a wish until its Future is evaluated.

        Raises:
            GraphError: another Future waits to be written to the same path.
        """
        path = _real(write.path)
        other = self._by_path.get(path)
        if other is not None and other.future != write.future and not _is_interactive():
            del other
            gc.collect()  # a Future that nobody has any more may only be waiting for this
            other = self._by_path.get(path)
            if other is not None:
                raise _two_writes(other, write)
        if not _is_interactive():
            self._require_no_nesting(path, write)
        self._by_path[path] = write
        for above in _above(path):
            self._below[above] = write

    def _require_no_nesting(self, path: str, write: Write) -> None:
        if self._nested(path) is not None:
            gc.collect()  # as above
            other = self._nested(path)
            if other is not None:
                raise _two_writes(other, write)

    def _nested(self, path: str) -> Write | None:
        """Return a write to a directory on the way to a path, or to somewhere below it."""
        found = [self._by_path.get(above) for above in _above(path)]
        return next((one for one in (self._below.get(path), *found) if one is not None), None)

    def release(self, writes: Iterable[Write]) -> None:
        """Forget wishes whose Futures are being evaluated: another one may be written there afterwards."""
        for write in writes:
            path = _real(write.path)
            if self._by_path.get(path) is write:
                del self._by_path[path]
            for above in _above(path):
                if self._below.get(above) is write:
                    del self._below[above]


#: The wishes of this process.
pending_writes = PendingWrites()


def require_distinct_paths(writes: Iterable[Write]) -> None:
    """Raise `GraphError` where two different Futures are to be written to one path, or one into another's."""
    by_path: dict[str, Write] = {}
    for write in writes:
        other = by_path.setdefault(_real(write.path), write)
        if other.future != write.future:
            raise _two_writes(other, write)
    for path, write in by_path.items():
        for above in _above(path):
            if above in by_path:
                raise _two_writes(by_path[above], write)


def _above(path: str) -> list[str]:
    """Return the directories on the way to a path."""
    return [] if "://" in path else [str(one) for one in PurePath(path).parents]


def _two_writes(one: Write, other: Write) -> GraphError:
    where = (
        other.path
        if _real(one.path) == _real(other.path)
        else f"{one.path} and {other.path}, one inside of the other"
    )
    return GraphError(
        f"two Futures are to be written to {where}: of task {one.future.task.name!r} "
        f"({one.future._call.place()}) and of task {other.future.task.name!r} ({other.future._call.place()}). "
        "Give each a path of its own"
    )


def _is_interactive() -> bool:
    """Whether a person is trying things out: a cell that is run again replaces what it made before."""
    return hasattr(sys, "ps1") or "ipykernel" in sys.modules
