"""Key -> record, metadata and small contents, one row each in a SQLite table."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Container, Iterator, Sequence

import msgspec

from merkl.cache.base import Metadata, Record
from merkl.cache.content_cache import Index, Indexed
from merkl.cache.content_keys import ContentKeys
from merkl.cache.database import Database, Row, Schema
from merkl.cache.inventory import ROOTS_KEPT, USE_GRANULARITY, Item, Root
from merkl.hashing.digests import hash_content

__all__ = [
    "ENTRY_BRIEF",
    "ENTRY_COLUMNS",
    "INDEX_SCHEMA",
    "SqliteIndex",
    "decode_metadata",
    "encode_metadata",
]


INDEX_SCHEMA = Schema(
    "index",
    (
        # No NOT NULL here: SQLite would copy each page that an insert of many rows changes, to undo it halfway.
        """
        CREATE TABLE entries (
            id INTEGER PRIMARY KEY,
            key BLOB UNIQUE,
            content BLOB,
            size INTEGER,
            codec TEXT,
            codec_version INTEGER,
            decode_type TEXT,
            extra TEXT,
            seal TEXT,
            origin TEXT,
            created REAL,
            used REAL,
            inline BLOB,
            task TEXT,
            run TEXT,
            document TEXT,
            alias BLOB
        );
        CREATE INDEX entries_by_alias ON entries (alias) WHERE alias IS NOT NULL;
        CREATE INDEX entries_by_task ON entries (task, created) WHERE task <> '';
        CREATE INDEX entries_by_content ON entries (content) WHERE inline IS NULL;
        CREATE TABLE history (
            id INTEGER PRIMARY KEY,
            key BLOB NOT NULL UNIQUE,
            task TEXT NOT NULL,
            created REAL NOT NULL,
            run TEXT NOT NULL,
            document TEXT NOT NULL
        );
        CREATE INDEX history_by_task ON history (task, created);
        """,
        # How much is stored is asked after every run: only what is too large for a row of this file is counted one by one.
        """
        CREATE INDEX entries_large ON entries (content, size) WHERE size > 65536;
        CREATE TABLE roots (
            run TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL, document TEXT NOT NULL, PRIMARY KEY (run, kind)
        );
        CREATE INDEX roots_by_kind ON roots (kind, at);
        """,
        # Content keys of a task that is new here need not be looked up; "" stands for rows that do not tell their task.
        """
        CREATE TABLE content_fingerprints (fingerprint TEXT PRIMARY KEY) WITHOUT ROWID;
        INSERT INTO content_fingerprints SELECT DISTINCT coalesce(document ->> '$.fingerprint', '') FROM entries
            WHERE alias IS NOT NULL OR document ->> '$.fingerprint' IS NULL;
        """,
    ),
)

ENTRY_COLUMNS = (
    *(
        "key",
        "content",
        "size",
        "codec",
        "codec_version",
        "decode_type",
        "extra",
        "seal",
        "origin",
        "created",
        "used",
    ),
    *("inline", "task", "run", "document", "alias"),
)

#: How many of these reading a value takes.
ENTRY_BRIEF = 12

_FIND_ALIAS = (
    "SELECT key FROM entries WHERE alias = ? UNION ALL SELECT key FROM entries WHERE key = ? LIMIT 1"
)

_ITEM = "key, content, size, codec, task, created, used, inline IS NOT NULL, coalesce(document ->> '$.interrupted', '')"

_encoder = msgspec.json.Encoder(enc_hook=repr)
_decoder = msgspec.json.Decoder(Metadata)


def encode_metadata(metadata: Metadata) -> str:
    """Return metadata as JSON; tags that JSON does not know become their `repr`."""
    return _encoder.encode(metadata).decode()


def decode_metadata(document: str | bytes) -> Metadata:
    """Return metadata from its JSON, empty where that cannot be read: it is never in the way of a result.

    >>> decode_metadata(encode_metadata(Metadata(task="train"))).task
    'train'
    """
    try:
        return _decoder.decode(document)
    except msgspec.MsgspecError:
        return Metadata()


class _Named(Container[str]):
    """The hashes of the contents that results name, each asked for when it is needed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __contains__(self, content_hash: object) -> bool:
        sql = "SELECT 1 FROM entries WHERE content = ? AND inline IS NULL"
        return self._database.fetch(sql, (bytes.fromhex(str(content_hash)),)) is not None


class SqliteIndex(Index):
    """Key -> record in a SQLite table; contents up to 256 bytes live in the row."""

    inline_limit = 256
    stores_aliases = True
    knows_names = True

    def __init__(self, database: Database, *, shared: bool = False) -> None:
        self.database = database
        self.shared = shared
        database.add(INDEX_SCHEMA)
        self._table = database.table("entries", ENTRY_COLUMNS, brief=ENTRY_BRIEF)
        self._used: set[bytes] = set()
        # Aliases of rows that are not written yet.
        self._pending_aliases: dict[bytes, bytes] = {}
        self._content_keys = ContentKeys(database)
        database.before_commit(self._write_uses)

    def has(self, key: str) -> bool:
        return self._table.has(bytes.fromhex(key))

    def lookup(self, key: str) -> Record | None:
        row = self._table.head(bytes.fromhex(key))
        if row is None:
            return None
        return Record(row[1].hex(), row[2], row[3], row[4], row[5], row[6], row[9])

    def get(self, key: str) -> Indexed | None:
        row = self._table.get(bytes.fromhex(key))
        return None if row is None else self._indexed(row, decode_metadata(row[14]))

    def load(self, key: str) -> Indexed | None:
        row = self._table.head(bytes.fromhex(key))
        return None if row is None else self._indexed(row, None)

    def load_many(self, keys: Sequence[str]) -> dict[str, Indexed]:
        found: dict[str, Indexed] = {}
        for row in self._table.heads([*map(bytes.fromhex, keys)]):
            indexed = self._indexed(row, None)
            if indexed is not None:
                found[row[0].hex()] = indexed
        return found

    def metadata(self, key: str) -> Metadata | None:
        row = self._table.get(bytes.fromhex(key))
        return None if row is None else decode_metadata(row[14])

    def find_alias(self, alias: str) -> str | None:
        raw = bytes.fromhex(alias)
        key = self._pending_aliases.get(raw)
        if key is None and raw in self._table.pending:
            key = raw
        if key is None:
            row = self.database.fetch(_FIND_ALIAS, (raw, raw))
            key = None if row is None else row[0]
        return None if key is None else key.hex()

    def may_find(self, alias: str, fingerprint: str) -> bool:
        return self._content_keys.may_hold(fingerprint, bytes.fromhex(alias))

    def put(self, key: str, indexed: Indexed) -> None:
        record = indexed.record
        metadata = indexed.metadata
        raw = bytes.fromhex(key)
        alias = bytes.fromhex(metadata.content_key) if metadata.content_key else None
        with self.database.lock:
            if alias is not None:
                self._pending_aliases[alias] = raw
                self._content_keys.note(metadata.fingerprint, alias)
            elif not metadata.fingerprint:
                self._content_keys.note_unknown()
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
                    metadata.origin,
                    record.created,
                    time.time(),
                    indexed.inline,
                    metadata.task,
                    metadata.run,
                    _encoder.encode(metadata).decode(),
                    alias,
                )
            )

    def delete(self, key: str) -> bool:
        """Forget `key`; its metadata is kept in the history."""
        raw = bytes.fromhex(key)
        self._pending_aliases = {a: k for a, k in self._pending_aliases.items() if k != raw}
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO history (key, task, created, run, document) "
                "SELECT key, task, created, run, document FROM entries WHERE key = ?",
                (raw,),
            )
            return connection.execute("DELETE FROM entries WHERE key = ?", (raw,)).rowcount > 0

    def forget(self, key: str) -> bool:
        row = self._table.get(bytes.fromhex(key))
        alias = None if row is None else row[15]
        if alias is not None:
            self._pending_aliases.pop(alias, None)
            self.database.execute("UPDATE entries SET alias = NULL WHERE alias = ?", (alias,))
            self.delete(alias.hex())
        return self.delete(key)

    def keys(self) -> Iterator[str]:
        for (key,) in self.database.pages("SELECT key FROM entries", key="key"):
            yield key.hex()

    def items(self) -> Iterator[Item]:
        for row in self.database.pages(f"SELECT {_ITEM} FROM entries", key="key"):
            key, content, size, codec, task, created, used, is_inline, interrupted = row
            yield Item(
                key.hex(), content.hex(), size, codec, task, created, used, bool(is_inline), interrupted
            )

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        bounds = (bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f")))
        sql = "SELECT key FROM entries WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?"
        return [key.hex() for (key,) in self.database.query(sql, (*bounds, limit))]

    def recall(self, key: str) -> Metadata | None:
        known = self.metadata(key)
        if known is None:
            row = self.database.fetch("SELECT document FROM history WHERE key = ?", (bytes.fromhex(key),))
            known = None if row is None else decode_metadata(row[0])
        return known

    def named(self) -> Container[str]:
        self.database.flush()
        return _Named(self.database)

    def exclusive(self) -> contextlib.AbstractContextManager[object]:
        return self.database.transaction()

    def note_root(self, root: Root) -> None:
        if self.database.read_only:
            return
        with self.database.transaction() as connection:
            document = msgspec.json.encode(root).decode()
            connection.execute(
                "INSERT OR REPLACE INTO roots VALUES (?, ?, ?, ?)", (root.run, root.group, root.at, document)
            )
            connection.execute(
                "DELETE FROM roots WHERE kind = ? AND run NOT IN "
                "(SELECT run FROM roots WHERE kind = ? ORDER BY at DESC LIMIT ?)",
                (root.group, root.group, ROOTS_KEPT),
            )

    def roots(self) -> Iterator[Root]:
        for (document,) in self.database.query("SELECT document FROM roots ORDER BY at"):
            yield msgspec.json.decode(document, type=Root)

    def most_bytes_used(self) -> int:
        """Return how many bytes all results take at most: what this file holds, and large contents, each once."""
        ((pages,), (free,), (page,)) = (
            self.database.query(f"PRAGMA {name}")[0] for name in ("page_count", "freelist_count", "page_size")
        )
        sql = "SELECT coalesce(sum(size), 0) FROM (SELECT DISTINCT content, size FROM entries WHERE size > 65536)"
        ((large,),) = self.database.query(sql)
        return int((pages - free) * page + large)

    def flush(self) -> None:
        self.database.flush()

    def close(self) -> None:
        self.database.close()

    def _indexed(self, row: Row, metadata: Metadata | None) -> Indexed | None:
        raw, content, size, codec, version, decode_type, extra, seal, origin, created, used, inline = row[
            :ENTRY_BRIEF
        ]
        content_hash = content.hex()
        if inline is not None and hash_content(inline) != content_hash:
            return None
        if time.time() - used > USE_GRANULARITY:
            self._note_use(raw)
        if metadata is None or not metadata.codec:
            metadata = Metadata(
                size=size,
                codec=codec,
                codec_version=version,
                decode_type=decode_type,
                extra=extra,
                seal=seal,
                origin=origin,
                created=created,
            )
        record = Record(content_hash, size, codec, version, decode_type, extra, created)
        return Indexed(record, metadata, inline)

    def _note_use(self, raw: bytes) -> None:
        with self.database.lock:
            if raw not in self._used and not self.database.read_only:
                self._used.add(raw)
                self.database.note_pending()

    def _write_uses(self, connection: sqlite3.Connection) -> None:
        now = time.time()
        for raw in self._used:
            connection.execute("UPDATE entries SET used = max(used, ?) WHERE key = ?", (now, raw))
        self._used.clear()
        self._pending_aliases.clear()
