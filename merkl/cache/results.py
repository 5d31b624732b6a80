"""Values in and out of a cache: codec, content hash, seal and trust, and what to do when a cache is in trouble.

A cache that fails is never a reason to fail a run: a result that can't be read is computed, one that can't be
stored is only not stored, and a warning says so.
"""

from __future__ import annotations

import hashlib
import hmac
import mmap
import os
import warnings
from collections.abc import Callable, Container, Iterable, Sequence
from enum import Enum
from typing import Any, Final, Literal, TypeVar

import msgspec

from merkl._base.errors import CacheFormatError, MerklWarning
from merkl.cache.base import (
    BaseCache,
    Entry,
    Metadata,
    Record,
    close_content,
    content_size,
    verify_content,
)
from merkl.codecs.base import DecodeError, Encoded
from merkl.codecs.registry import CodecRegistry
from merkl.hashing.digests import hash_content

__all__ = [
    "MISSING",
    "Missing",
    "Trust",
    "decode_entry",
    "link",
    "load",
    "lookup",
    "peek",
    "peek_many",
    "record_of",
    "store",
]

T = TypeVar("T")

#: Contents above this size go to the cache as a stream and come back as a memory map.
SMALL: Final = 64 * 1024


class Missing(Enum):
    """The type of `MISSING`, so that type checkers can tell it from a value."""

    MISSING = "missing"


#: What `load` gives where there is no (usable) result; None is a result like any other.
MISSING: Final = Missing.MISSING


class Trust(msgspec.Struct, frozen=True):
    """Which stored results may run code while they are read.

    A cache of one's own may. A shared one may if the project says so, or for records sealed with its key.
    """

    allow_pickle: bool = False
    signing_key: bytes | None = None

    @classmethod
    def from_environment(cls, *, allow_pickle: bool = False) -> Trust:
        """Return the trust that the project's settings and `MERKL_SIGNING_KEY` give."""
        key = os.environ.get("MERKL_SIGNING_KEY")
        return cls(allow_pickle, key.encode() if key else None)

    def seal(self, content_hash: str, metadata: Metadata) -> str:
        """Return the HMAC that says: someone with the project's key wrote these bytes. "" without a key."""
        if self.signing_key is None:
            return ""
        parts = (
            b"merkl seal 1",
            content_hash.encode(),
            metadata.codec.encode(),
            str(metadata.codec_version).encode(),
            metadata.decode_type.encode(),
            metadata.extra.encode(),
        )
        message = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
        return hmac.new(self.signing_key, message, hashlib.sha256).hexdigest()

    def covers(self, entry: Entry) -> bool:
        """Say whether an entry bears the right seal."""
        if self.signing_key is None or not entry.metadata.seal:
            return False
        return hmac.compare_digest(self.seal(entry.content_hash, entry.metadata), entry.metadata.seal)


DISTRUST: Final = Trust()


def store(
    cache: BaseCache,
    key: str,
    encoded: Encoded,
    metadata: Metadata,
    *,
    aliases: Sequence[str] = (),
    trust: Trust = DISTRUST,
    urgent: bool = False,
    refused: Callable[[str], None] | None = None,
) -> Entry | None:
    """Put an encoded value into a cache and return it as it was put; None, with a warning, if the cache can't take it.

    Args:
        cache: where to.
        key: 64 hex digits.
        encoded: what `CodecRegistry.encode` gave.
        metadata: what is known of the result; size, codec and the rest of the record are filled in here.
        aliases: other keys of the same content, which get only what decoding needs.
        trust: whose key seals results that only pickle can store.
        urgent: commit now rather than together with others a little later.
        refused: gets what there is to be warned of, instead.
    """
    if cache.read_only:
        return None
    spooled = None
    try:
        content = _small_content(encoded.content)
        if content is not None:
            content_hash, size = hash_content(content), len(content)
        else:
            spooled = cache.spool(_pieces(encoded.content))
            content, content_hash, size = spooled.file, spooled.content_hash, spooled.size
        filled = _filled(metadata, encoded, size)
        if not encoded.is_safe and trust.signing_key is not None:
            filled = msgspec.structs.replace(filled, seal=trust.seal(content_hash, filled))
        entry = Entry(content, content_hash, filled)
        cache.put(key, entry)
        for alias in aliases:
            cache.add_alias(alias, key, entry)
        if urgent:
            cache.flush()
        return entry
    except CacheFormatError:
        raise
    except OSError as error:
        said = f"the result of {metadata.task or 'a task'} is not stored, the run goes on: {error}"
        (refused or _warn)(said)
        return None
    finally:
        if spooled is not None:
            spooled.close()


def _small_content(content: Any) -> bytes | None:
    """Return the bytes of an encoded value that is small enough to be put as it is."""
    if type(content) is list and sum(map(len, content)) <= SMALL:
        return b"".join(content)
    return content if type(content) is bytes and len(content) <= SMALL else None


def record_of(encoded: Encoded) -> Record:
    """Return the record that a value would have, without storing it (a stream is used up by this)."""
    import blake3

    hasher = blake3.blake3()
    size = 0
    for piece in _pieces(encoded.content):
        hasher.update(piece)
        size += len(piece)
    return Record(
        hasher.hexdigest(), size, encoded.codec, encoded.codec_version, encoded.decode_type, encoded.extra
    )


def lookup(cache: BaseCache, key: str) -> Record | None:
    """Return the record under `key`, None if there is none or the cache is in trouble (with a warning)."""
    return _guarded(lambda: cache.lookup(key), None)


def peek(cache: BaseCache, key: str) -> tuple[Record, Entry | None] | None:
    """Return the record under `key`, with its entry if that is at hand; None as `lookup` does."""
    return _guarded(lambda: cache.peek(key), None)


def peek_many(cache: BaseCache, keys: Sequence[str]) -> dict[str, tuple[Record, Entry | None]]:
    """Return what `peek` returns for each of the keys that is there."""
    if cache.is_quick:
        return _guarded(lambda: cache.peek_many(keys), {})
    found = ((key, peek(cache, key)) for key in keys)
    return {key: peeked for key, peeked in found if peeked is not None}


def link(cache: BaseCache, key: str, other: str, metadata: Metadata | None = None) -> bool:
    """Store the content of `other` under `key` too; False if it is not there or the cache is in trouble."""
    return _guarded(lambda: cache.link(key, other, metadata), False)


def load(
    cache: BaseCache,
    key: str,
    *,
    codecs: CodecRegistry,
    trust: Trust = DISTRUST,
    own: Container[str] = (),
) -> Any | Literal[Missing.MISSING]:
    """Return the value under `key`, `MISSING` if there is none that can and may be read (with a warning).

    Args:
        cache: where from.
        key: 64 hex digits.
        codecs: how to read it.
        trust: what may be unpickled from a shared cache.
        own: the hashes of contents that may be, as this run made them.
    """
    entry = _guarded(lambda: cache.load(key), None)
    if entry is None:
        return MISSING
    return decode_entry(cache, entry, key, codecs=codecs, trust=trust, own=own)


def decode_entry(
    cache: BaseCache,
    entry: Entry,
    key: str,
    *,
    codecs: CodecRegistry,
    trust: Trust = DISTRUST,
    own: Container[str] = (),
) -> Any | Literal[Missing.MISSING]:
    """Return the value of an entry of a cache, `MISSING` if it can't or may not be read (with a warning)."""
    metadata, content = entry.metadata, entry.content
    is_foreign = bool(cache.shared or metadata.origin)
    is_file = type(content) is not bytes
    codec = codecs.get(metadata.codec) if is_foreign or is_file else None
    try:
        if not cache.verifies and not verify_content(content, entry.content_hash):
            _warn(
                f"the stored result {key} is damaged and is computed again: its bytes do not have the recorded hash"
            )
            return MISSING
        is_risky = is_foreign and codec is not None and codec.needs_trust(metadata.decode_type)
        if is_risky and not (trust.allow_pickle or trust.covers(entry) or entry.content_hash in own):
            _warn(
                f"the stored result {key} is a pickle from a shared cache and is not read: set allow_pickle = true in "
                "[tool.merkl.cache], or sign results with MERKL_SIGNING_KEY"
            )
            return MISSING
        if is_file and codec is not None and not codec.wants_file:
            content = _mapped(content)
        return codecs.decode(metadata.codec, metadata.codec_version, metadata.decode_type, content)
    except DecodeError as error:
        _warn(f"the stored result {key} cannot be read and is computed again: {error}")
        return MISSING
    finally:
        if is_file and (codec is None or not (codec.wants_file and codec.keeps_file)):
            close_content(entry.content)


def _filled(metadata: Metadata, encoded: Encoded, size: int) -> Metadata:
    return msgspec.structs.replace(
        metadata,
        size=size,
        codec=encoded.codec,
        codec_version=encoded.codec_version,
        decode_type=encoded.decode_type,
        extra=encoded.extra,
    )


def _pieces(content: Any) -> Iterable[bytes | memoryview]:
    if isinstance(content, (bytes, bytearray, memoryview)):
        return (content,)  # type: ignore[return-value]
    pieces: Iterable[bytes | memoryview] = content
    return pieces


def _mapped(content: Any) -> Any:
    """Return a file as a copy-on-write map: arrays over it can be changed, the file can't."""
    if isinstance(content, (bytearray, memoryview, mmap.mmap)):
        return content
    size = content_size(content)
    if size <= SMALL or not hasattr(content, "fileno"):
        content.seek(0)
        return content.read()
    try:
        return mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError):  # no real file, or a file system without maps
        content.seek(0)
        return content.read()


def _guarded(action: Callable[[], T], otherwise: T) -> T:
    try:
        return action()
    except CacheFormatError:
        raise
    except OSError as error:
        _warn(f"the cache cannot be read, so results are computed: {error}")
        return otherwise


def _warn(message: str) -> None:
    warnings.warn(message, MerklWarning, stacklevel=3)
