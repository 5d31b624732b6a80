"""Which files entered a key, and with which content: noted while an argument is encoded, compared when its call runs."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, NamedTuple

from merkl._base.errors import MerklError
from merkl.files.content import executable_mark

if TYPE_CHECKING:
    from merkl.files.tracker import FileTracker

__all__ = ["FileRead", "changed_reads", "collect_reads", "note_read", "stop_collecting"]


class FileRead(NamedTuple):
    """One file or directory that a key stands for: where it was, the hash of what it held, and whether it could be executed."""

    path: str
    content_hash: str
    is_directory: bool


_collected: ContextVar[list[FileRead] | None] = ContextVar("merkl_file_reads", default=None)


def collect_reads(reads: list[FileRead]) -> Token[list[FileRead] | None]:
    """Have every file that is hashed for a key noted in `reads`; returns what `stop_collecting` wants."""
    return _collected.set(reads)


def stop_collecting(token: Token[list[FileRead] | None]) -> None:
    """Undo `collect_reads`."""
    _collected.reset(token)


def note_read(path: str, content_hash: str, *, is_directory: bool) -> None:
    """Note a file that was hashed for a key, if anybody collects them."""
    reads = _collected.get()
    if reads is not None:
        reads.append(FileRead(path, content_hash, is_directory))


def changed_reads(reads: Iterable[FileRead], tracker: FileTracker) -> list[str]:
    """Return the paths of files that do not hold any more what they held when a key was made of them."""
    return [read.path for read in reads if not _holds(read, tracker)]


def _holds(read: FileRead, tracker: FileTracker) -> bool:
    try:
        if read.is_directory:
            return tracker.tree_hash(read.path) == read.content_hash
        return tracker.content_hash(read.path) + executable_mark(read.path) == read.content_hash
    except (MerklError, OSError):
        return False
