"""The byte format: MessagePack for exact scalars and lists, and 0xC1 (which MessagePack never uses) before the rest.

Every encoding ends by itself, so encodings that follow each other are read in one way only. That a list is
written as MessagePack writes it lets one call in C do a whole list of scalars, with the same bytes as item by item.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import blake3
import msgspec

__all__ = [
    "FORMAT_VERSION",
    "INLINE_LIMIT",
    "SCALAR_TYPES",
    "all_scalars",
    "array_header",
    "bulk",
    "framed",
    "hash_buffer",
    "pack",
    "pack_str",
    "scalar",
    "seal",
]

#: Part of every digest. A change of any encoding changes it, and with it every digest.
FORMAT_VERSION: Final = b"merkl canonical 1\x00"
#: What is longer enters as its BLAKE3 hash: characters of a str, bytes of anything else.
INLINE_LIMIT: Final = 1 << 16
#: One thread is faster below.
_PARALLEL_FROM: Final = 1 << 18

SCALAR_TYPES: Final = frozenset({type(None), bool, int, float, str, bytes})
_TEXTS: Final = frozenset({str, bytes})

#: MessagePack of one exact scalar, or of a list or tuple of them; shortest form, so one value has one encoding.
pack = msgspec.msgpack.Encoder().encode


def hash_buffer(buffer: Any) -> bytes:
    """Return the length (8 bytes) and the BLAKE3 hash (32 bytes) of a contiguous buffer, read in place."""
    size = buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)
    if size < _PARALLEL_FROM:
        return size.to_bytes(8, "little") + blake3.blake3(buffer).digest()
    return size.to_bytes(8, "little") + blake3.blake3(buffer, max_threads=blake3.blake3.AUTO).digest()


def framed(data: bytes) -> bytes:
    """Return raw bytes behind their length."""
    return len(data).to_bytes(8, "little") + data


def seal(data: bytes) -> bytes:
    """Return an encoding as it is, or as its hash when it is long: nothing in a pre-image is large."""
    return data if len(data) <= INLINE_LIMIT else b"\xc1H" + hash_buffer(data)


def array_header(length: int) -> bytes:
    """Return what MessagePack writes before the items of an array."""
    if length < 16:
        return bytes((0x90 | length,))
    if length < 1 << 16:
        return b"\xdc" + length.to_bytes(2, "big")
    return (
        b"\xdd" + length.to_bytes(4, "big") if length < 1 << 32 else b"\xc1A" + length.to_bytes(8, "little")
    )


def pack_int(value: int) -> bytes:
    """Return the encoding of an exact int of any size."""
    try:
        return pack(value)
    except OverflowError:
        return b"\xc1I" + framed(value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))


def pack_str(value: str) -> bytes:
    """Return the encoding of an exact str, lone surrogates and any length included."""
    if len(value) > INLINE_LIMIT:
        return b"\xc1S" + hash_buffer(value.encode("utf-8", "surrogatepass"))
    try:
        return pack(value)
    except UnicodeEncodeError:
        return b"\xc1U" + framed(value.encode("utf-8", "surrogatepass"))


def pack_bytes(value: bytes) -> bytes:
    """Return the encoding of exact bytes."""
    return pack(value) if len(value) <= INLINE_LIMIT else b"\xc1B" + hash_buffer(value)


_SCALARS: Final[dict[type, Any]] = {
    type(None): pack,
    bool: pack,
    float: pack,
    int: pack_int,
    str: pack_str,
    bytes: pack_bytes,
}


def scalar(value: object) -> bytes | None:
    """Return the encoding of an exact None, bool, int, float, str or bytes, and None for anything else.

    >>> scalar(1), scalar(True), scalar([1])
    (b'\\x01', b'\\xc3', None)
    """
    encode = _SCALARS.get(type(value))
    return None if encode is None else encode(value)


def all_scalars(values: Iterable[object]) -> bool:
    """Say whether every item is an exact scalar."""
    return SCALAR_TYPES.issuperset(map(type, values))


def bulk(values: list[Any] | tuple[Any, ...]) -> bytes | None:
    """Return the array of items in one call when all are exact scalars, else None: then go item by item.

    None does not mean that the bytes would differ; both ways write the same.
    """
    if not SCALAR_TYPES.issuperset(map(type, values)):
        return None
    try:
        data = pack(values)
    except (OverflowError, UnicodeEncodeError):
        return None
    if len(data) > INLINE_LIMIT and any(type(v) in _TEXTS and len(v) > INLINE_LIMIT for v in values):
        return None
    return data
