"""Caches over caches: several as one, nearest first, and one that is only read."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from merkl._base.errors import CacheError, CacheFormatError, MerklWarning
from merkl.cache.base import (
    BaseCache,
    Entry,
    Metadata,
    Record,
    Spooled,
    close_content,
    verify_content,
)

__all__ = ["LayeredCache", "ReadOnlyCache"]

T = TypeVar("T")


class ReadOnlyCache(BaseCache):
    """Another cache that is read and never written.

    >>> from merkl.cache import MemoryCache
    >>> ReadOnlyCache(MemoryCache()).delete("0" * 64)
    False
    """

    read_only = True

    def __init__(self, cache: BaseCache) -> None:
        self.cache = cache
        self.shared = cache.shared
        self.verifies = cache.verifies

    def has(self, key: str) -> bool:
        return self.cache.has(key)

    def get(self, key: str) -> Entry | None:
        return self.cache.get(key)

    def load(self, key: str) -> Entry | None:
        return self.cache.load(key)

    def lookup(self, key: str) -> Record | None:
        return self.cache.lookup(key)

    def metadata(self, key: str) -> Metadata | None:
        return self.cache.metadata(key)

    def put(self, key: str, entry: Entry) -> None:
        """Do nothing."""

    def link(self, key: str, other: str, metadata: Metadata | None = None) -> bool:
        return False

    def delete(self, key: str) -> bool:
        return False

    def keys(self) -> Iterator[str]:
        return self.cache.keys()

    def close(self) -> None:
        self.cache.close()


class LayeredCache(BaseCache):
    """Several caches as one, nearest first: reads go down until found and are kept on the way up, writes go to all.

    A remote layer in trouble is left out with one warning; results are then read and stored without it. What came
    from a layer that others can write to is marked as such, so that a copy of it is not trusted more than it was.

    >>> from merkl.cache import MemoryCache
    >>> from merkl.cache.contract import make_entry
    >>> near, far = MemoryCache(), MemoryCache()
    >>> far.put("0" * 64, make_entry(b"x"))
    >>> LayeredCache(near, far).get("0" * 64).content, near.has("0" * 64)
    (b'x', True)
    """

    shared = False
    verifies = True

    def __init__(self, local: BaseCache, *remotes: BaseCache) -> None:
        self.layers = (local, *remotes)
        self.read_only = all(layer.read_only for layer in self.layers)
        self._failed: set[int] = set()

    def has(self, key: str) -> bool:
        return any(self._try(number, lambda layer: layer.has(key), False) for number in self._numbers())

    def lookup(self, key: str) -> Record | None:
        for number in self._numbers():
            record = self._try(number, lambda layer: layer.lookup(key), None)
            if record is not None:
                return record
        return None

    def metadata(self, key: str) -> Metadata | None:
        for number in self._numbers():
            metadata = self._try(number, lambda layer: layer.metadata(key), None)
            if metadata is not None:
                return metadata
        return None

    def get(self, key: str) -> Entry | None:
        return self._find(key, lambda layer: layer.get(key))

    def load(self, key: str) -> Entry | None:
        if self.layers[0].has(key):
            return self._find(key, lambda layer: layer.load(key))
        return self.get(key)  # with all metadata, because it is kept

    def put(self, key: str, entry: Entry) -> None:
        self._put(range(len(self.layers)), key, entry)

    def link(self, key: str, other: str, metadata: Metadata | None = None) -> bool:
        linked = [
            self._try(number, lambda layer: layer.link(key, other, metadata), False)
            for number in self._numbers()
        ]
        if any(linked):
            return True
        return super().link(key, other, metadata)

    def delete(self, key: str) -> bool:
        gone = [self._try(number, lambda layer: layer.delete(key), False) for number in self._numbers()]
        return any(gone)

    def keys(self) -> Iterator[str]:
        seen: set[str] = set()
        for number in self._numbers():
            nothing: list[str] = []
            for key in self._try(number, lambda layer: list(layer.keys()), nothing):
                if key not in seen:
                    seen.add(key)
                    yield key

    def spool(self, chunks: Iterable[bytes | memoryview]) -> Spooled:
        return self.layers[0].spool(chunks)

    def flush(self) -> None:
        for number in self._numbers():
            self._try(number, lambda layer: layer.flush(), None)

    def close(self) -> None:
        for layer in self.layers:
            layer.close()

    def _numbers(self) -> range:
        return range(len(self.layers))

    def _find(self, key: str, read: Callable[[BaseCache], Entry | None]) -> Entry | None:
        for number in self._numbers():
            layer = self.layers[number]
            entry = self._try(number, read, None)
            if entry is None:
                continue
            if not layer.verifies and not verify_content(entry.content, entry.content_hash):
                close_content(entry.content)
                continue
            if layer.shared:
                entry = Entry(
                    entry.content,
                    entry.content_hash,
                    msgspec.structs.replace(entry.metadata, origin=type(layer).__name__),
                )
            if number:
                self._keep(number, key, entry)
            return entry
        return None

    def _keep(self, found: int, key: str, entry: Entry) -> None:
        """Keep an entry in the layers before the one where it was found; if that fails it was still found."""
        try:
            self._put(range(found), key, entry)
        except CacheFormatError:
            raise
        except OSError as error:
            warnings.warn(f"a result from a remote cache is not kept: {error}", MerklWarning, stacklevel=4)
        if hasattr(entry.content, "seek"):
            entry.content.seek(0)

    def _put(self, numbers: Iterable[int], key: str, entry: Entry) -> None:
        failures: list[OSError] = []
        done = 0
        for number in numbers:
            layer = self.layers[number]
            if layer.read_only:
                continue
            try:
                layer.put(key, entry)
                done += 1
            except CacheFormatError:
                raise
            except OSError as error:
                failures.append(error)
                self._complain(number, error)
        if failures and not done:
            raise CacheError(str(failures[0])) from failures[0]

    def _try(self, number: int, action: Callable[[BaseCache], T], otherwise: T) -> T:
        try:
            return action(self.layers[number])
        except CacheFormatError:
            raise
        except OSError as error:
            self._complain(number, error)
            return otherwise

    def _complain(self, number: int, error: OSError) -> None:
        if number not in self._failed:
            self._failed.add(number)
            warnings.warn(
                f"a cache cannot be used, the run goes on without it: {error}", MerklWarning, stacklevel=4
            )
