"""Caches over caches: several as one, nearest first, and one that is only read."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from merkl.cache.inventory import Item, Root

__all__ = ["LayeredCache", "ReadOnlyCache", "nearest"]

T = TypeVar("T")

#: A remote layer in trouble is asked again after so many seconds, then after twice as many each time.
SHORTEST_REST, LONGEST_REST = 30.0, 600.0


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
        self.is_quick = cache.is_quick

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

    def forget(self, key: str) -> bool:
        return False

    def drop(self, key: str) -> bool:
        return False

    def delete(self, key: str) -> bool:
        return False

    def keys(self) -> Iterator[str]:
        return self.cache.keys()

    def find_alias(self, alias: str) -> str | None:
        return self.cache.find_alias(alias)

    def may_find(self, alias: str, fingerprint: str) -> bool:
        return self.cache.may_find(alias, fingerprint)

    def peek(self, key: str) -> tuple[Record, Entry | None] | None:
        return self.cache.peek(key)

    def peek_many(self, keys: Sequence[str]) -> dict[str, tuple[Record, Entry | None]]:
        return self.cache.peek_many(keys)

    def items(self) -> Iterator[Item]:
        return self.cache.items()

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        return self.cache.find(prefix, limit=limit)

    def recall(self, key: str) -> Metadata | None:
        return self.cache.recall(key)

    def roots(self) -> Iterator[Root]:
        return self.cache.roots()

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
        #: layers in trouble: until when they are left out, and for how long that was
        self._resting: dict[int, tuple[float, float]] = {}

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

    def add_alias(self, alias: str, key: str, entry: Entry) -> None:
        for number in self._numbers():
            if not self.layers[number].read_only:
                self._try(number, lambda layer: layer.add_alias(alias, key, entry), None)

    def forget(self, key: str) -> bool:
        gone = [self._try(number, lambda layer: layer.forget(key), False) for number in self._numbers()]
        return any(gone)

    def drop(self, key: str) -> bool:
        gone = [self._try(number, lambda layer: layer.drop(key), False) for number in self._numbers()]
        return any(gone)

    def find_alias(self, alias: str) -> str | None:
        for number in self._numbers():
            key = self._try(number, lambda layer: layer.find_alias(alias), None)
            if key is not None:
                return key
        return None

    def may_find(self, alias: str, fingerprint: str) -> bool:
        return any(
            self._try(number, lambda layer: layer.may_find(alias, fingerprint), False)
            for number in self._numbers()
        )

    def items(self) -> Iterator[Item]:
        """Iterate over what is in the nearest layer: each layer is looked after by itself."""
        return self.layers[0].items()

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        return self.layers[0].find(prefix, limit=limit)

    def recall(self, key: str) -> Metadata | None:
        return self.layers[0].recall(key) or self.metadata(key)

    def note_root(self, root: Root) -> None:
        for number in self._numbers():
            if not self.layers[number].read_only:
                self._try(number, lambda layer: layer.note_root(root), None)

    def roots(self) -> Iterator[Root]:
        return self.layers[0].roots()

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
            if layer.read_only or self._rests(number):
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
        if self._rests(number):
            return otherwise
        try:
            return action(self.layers[number])
        except CacheFormatError:
            raise
        except OSError as error:
            self._complain(number, error)
            return otherwise

    def _rests(self, number: int) -> bool:
        """Say whether a remote layer is left out for now: asking one that hangs takes its whole timeout each time."""
        rest = self._resting.get(number)
        return rest is not None and number > 0 and time.monotonic() < rest[0]

    def _complain(self, number: int, error: OSError) -> None:
        known = self._resting.get(number)
        pause = SHORTEST_REST if known is None else min(2 * known[1], LONGEST_REST)
        self._resting[number] = (time.monotonic() + pause, pause)
        if known is None:
            warnings.warn(
                f"a cache cannot be used, the run goes on without it: {error}", MerklWarning, stacklevel=4
            )


def nearest(cache: BaseCache) -> BaseCache:
    """Return the cache itself, or the nearest layer of it: the one that is looked after here.

    >>> from merkl.cache import MemoryCache
    >>> near = MemoryCache()
    >>> nearest(LayeredCache(near, MemoryCache())) is near
    True
    """
    while isinstance(cache, LayeredCache):
        cache = cache.layers[0]
    return cache
