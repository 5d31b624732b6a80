"""The byte format: MessagePack for exact scalars and lists, and 0xC1 (unused there) for the rest.

Every encoding ends by itself, so encodings that follow each other are read in one way only. That a list
is written as MessagePack writes it lets one call in C do a whole list of scalars, with the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import blake3
import msgspec

from merkl_serializers.exact import all_exact_scalars

__all__ = [
    "FORMAT_VERSION",
    "INLINE_LIMIT",
    "array_header",
    "bulk",
    "framed",
    "hash_buffer",
    "pack",
    "pack_bytes",
    "pack_int",
    "pack_names",
    "pack_str",
    "scalar",
    "seal",
]

#: Part of every digest. A change of any encoding changes it, and with it every digest.
FORMAT_VERSION: Final = b"merkl canonical 1\x00"
#: What is longer enters as its BLAKE3 hash: characters of a str, bytes of anything else.
INLINE_LIMIT: Final = 1 << 16
#: One thread is faster below.
_PARALLEL_FROM: Final = 1 << 19

#: MessagePack of one exact scalar, or of a list or tuple of them: one value, one encoding.
pack: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode


def hash_buffer(buffer: Any) -> bytes:
    """Return the length (8 bytes) and the BLAKE3 hash (32 bytes) of a contiguous buffer, read in place."""
    size = buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)
    threads = 1 if size < _PARALLEL_FROM else blake3.blake3.AUTO
    return size.to_bytes(8, "little") + blake3.blake3(buffer, max_threads=threads).digest()


def framed(data: bytes) -> bytes:
    """Return raw bytes behind their length."""
    return len(data).to_bytes(8, "little") + data


def seal(data: bytes) -> bytes:
    """Return an encoding as it is, or as its hash when it is long: nothing in a pre-image is large."""
    return data if len(data) <= INLINE_LIMIT else b"\xc1H" + hash_buffer(data)


def array_header(length: int) -> bytes:
    """Return what MessagePack writes before the items of an array.

    >>> array_header(3) + pack(1) + pack(2) + pack(3) == pack([1, 2, 3])
    True
    """
    if length < 16:
        return bytes((0x90 | length,))
    if length < 1 << 16:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")


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


def pack_names(names: list[str] | tuple[str, ...]) -> bytes:
    """Return the encoding of exact strs as an array."""
    try:
        return pack(names)
    except UnicodeEncodeError:
        return array_header(len(names)) + b"".join(map(pack_str, names))


_SCALARS: Final[dict[type, Callable[[Any], bytes]]] = {
    type(None): pack,
    bool: pack,
    float: pack,
    int: pack_int,
    str: pack_str,
    bytes: pack_bytes,
}


def scalar(value: object) -> bytes | None:
    """Return the encoding of an exact None, bool, int, float, str or bytes, and None for anything else.

    The bytes are those that a registry without a serializer of the user's for these types gives.

    >>> scalar(1), scalar(True), scalar([1])
    (b'\\x01', b'\\xc3', None)
    """
    encode = _SCALARS.get(type(value))
    return None if encode is None else encode(value)


def bulk(values: list[Any] | tuple[Any, ...]) -> bytes | None:
    """Return the array of items in one call when all are exact scalars that MessagePack knows, else None.

    Then the items are to be encoded one by one; which way is taken depends on the values alone.
    """
    if not all_exact_scalars(values):
        return None
    try:
        return pack(values)
    except (OverflowError, UnicodeEncodeError):
        return None
