"""What Python's audit events say of files, network and programs, and which paths are among values."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

from merkl._base.containers import is_container, list_children
from merkl.files import DirRef, FileRef

__all__ = ["EVENTS", "LISTINGS", "is_among", "is_writing", "iter_paths"]

_SCALARS = frozenset({int, float, str, bytes, bool, complex, type(None)})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
LISTINGS = frozenset({"os.listdir", "os.scandir"})


def iter_paths(values: Iterable[Any]) -> Iterator[str]:
    """Yield where the files and directories lie that are among values, at any depth."""
    pending = list(values)
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if isinstance(value, (FileRef, DirRef)):
            yield os.path.realpath(os.fspath(value))
        elif is_container(value) and id(value) not in seen:
            seen.add(id(value))
            inside = list_children(value)
            # Millions of numbers are told by their classes.
            if not _SCALARS.issuperset(map(type, inside)):
                pending += inside


def is_among(paths: Container[str], where: str) -> bool:
    """Say whether a path is one of these, or below one."""
    while where not in paths:
        above = os.path.dirname(where)
        if above == where:
            return False
        where = above
    return True


def is_writing(mode: str | None, flags: int | None) -> bool:
    return bool(flags & _WRITING) if isinstance(flags, int) else "r" not in (mode or "r")


def _address(arguments: tuple[Any, ...]) -> str:
    address = arguments[1] if len(arguments) > 1 else arguments
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return os.fsdecode(address) if isinstance(address, bytes) else str(address)


def _program(arguments: tuple[Any, ...]) -> str:
    first = arguments[0]
    return os.fsdecode(first) if isinstance(first, (str, bytes, os.PathLike)) else str(first)


#: What is looked at, and how a finding of it reads; that a folder is made is only remembered.
EVENTS: dict[str, tuple[str, Callable[[tuple[Any, ...]], str]]] = {
    "open": ("file", _program),
    "os.mkdir": ("write", _program),
    **dict.fromkeys(LISTINGS, ("file", _program)),
    "sqlite3.connect": ("file", _program),
    "socket.connect": ("network", _address),
    "socket.getaddrinfo": ("network", lambda arguments: f"{arguments[0]}:{arguments[1]}"),
    "socket.gethostbyname": ("network", _program),
    "socket.gethostbyaddr": ("network", _program),
    "socket.gethostname": ("network", lambda arguments: "the name of this machine"),
    "subprocess.Popen": ("program", _program),
    "os.system": ("program", _program),
    "os.exec": ("program", _program),
    "os.posix_spawn": ("program", _program),
}
