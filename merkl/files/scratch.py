"""Where the files that a task body makes live until they are stored: a directory given by the running call."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

__all__ = ["current_scratch", "fresh_directory", "fresh_path", "is_in_scratch", "use_scratch"]

_current: ContextVar[Path | None] = ContextVar("merkl_scratch", default=None)


@contextlib.contextmanager
def use_scratch(directory: str | os.PathLike[str]) -> Iterator[Path]:
    """Let `FileRef()` and `DirRef()` make their files in `directory` inside the block; whoever opens it removes it.

    Files in it may be moved into a cache rather than copied, so it should be on the cache's file system.

    >>> with tempfile.TemporaryDirectory() as name, use_scratch(name) as scratch:
    ...     fresh_path(".png").parent == scratch
    True
    """
    resolved = Path(os.path.realpath(directory))
    token = _current.set(resolved)
    try:
        yield resolved
    finally:
        _current.reset(token)


def current_scratch() -> Path | None:
    """Return the directory of the call that runs here, or None outside of a call."""
    return _current.get()


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
    scratch = _current.get()
    if scratch is None:
        return False
    parent = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    return parent == str(scratch) or parent.startswith(f"{scratch}{os.sep}")


def _home() -> Path:
    scratch = _current.get()
    return scratch if scratch is not None else Path(tempfile.mkdtemp(prefix="merkl-"))
