"""Contents as rows of a SQLite table, and the memory of how content files looked when they were right."""

from __future__ import annotations

import os
from collections.abc import Iterator

from merkl.cache.base import Content, content_bytes
from merkl.cache.contents import ContentBackend
from merkl.cache.database import Database, Schema
from merkl.cache.file_contents import Stamp
from merkl.hashing.digests import hash_content

__all__ = ["SqliteContentBackend", "SqliteStamps"]

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


class SqliteContentBackend(ContentBackend):
    """Contents as rows of a SQLite table; made for small ones.

    Args:
        database: a `Database`, or the path of its file.
        shared: others than this user can write here.
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
        sql = "SELECT length(data) FROM contents WHERE hash = ?"
        row = self.database.fetch(sql, (bytes.fromhex(content_hash),))
        return None if row is None else int(row[0])

    def flush(self) -> None:
        self.database.flush()

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

    def forget(self, content_hash: str) -> None:
        """Know nothing of a content any more."""
        self._table.delete(bytes.fromhex(content_hash))
