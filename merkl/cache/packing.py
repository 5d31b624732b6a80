"""An index row as bytes with a checksum, for indexes that keep one file or object a key."""

from __future__ import annotations

import msgspec

from merkl.cache.base import Metadata, Record
from merkl.cache.content_cache import Indexed
from merkl.hashing.digests import hash_content

__all__ = ["pack_indexed", "unpack_indexed"]

MAGIC = b"merkl record 1\n"


class _Row(msgspec.Struct, array_like=True):
    content_hash: str
    metadata: Metadata
    inline: bytes | None = None


_encode = msgspec.msgpack.Encoder(enc_hook=repr).encode
_decode = msgspec.msgpack.Decoder(_Row).decode


def pack_indexed(indexed: Indexed) -> bytes:
    """Return what an index keeps under a key, with a checksum in front.

    >>> meta = Metadata(size=3, codec="bytes", codec_version=1)
    >>> row = Indexed(Record(hash_content(b"abc"), 3, "bytes", 1), meta, b"abc")
    >>> unpack_indexed(pack_indexed(row)) == row
    True
    """
    body = _encode(_Row(indexed.record.content_hash, indexed.metadata, indexed.inline))
    return b"".join((MAGIC, bytes.fromhex(hash_content(body)), body))


def unpack_indexed(packed: bytes) -> Indexed | None:
    """Return the row, None if the bytes are not all there or not what was written."""
    start = len(MAGIC) + 32
    body = memoryview(packed)[start:]
    if (
        packed[: len(MAGIC)] != MAGIC
        or hash_content(body).encode() != packed[len(MAGIC) : start].hex().encode()
    ):
        return None
    try:
        row = _decode(body)
    except msgspec.MsgspecError:
        return None
    meta = row.metadata
    if row.inline is not None and hash_content(row.inline) != row.content_hash:
        return None
    record = Record(
        row.content_hash,
        meta.size,
        meta.codec,
        meta.codec_version,
        meta.decode_type,
        meta.extra,
        meta.created,
    )
    return Indexed(record, meta, row.inline)
