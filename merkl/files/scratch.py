"""Where the files that a task body makes live until they are stored: a directory given by the running call."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextvars import ContextVar, Token
from pathlib import Path

__all__ = [
    "Scratch",
    "current_scratch",
    "enter_scratch",
    "fresh_directory",
    "fresh_path",
    "is_in_scratch",
    "leave_scratch",
    "use_scratch",
]


class Scratch:
    """The directory of one call, made when the first file in it is asked for."""

    __slots__ = ("_directory", "_parent")

    def __init__(self, parent: Path | None = None, *, directory: Path | None = None) -> None:
        self._parent = parent
        self._directory = directory

    @property
    def directory(self) -> Path | None:
        """The directory, None as long as nothing was made in it."""
        return self._directory

    def make(self) -> Path:
        """Return the directory, making it the first time."""
        if self._directory is None:
            if self._parent is not None:
                self._parent.mkdir(parents=True, exist_ok=True)
            self._directory = Path(os.path.realpath(tempfile.mkdtemp(prefix="merkl-", dir=self._parent)))
        return self._directory

    def remove(self) -> None:
        """Remove the directory and all that is left in it."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def remove_if_empty(self) -> None:
        """Remove the directory unless something is in it, which is then a result that no cache has."""
        if self._directory is not None:
            with contextlib.suppress(OSError):
                self._directory.rmdir()


_current: ContextVar[Scratch | None] = ContextVar("merkl_scratch", default=None)


def enter_scratch(scratch: Scratch) -> Token[Scratch | None]:
    """Let `FileRef()` and `DirRef()` make their files in a scratch; returns what `leave_scratch` wants."""
    return _current.set(scratch)


def leave_scratch(token: Token[Scratch | None]) -> None:
    """Undo `enter_scratch`."""
    _current.reset(token)


@contextlib.contextmanager
def use_scratch(directory: str | os.PathLike[str]) -> Iterator[Path]:
    """Let `FileRef()` and `DirRef()` make their files in `directory` inside the block; whoever opens it removes it.

    Files in it may be moved into a cache rather than copied, so it should be on the cache's file system.

    >>> with tempfile.TemporaryDirectory() as name, use_scratch(name) as scratch:
    ...     fresh_path(".png").parent == scratch
    True
    """
    resolved = Path(os.path.realpath(directory))
    token = enter_scratch(Scratch(directory=resolved))
    try:
        yield resolved
    finally:
        leave_scratch(token)


def current_scratch() -> Path | None:
    """Return the directory of the call that runs here, or None outside of a call and where it made no file yet."""
    scratch = _current.get()
    return None if scratch is None else scratch.directory


def fresh_path(suffix: str = "", *, stem: str = "file") -> Path:
    """Return a path that no file has yet; outside of a call, in a new directory of the system's temporary one."""
    return _home() / f"{stem}-{secrets.token_hex(8)}{suffix}"


def fresh_directory(*, stem: str = "files") -> Path:
    """Make an empty directory and return its path."""
    path = _home() / f"{stem}-{secrets.token_hex(8)}"
    path.mkdir()
    return path


def is_in_scratch(path: str | os.PathLike[str]) -> bool:
    """Say whether a path lies in the directory of the running call, so that it may be moved away from there."""
    scratch = current_scratch()
    if scratch is None:
        return False
    parent = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    return parent == str(scratch) or parent.startswith(f"{scratch}{os.sep}")


def _home() -> Path:
    scratch = _current.get() or Scratch()
    return scratch.make()
