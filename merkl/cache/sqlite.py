"""The default cache: index and small contents in SQLite, large contents as files beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from merkl.cache.base import Content, Metadata, Record, content_bytes
from merkl.cache.content_cache import ContentCache, Index, Indexed
from merkl.cache.contents import ContentBackend, TieredContents
from merkl.cache.database import Database, Schema
from merkl.cache.file_contents import FileContentBackend, Stamp
from merkl.cache.metadata_table import MetadataTable
from merkl.hashing.digests import hash_content

__all__ = ["SqliteCache", "SqliteContentBackend", "SqliteIndex", "SqliteStamps"]

#: A row is marked as used at most once in this many seconds; gc counts with it.
USE_GRANULARITY = 3600.0

INDEX = Schema(
    "index",
    (
        """
        CREATE TABLE entries (
            id INTEGER PRIMARY KEY,
            key BLOB NOT NULL UNIQUE,
            content BLOB NOT NULL,
            size INTEGER NOT NULL,
            codec TEXT NOT NULL,
            codec_version INTEGER NOT NULL,
            decode_type TEXT NOT NULL,
            extra TEXT NOT NULL,
            seal TEXT NOT NULL,
            created REAL NOT NULL,
            used REAL NOT NULL,
            inline BLOB
        );
        """,
    ),
)
ENTRY_COLUMNS = (
    "key",
    "content",
    "size",
    "codec",
    "codec_version",
    "decode_type",
    "extra",
    "seal",
    "created",
    "used",
    "inline",
)
CONTENTS = Schema("contents", ("CREATE TABLE contents (hash BLOB PRIMARY KEY, data BLOB NOT NULL);",))
STAMPS = Schema(
    "stamps",
    (
        """
        CREATE TABLE stamps (
            hash BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
            ctime_ns INTEGER NOT NULL, inode INTEGER NOT NULL
        ) WITHOUT ROWID;
        """,
    ),
)


class SqliteIndex(Index):
    """Key -> record in a SQLite table; contents up to 256 bytes live in the row."""

    inline_limit = 256

    def __init__(self, database: Database, *, shared: bool = False) -> None:
        self.database = database
        self.shared = shared
        database.add(INDEX)
        self._table = database.table("entries", ENTRY_COLUMNS)
        self._metadata = MetadataTable(database)

    def has(self, key: str) -> bool:
        return self._table.has(bytes.fromhex(key))

    def lookup(self, key: str) -> Record | None:
        row = self._table.get(bytes.fromhex(key))
        if row is None:
            return None
        _, content, size, codec, version, decode_type, extra, _, created, _, _ = row
        return Record(content.hex(), size, codec, version, decode_type, extra, created)

    def get(self, key: str) -> Indexed | None:
        indexed = self.load(key)
        metadata = None if indexed is None else self._metadata.get(key)
        if indexed is None or metadata is None:
            return indexed
        return Indexed(indexed.record, metadata, indexed.inline)

    def load(self, key: str) -> Indexed | None:
        row = self._table.get(bytes.fromhex(key))
        if row is None:
            return None
        _, content, size, codec, version, decode_type, extra, seal, created, used, inline = row
        content_hash = content.hex()
        if inline is not None and hash_content(inline) != content_hash:
            return None
        now = time.time()
        if now - used > USE_GRANULARITY:
            self._table.put((*row[:9], now, inline))
        metadata = Metadata(
            size=size,
            codec=codec,
            codec_version=version,
            decode_type=decode_type,
            extra=extra,
            seal=seal,
            created=created,
        )
        return Indexed(
            Record(content_hash, size, codec, version, decode_type, extra, created), metadata, inline
        )

    def metadata(self, key: str) -> Metadata | None:
        """Return all that is known of the result under `key`."""
        return self._metadata.get(key)

    def put(self, key: str, indexed: Indexed) -> None:
        record = indexed.record
        metadata = indexed.metadata
        raw = bytes.fromhex(key)
        self._metadata.put(key, metadata)
        self._table.put(
            (
                raw,
                bytes.fromhex(record.content_hash),
                record.size,
                record.codec,
                record.codec_version,
                record.decode_type,
                record.extra,
                metadata.seal,
                record.created,
                time.time(),
                indexed.inline,
            )
        )

    def delete(self, key: str) -> bool:
        return self._table.delete(bytes.fromhex(key))

    def is_inline(self, record: Record) -> bool:
        return record.size <= self.inline_limit

    def keys(self) -> Iterator[str]:
        for (key,) in self.database.pages("SELECT key FROM entries", key="key"):
            yield key.hex()

    def flush(self) -> None:
        self.database.flush()

    def close(self) -> None:
        self.database.close()


class SqliteContentBackend(ContentBackend):
    """Contents as rows of a SQLite table; made for small ones.

    Args:
        database: a `Database`, or the path of its file.
    """

    may_vanish = False

    def __init__(self, database: Database | str | os.PathLike[str], *, shared: bool = False) -> None:
        self.database = database if isinstance(database, Database) else Database(database)
        self.shared = shared
        self.database.add(CONTENTS)
        self._table = self.database.table("contents", ("hash", "data"))

    def has(self, content_hash: str) -> bool:
        return self._table.has(bytes.fromhex(content_hash))

    def get(self, content_hash: str) -> Content | None:
        row = self._table.get(bytes.fromhex(content_hash))
        if row is None or hash_content(row[1]) != content_hash:
            return None
        data: bytes = row[1]
        return data

    def put(self, content: Content, content_hash: str) -> None:
        self._table.put((bytes.fromhex(content_hash), content_bytes(content)))

    def delete(self, content_hash: str) -> bool:
        return self._table.delete(bytes.fromhex(content_hash))

    def hashes(self) -> Iterator[str]:
        for (content_hash,) in self.database.pages("SELECT hash FROM contents", key="hash"):
            yield content_hash.hex()

    def size(self, content_hash: str) -> int | None:
        self.database.flush()
        row = self.database.fetch(
            "SELECT length(data) FROM contents WHERE hash = ?", (bytes.fromhex(content_hash),)
        )
        return None if row is None else int(row[0])

    def close(self) -> None:
        self.database.close()


class SqliteStamps:
    """How verified content files looked, in a SQLite table."""

    def __init__(self, database: Database) -> None:
        database.add(STAMPS)
        self._table = database.table("stamps", ("hash", "size", "mtime_ns", "ctime_ns", "inode"))

    def get(self, content_hash: str) -> Stamp | None:
        """Return the stamp of a content."""
        row = self._table.get(bytes.fromhex(content_hash))
        return None if row is None or row[1] < 0 else Stamp(*row[1:])

    def put(self, content_hash: str, stamp: Stamp | None) -> None:
        """Remember a stamp."""
        values = (-1, 0, 0, 0) if stamp is None else (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode)
        self._table.put((bytes.fromhex(content_hash), *values))


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

    Raises (at use):
        CacheFormatError: the database is damaged or newer than this MerkL.

    >>> import tempfile
    >>> cache = SqliteCache(tempfile.mkdtemp())
    >>> cache.has("0" * 64)
    False
    """

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
        if database is None:
            database = Database(
                self.path / "merkl.db", delay=delay, busy_timeout=busy_timeout, read_only=read_only
            )
        self.database = database
        self.files = FileContentBackend(
            self.path / "objects", stamps=SqliteStamps(database), shared=shared, fsync=fsync
        )
        self.sqlite_index = SqliteIndex(database, shared=shared)
        small = SqliteContentBackend(database, shared=shared)
        super().__init__(self.sqlite_index, TieredContents(small, self.files, threshold))
        self._inline_limit = self.sqlite_index.inline_limit
        self._threshold = threshold

    def lookup(self, key: str) -> Record | None:
        record = self.sqlite_index.lookup(key)
        if record is None or record.size <= self._threshold or self.files.has(record.content_hash):
            return record
        return None

    def metadata(self, key: str) -> Metadata | None:
        return self.sqlite_index.metadata(key) if self.sqlite_index.has(key) else None

    def __reduce__(self) -> tuple[type[SqliteCache], tuple[Path]]:
        return (type(self), (self.path,))
