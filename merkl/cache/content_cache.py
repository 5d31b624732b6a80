"""The cache of two halves: an index from key to record, and contents by their hash, each stored once."""

from __future__ import annotations

import contextlib
import itertools
import threading
from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from merkl.cache.base import (
    BaseCache,
    Entry,
    Metadata,
    Record,
    Spooled,
    content_bytes,
    content_size,
    item_of,
)
from merkl.cache.contents import ContentBackend
from merkl.cache.inventory import Item, Root

__all__ = ["ContentCache", "Index", "Indexed"]


class Indexed(msgspec.Struct, frozen=True):
    """What an index keeps under a key; `inline` is the content itself where it is small enough."""

    record: Record
    metadata: Metadata
    inline: bytes | None = None


class Index(ABC):
    """Key -> record. Small contents may live in it: a row apart would be larger than they are."""

    #: Contents up to this many bytes are given to `put` as `inline`.
    inline_limit: int = 0
    #: Others than this user can write here.
    shared: bool = True

    #: A row is found by the content key in its metadata too, so that needs no row of its own.
    stores_aliases: bool = False

    #: Whether a content is `named` is known without reading all rows.
    knows_names: bool = False

    @abstractmethod
    def has(self, key: str) -> bool:
        """Say whether there is a record under `key`."""

    @abstractmethod
    def get(self, key: str) -> Indexed | None:
        """Return what is kept under `key`."""

    @abstractmethod
    def put(self, key: str, indexed: Indexed) -> None:
        """Keep it under `key`, in place of what was there."""

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Forget `key`; say whether it was there."""

    @abstractmethod
    def keys(self) -> Iterator[str]:
        """Iterate over all keys."""

    def load(self, key: str) -> Indexed | None:
        """Return what is kept under `key`, of the metadata at least `essential()`."""
        return self.get(key)

    def load_many(self, keys: Sequence[str]) -> dict[str, Indexed]:
        """Return what is kept under those of the keys that are there, as `load` does."""
        found = ((key, self.load(key)) for key in keys)
        return {key: indexed for key, indexed in found if indexed is not None}

    def lookup(self, key: str) -> Record | None:
        """Return the record under `key`."""
        indexed = self.get(key)
        return None if indexed is None else indexed.record

    def metadata(self, key: str) -> Metadata | None:
        """Return the metadata under `key`."""
        indexed = self.get(key)
        return None if indexed is None else indexed.metadata

    def find_alias(self, alias: str) -> str | None:
        """Return a key whose metadata have this content key, or `alias` itself where it is a key."""
        return alias if self.has(alias) else None

    def may_find(self, alias: str, fingerprint: str) -> bool:
        """Say whether `find_alias` may find this, the content key of a task with that fingerprint."""
        return True

    def forget(self, key: str) -> bool:
        """Delete `key`, and have no key found any more by its content key."""
        metadata = self.metadata(key)
        if metadata is not None and metadata.content_key:
            self.delete(metadata.content_key)
        return self.delete(key)

    def is_inline(self, record: Record) -> bool:
        """Say whether the content of that record is kept in the index."""
        return record.size <= self.inline_limit

    def items(self) -> Iterator[Item]:
        """Iterate over what upkeep wants to know of all results; records that cannot be read are left out."""
        for key in self.keys():
            indexed = self.get(key)
            if indexed is not None:
                yield item_of(key, indexed.record, indexed.metadata, is_inline=indexed.inline is not None)

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Return the keys that begin with these hex digits, at most `limit`."""
        return list(itertools.islice((key for key in self.keys() if key.startswith(prefix)), limit))

    def recall(self, key: str) -> Metadata | None:
        """Return metadata, also of what was forgotten where they are kept longer."""
        return self.metadata(key)

    def named(self) -> Container[str]:
        """Return the hashes of the contents that results name and that are not kept here."""
        return {item.content_hash for item in self.items() if not item.is_inline}

    def exclusive(self) -> contextlib.AbstractContextManager[object]:
        """Keep other writers out for the time of a `with`, where the index can."""
        return contextlib.nullcontext()

    def note_root(self, root: Root) -> None:  # noqa: B027 - nothing to note where nothing is swept
        """Keep what a project asked for; the latest few of each group."""

    def roots(self) -> Iterator[Root]:
        """Iterate over what was noted."""
        return iter(())

    def flush(self) -> None:  # noqa: B027 - nothing to do unless writes are gathered
        """Make durable what was put."""

    def close(self) -> None:  # noqa: B027
        """Let go of files and connections."""


class ContentCache(BaseCache):
    """A cache made of an index and a content backend: equal contents are stored once, linking costs a row.

    The content is written before the row that names it, so a crash leaves at most a content that nothing names.

    >>> from merkl.cache import MemoryContents, MemoryIndex
    >>> cache = ContentCache(MemoryIndex(), MemoryContents())
    >>> from merkl.hashing.digests import hash_content
    >>> cache.put("0" * 64, Entry(b"abc", hash_content(b"abc"), Metadata(size=3, codec="raw")))
    >>> cache.get("0" * 64).content
    b'abc'
    """

    verifies = True

    def __init__(self, index: Index, contents: ContentBackend) -> None:
        self.index = index
        self.contents = contents
        self.shared = index.shared or contents.shared
        self._writing = 0
        self._counting = threading.Lock()
        # A content that can go away without its row is looked for before the row is believed.
        self._vanishing = contents.may_vanish

    def has(self, key: str) -> bool:
        if not self._vanishing:
            return self.index.has(key)
        return self.lookup(key) is not None

    def lookup(self, key: str) -> Record | None:
        record = self.index.lookup(key)
        return record if record is not None and self._has_content(record) else None

    def peek(self, key: str) -> tuple[Record, Entry | None] | None:
        indexed = self.index.load(key)
        return None if indexed is None else self._peeked(indexed)

    def peek_many(self, keys: Sequence[str]) -> dict[str, tuple[Record, Entry | None]]:
        found: dict[str, tuple[Record, Entry | None]] = {}
        for key, indexed in self.index.load_many(keys).items():
            peeked = self._peeked(indexed)
            if peeked is not None:
                found[key] = peeked
        return found

    def _peeked(self, indexed: Indexed) -> tuple[Record, Entry | None] | None:
        record = indexed.record
        if indexed.inline is not None:
            return record, Entry(indexed.inline, record.content_hash, indexed.metadata)
        return (record, None) if self._has_content(record) else None

    def _has_content(self, record: Record) -> bool:
        return not self._vanishing or self.index.is_inline(record) or self.contents.has(record.content_hash)

    def add_alias(self, alias: str, key: str, entry: Entry) -> None:
        if not (self.index.stores_aliases and alias == entry.metadata.content_key):
            super().add_alias(alias, key, entry)

    def find_alias(self, alias: str) -> str | None:
        return self.index.find_alias(alias)

    def may_find(self, alias: str, fingerprint: str) -> bool:
        return self.index.may_find(alias, fingerprint)

    def forget(self, key: str) -> bool:
        return self.index.forget(key)

    def get(self, key: str) -> Entry | None:
        return self._entry(self.index.get(key))

    def load(self, key: str) -> Entry | None:
        return self._entry(self.index.load(key))

    def _entry(self, indexed: Indexed | None) -> Entry | None:
        if indexed is None:
            return None
        record = indexed.record
        content: Any = indexed.inline
        if content is None:
            content = self.contents.get(record.content_hash)
            if content is None:
                return None
        return Entry(content, record.content_hash, indexed.metadata)

    def metadata(self, key: str) -> Metadata | None:
        return self.index.metadata(key)

    def put(self, key: str, entry: Entry) -> None:
        content = entry.content
        size = len(content) if type(content) is bytes else content_size(content)
        if size <= self.index.inline_limit:
            inline = content if type(content) is bytes else content_bytes(content)
            self.index.put(key, Indexed(entry.record, entry.metadata, inline))
            return
        self._count_writing(1)
        try:
            self.contents.put(content, entry.content_hash)
            self.index.put(key, Indexed(entry.record, entry.metadata, None))
        finally:
            self._count_writing(-1)

    @property
    def is_writing(self) -> bool:
        """Some thread of this process is between a content and the row that names it."""
        return self._writing > 0

    def _count_writing(self, change: int) -> None:
        with self._counting:
            self._writing += change

    def link(self, key: str, other: str, metadata: Metadata | None = None) -> bool:
        indexed = self.index.get(other)
        if indexed is None:
            return False
        if indexed.inline is None and not self.contents.has(indexed.record.content_hash):
            return False
        if metadata is None:
            self.index.put(key, indexed)
        else:
            self.index.put(key, Indexed(indexed.record, metadata, indexed.inline))
        return True

    def delete(self, key: str) -> bool:
        return self.index.delete(key)

    def drop(self, key: str) -> bool:
        indexed = self.index.get(key)
        gone = self.index.delete(key)
        if indexed is None:
            return gone
        if indexed.metadata.content_key and not self.index.stores_aliases:
            self.index.delete(indexed.metadata.content_key)
        content_hash = indexed.record.content_hash
        if indexed.inline is not None:
            return gone
        if not self.index.knows_names:
            if self.contents.has_trash:  # who else names it takes it back; where there is none gc removes it
                self.contents.trash(content_hash)
            return gone
        with self.index.exclusive():
            if content_hash not in self.index.named():
                self.contents.delete(content_hash)
        return gone

    def items(self) -> Iterator[Item]:
        return self.index.items()

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        return self.index.find(prefix, limit=limit)

    def recall(self, key: str) -> Metadata | None:
        return self.index.recall(key)

    def note_root(self, root: Root) -> None:
        self.index.note_root(root)

    def roots(self) -> Iterator[Root]:
        return self.index.roots()

    def keys(self) -> Iterator[str]:
        return self.index.keys()

    def spool(self, chunks: Iterable[bytes | memoryview]) -> Spooled:
        return self.contents.spool(chunks)

    def flush(self) -> None:
        self.contents.flush()
        self.index.flush()

    def close(self) -> None:
        try:
            self.index.close()
        finally:
            self.contents.close()
