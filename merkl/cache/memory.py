"""Caches that live and die with the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO

from merkl.cache.base import BaseCache, Content, Entry, Record, Spooled, content_bytes, spool
from merkl.cache.content_cache import Index, Indexed
from merkl.cache.contents import ContentBackend
from merkl.hashing.digests import hash_content

__all__ = ["MemoryCache", "MemoryContents", "MemoryIndex"]


class MemoryCache(BaseCache):
    """Keeps entries in a dict; the smallest complete cache.

    >>> MemoryCache().has("0" * 64)
    False
    """

    shared = False
    verifies = True

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def has(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def lookup(self, key: str) -> Record | None:
        entry = self._entries.get(key)
        return None if entry is None else entry.record

    def put(self, key: str, entry: Entry) -> None:
        if type(entry.content) is not bytes:
            entry = Entry(content_bytes(entry.content), entry.content_hash, entry.metadata)
        self._entries[key] = entry

    def delete(self, key: str) -> bool:
        return self._entries.pop(key, None) is not None

    def keys(self) -> Iterator[str]:
        return iter(list(self._entries))

    def spool(self, chunks: Iterable[bytes | memoryview]) -> Spooled:
        return spool(chunks, BytesIO())


class MemoryIndex(Index):
    """An index in a dict."""

    shared = False
    knows_names = True

    def __init__(self) -> None:
        self._rows: dict[str, Indexed] = {}

    def has(self, key: str) -> bool:
        return key in self._rows

    def get(self, key: str) -> Indexed | None:
        return self._rows.get(key)

    def put(self, key: str, indexed: Indexed) -> None:
        self._rows[key] = indexed

    def delete(self, key: str) -> bool:
        return self._rows.pop(key, None) is not None

    def keys(self) -> Iterator[str]:
        return iter(list(self._rows))


class MemoryContents(ContentBackend):
    """Contents in a dict."""

    shared = False
    may_vanish = False

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def has(self, content_hash: str) -> bool:
        return content_hash in self._contents

    def get(self, content_hash: str) -> Content | None:
        content = self._contents.get(content_hash)
        return content if content is not None and hash_content(content) == content_hash else None

    def put(self, content: Content, content_hash: str) -> None:
        if content_hash not in self._contents:
            self._contents[content_hash] = content_bytes(content)

    def delete(self, content_hash: str) -> bool:
        return self._contents.pop(content_hash, None) is not None

    def hashes(self) -> Iterator[str]:
        return iter(list(self._contents))
