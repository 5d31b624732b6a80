"""Results of calls between bodies and the cache: encode and store, find, link, load."""

from __future__ import annotations

import datetime
import time
import warnings
from typing import Any

from merkl._base.errors import CacheError, MerklWarning, TaskOutsError
from merkl.cache import BaseCache, Entry, Metadata, Record, Spooled, content_bytes, open_cache
from merkl.codecs import Codec, CodecRegistry, DecodeError
from merkl.graph.future import Future
from merkl.graph.options import Expires
from merkl.graph.task import Task
from merkl.hashing.digests import hash_content
from merkl.hashing.keys import hash_content_identity

__all__ = ["ABSENT", "Results", "StoredResult", "identify"]

#: The codec name that marks an optional out which the body did not give.
ABSENT = "absent"

#: Buffers up to this size are joined in memory.
_JOINED = 1 << 16
_SHAREABLE = (int, float, str, bytes, bool, type(None), complex)


def identify(record: Record) -> bytes:
    """Return the content identity of a stored result."""
    return hash_content_identity(
        record.codec, record.codec_version, record.decode_type, record.content_hash, record.extra
    )


def is_shareable(value: Any) -> bool:
    """Say whether nobody can change a value in place, so that several bodies may have the same object."""
    return type(value) in _SHAREABLE or (type(value) is tuple and all(map(is_shareable, value)))


class StoredResult:
    """One out of a call that ran: its record, its bytes (spooled where large), and its value if that can be shared."""

    __slots__ = ("content", "record", "value")

    def __init__(self, record: Record, content: bytes | Spooled, value: tuple[Any] | None) -> None:
        self.record = record
        self.content = content
        self.value = value


class Results:
    """Stores and finds results for a run.

    With `is_reading` off nothing is looked up, with `is_writing` off nothing is stored.
    """

    def __init__(self, cache: BaseCache, codecs: CodecRegistry, *, is_reading: bool = True, is_writing: bool = True) -> None:
        self.cache = cache
        self.codecs = codecs
        self.is_reading = is_reading
        self.is_writing = is_writing
        self._others: dict[str, BaseCache] = {}

    def cache_of(self, task: Task[..., Any, Any]) -> BaseCache:
        """Return where the results of a task live."""
        option = task.options.cache
        if option is None:
            return self.cache
        if isinstance(option, str):
            if option not in self._others:
                self._others[option] = open_cache(option)
            return self._others[option]
        return option

    def find(self, future: Future[Any]) -> Record | None:
        """Return the record of a Future's result, None where there is none or it has expired."""
        if not self.is_reading:
            return None
        task = future._call.task
        key = future.__merkl_key__().hex()
        cache = self.cache_of(task)
        record = cache.lookup(key)
        if record is None or task.options.expires is None:
            return record
        return None if _is_expired(task.options.expires, cache, key, record) else record

    def find_by_content(self, task: Task[..., Any, Any], content_key: bytes) -> Record | None:
        """Return the record of the result stored under a content key."""
        if not self.is_reading or task.options.expires is not None:
            return None
        return self.cache_of(task).lookup(content_key.hex())

    def link(self, task: Task[..., Any, Any], key: bytes, content_key: bytes) -> bool:
        """Give a result found by content key its new key as well; say whether it is there under it now."""
        if not self.is_writing:
            return True
        return self.cache_of(task).link(key.hex(), content_key.hex())

    def load(self, future: Future[Any], record: Record) -> tuple[Any] | None:
        """Return the value of a stored result in a tuple, None where its content is lost (with a warning)."""
        task = future._call.task
        if record.codec == ABSENT:
            raise TaskOutsError(
                f"task {task.name!r} did not return the key {future.out!r} this time; it is declared NotRequired, "
                "so ask for it only where it is known to be there",
                task=task.name,
                expected=future.out,
            )
        key = future.__merkl_key__().hex()
        entry = self.cache_of(task).get(key)
        if entry is None:
            return None
        try:
            return (self._decode(record, entry.content),)
        except DecodeError as error:
            warnings.warn(
                f"the stored result of task {task.name!r} ({key[:12]}) cannot be used and is computed again: {error}",
                MerklWarning,
                stacklevel=2,
            )
            return None

    def _decode(self, record: Record, content: Any) -> Any:
        return self.codecs.decode(record.codec, record.codec_version, record.decode_type, content)

    def decode(self, result: StoredResult) -> Any:
        """Return a fresh value of a result that is not in the cache."""
        if result.value is not None:
            return result.value[0]
        content = result.content
        return self._decode(result.record, content if isinstance(content, bytes) else content_bytes(content.file))

    def encode(self, future: Future[Any], value: Any, declared: Any) -> StoredResult:
        """Return a value as bytes, with the record that it will have; what is large is written to a file at once.

        Raises `SerializationError` where no codec takes the value.
        """
        encoded = self.codecs.encode(value, declared, self._codec_of(future))
        content = _small_bytes(encoded.content)
        if content is None:
            spooled = self.cache_of(future._call.task).spool(encoded.content)
            content, content_hash, size = spooled, spooled.content_hash, spooled.size
        else:
            content_hash, size = hash_content(content), len(content)
        record = Record(
            content_hash, size, encoded.codec, encoded.codec_version, encoded.decode_type, encoded.extra, time.time()
        )
        return StoredResult(record, content, (value,) if is_shareable(value) else None)

    def _codec_of(self, future: Future[Any]) -> Codec | None:
        option = future._call.task.options.codec
        if isinstance(option, dict):
            option = option.get(future.out)
        return self.codecs.get(option) if isinstance(option, str) else option

    def store(self, task: Task[..., Any, Any], keys: list[bytes], result: StoredResult, metadata: Metadata) -> bool:
        """Put an encoded result into the cache under all its keys, and say whether it is there.

        A cache in trouble is a warning, not an error.
        """
        if not self.is_writing or task.options.keep == "never" or not keys:
            return False
        cache = self.cache_of(task)
        content = result.content if isinstance(result.content, bytes) else result.content.file
        try:
            cache.put(keys[0].hex(), Entry(content, result.record.content_hash, metadata))
            for other in keys[1:]:
                cache.link(other.hex(), keys[0].hex())
        except OSError as error:
            warnings.warn(
                f"the result of task {task.name!r} could not be stored and will be computed again next time: {error}",
                MerklWarning,
                stacklevel=2,
            )
            return False
        return True

    def fetch(self, task: Task[..., Any, Any], key: bytes, record: Record) -> StoredResult:
        """Return a stored result with its bytes, for use in this run alone."""
        entry = self.cache_of(task).get(key.hex())
        if entry is None:
            raise CacheError(f"the result of task {task.name!r} was there a moment ago and is gone now; run again")
        return StoredResult(record, content_bytes(entry.content), None)

    def forget(self, future: Future[Any]) -> None:
        """Remove a result."""
        self.cache_of(future._call.task).delete(future.__merkl_key__().hex())

    def flush(self, task: Task[..., Any, Any]) -> None:
        """Make durable what was stored for a task."""
        if self.is_writing:
            self.cache_of(task).flush()


def _small_bytes(content: Any) -> bytes | None:
    """Return content that is short as bytes, None for a stream and for buffers that are better not copied."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, list) and sum(memoryview(piece).nbytes for piece in content) <= _JOINED:
        return b"".join(content)
    return None


def _is_expired(expires: Expires, cache: BaseCache, key: str, record: Record) -> bool:
    if isinstance(expires, datetime.timedelta):
        return time.time() - record.created >= expires.total_seconds()
    metadata = cache.metadata(key)
    return metadata is None or bool(expires(metadata))
