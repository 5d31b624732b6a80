"""Content hash -> bytes: what a content backend is, and the one that puts small and large contents apart."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from merkl.cache.base import SPOOL_IN_MEMORY, Content, Spooled, close_content, content_size, spool

__all__ = ["ContentBackend", "TieredContents"]


class ContentBackend(ABC):
    """Keeps contents under their own BLAKE3 hash, each once.

    `get` gives only bytes that have that hash: where they could have been changed they are hashed again first.
    """

    #: Others than this user can write here.
    shared: bool = True
    #: A content can go away by itself (files), so that its row alone proves nothing.
    may_vanish: bool = True
    #: What was put to the trash comes back when it is asked for.
    has_trash: bool = False

    @abstractmethod
    def has(self, content_hash: str) -> bool:
        """Say whether the content is here."""

    @abstractmethod
    def get(self, content_hash: str) -> Content | None:
        """Return the verified content, None if it is not here or damaged."""

    @abstractmethod
    def put(self, content: Content, content_hash: str) -> None:
        """Keep a content; once this returns it survives a crash or is kept by the next `flush` of its index."""

    @abstractmethod
    def delete(self, content_hash: str) -> bool:
        """Remove a content; say whether it was here."""

    @abstractmethod
    def hashes(self) -> Iterator[str]:
        """Iterate over the hashes of all contents."""

    def age(self, content_hash: str) -> float | None:
        """Return how many seconds ago a content was put, None where that is not known."""
        return None

    def distrust(self, content_hash: str) -> None:  # noqa: B027 - most hash at every read
        """Have a content hashed at its next use, however it looks."""

    def is_right(self, content_hash: str) -> bool:
        """Hash a content again, however it looks; say whether it is here and right. One in a file stays if it is not."""
        self.distrust(content_hash)
        content = self.get(content_hash)
        if content is None:
            return False
        close_content(content)
        return True

    def trash(self, content_hash: str) -> bool:
        """Remove a content, if possible so that the next `get` brings it back until `empty_trash` is called."""
        return self.delete(content_hash)

    def empty_trash(self, named: Container[str], *, age: float) -> int:
        """Remove for good what was put to the trash `age` seconds ago and nothing names; return the bytes set free."""
        return 0

    def leftovers(self) -> Iterator[Path]:
        """Iterate over temporary files, those of running processes included."""
        return iter(())

    def size(self, content_hash: str) -> int | None:
        """Return the size of a content that is here."""
        content = self.get(content_hash)
        return None if content is None else content_size(content)

    def spool(self, chunks: Iterable[bytes | memoryview]) -> Spooled:
        """Write a stream down, hashing it, where `put` finds it cheap to take."""
        return spool(chunks, tempfile.SpooledTemporaryFile(SPOOL_IN_MEMORY))

    def flush(self) -> None:  # noqa: B027 - nothing to do unless writes are gathered
        """Make durable what was put."""

    def close(self) -> None:  # noqa: B027
        """Let go of files and connections."""


class TieredContents(ContentBackend):
    """Contents up to `threshold` bytes in one backend, larger ones in another."""

    def __init__(self, small: ContentBackend, large: ContentBackend, threshold: int) -> None:
        self.small = small
        self.large = large
        self.threshold = threshold
        self.shared = small.shared or large.shared
        self.may_vanish = small.may_vanish or large.may_vanish
        self.has_trash = small.has_trash and large.has_trash

    def has(self, content_hash: str) -> bool:
        return self.large.has(content_hash) or self.small.has(content_hash)

    def get(self, content_hash: str) -> Content | None:
        content = self.small.get(content_hash)
        return self.large.get(content_hash) if content is None else content

    def put(self, content: Content, content_hash: str) -> None:
        backend = self.small if content_size(content) <= self.threshold else self.large
        backend.put(content, content_hash)

    def delete(self, content_hash: str) -> bool:
        small = self.small.delete(content_hash)
        return self.large.delete(content_hash) or small

    def hashes(self) -> Iterator[str]:
        yield from self.small.hashes()
        yield from self.large.hashes()

    def size(self, content_hash: str) -> int | None:
        size = self.small.size(content_hash)
        return self.large.size(content_hash) if size is None else size

    def age(self, content_hash: str) -> float | None:
        return self.large.age(content_hash)

    def distrust(self, content_hash: str) -> None:
        self.small.distrust(content_hash)
        self.large.distrust(content_hash)

    def is_right(self, content_hash: str) -> bool:
        return self.small.is_right(content_hash) or self.large.is_right(content_hash)

    def trash(self, content_hash: str) -> bool:
        small = self.small.trash(content_hash)
        return self.large.trash(content_hash) or small

    def empty_trash(self, named: Container[str], *, age: float) -> int:
        return self.small.empty_trash(named, age=age) + self.large.empty_trash(named, age=age)

    def leftovers(self) -> Iterator[Path]:
        yield from self.small.leftovers()
        yield from self.large.leftovers()

    def spool(self, chunks: Iterable[bytes | memoryview]) -> Spooled:
        return self.large.spool(chunks)

    def flush(self) -> None:
        self.small.flush()
        self.large.flush()

    def close(self) -> None:
        self.small.close()
        self.large.close()
