"""The default cache: index and small contents in SQLite, large contents as files beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from merkl.cache.base import Record
from merkl.cache.content_cache import ContentCache
from merkl.cache.contents import TieredContents
from merkl.cache.database import Database
from merkl.cache.file_contents import FileContentBackend
from merkl.cache.sqlite_contents import SqliteContentBackend, SqliteStamps
from merkl.cache.sqlite_index import SqliteIndex

__all__ = ["SqliteCache"]


class SqliteCache(ContentCache):
    """The default cache, in one folder: `merkl.db`, and `objects/` for contents above `threshold` bytes.

    Args:
        path: the folder; made when first written.
        threshold: contents above this many bytes are files.
        database: the open database of a workspace whose tables live in the same file.
        read_only: only read, even where writing were possible.
        shared: others than this user can write here.
        fsync: wait for the disk before a large content is recorded.
        delay: seconds that a small result waits at most to be committed together with others.
        busy_timeout: seconds to wait for another process that holds the database's lock.

    Raises (at use):
        CacheFormatError: the database is damaged or newer than this MerkL.

    >>> import tempfile
    >>> cache = SqliteCache(tempfile.mkdtemp())
    >>> cache.has("0" * 64)
    False
    """

    is_quick = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        threshold: int = 64 * 1024,
        database: Database | None = None,
        read_only: bool = False,
        shared: bool = False,
        fsync: bool = True,
        delay: float = 0.05,
        busy_timeout: float = 30.0,
    ) -> None:
        self.path = Path(path)
        self._options = {
            "threshold": threshold,
            "read_only": read_only,
            "shared": shared,
            "fsync": fsync,
            "delay": delay,
            "busy_timeout": busy_timeout,
        }
        if database is None:
            database = Database(
                self.path / "merkl.db", delay=delay, busy_timeout=busy_timeout, read_only=read_only
            )
        self.database = database
        stamps = SqliteStamps(database)
        self.files = FileContentBackend(self.path / "objects", stamps=stamps, shared=shared, fsync=fsync)
        small = SqliteContentBackend(database, shared=shared)
        self.sqlite_index = SqliteIndex(database, shared=shared)
        super().__init__(self.sqlite_index, TieredContents(small, self.files, threshold))
        self._threshold = threshold

    def _has_content(self, record: Record) -> bool:
        return record.size <= self._threshold or self.files.has(record.content_hash)

    def has(self, key: str) -> bool:
        return self.lookup(key) is not None

    def __reduce__(self) -> Any:
        return (_open, (type(self), self.path, self._options))


def _open(kind: type[SqliteCache], path: Path, options: dict[str, Any]) -> SqliteCache:
    return kind(path, **options)
