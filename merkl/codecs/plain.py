"""Exactly builtin values as MessagePack, and long bytes as they are: the formats that anyone can read."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from merkl.codecs.base import Codec

__all__ = ["MsgpackCodec", "RawCodec"]

#: Types that MessagePack gives back as they were (ints within 64 bits, text without lone surrogates).
SCALARS: Final = frozenset({int, float, str, bytes, bool, type(None)})

#: A value that shares parts with itself is written once for each use; more than this and pickle takes it.
MOST_EXPANSION: Final = 100_000

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode


class MsgpackCodec(Codec):
    """Nested lists and dicts of exactly None, bool, int, float, str and bytes.

    >>> codec = MsgpackCodec()
    >>> codec.decode(codec.encode([1, 2.0, {"a": None}], list), "")
    [1, 2.0, {'a': None}]
    >>> codec.encode((1, 2), tuple) is None
    True
    """

    name = "msgpack"

    def encode(self, value: Any, declared: Any) -> bytes | None:
        """Return MessagePack bytes, None if anything inside is of another type."""
        kind = type(value)
        if kind not in SCALARS and (kind not in (list, dict) or not is_plain(value)):
            return None
        try:
            return encode(value)
        except (UnicodeEncodeError, OverflowError, ValueError, RecursionError):
            return None

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the value."""
        return decode(content)


class RawCodec(Codec):
    """Bytes above a few kilobytes, stored as they are.

    >>> RawCodec().decode(b"abc", "")
    b'abc'
    """

    name = "bytes"
    shortest = 4096

    def encode(self, value: Any, declared: Any) -> bytes | None:
        """Return the value itself if it is long bytes."""
        return value if type(value) is bytes and len(value) >= self.shortest else None

    def decode(self, content: Any, decode_type: str) -> bytes:
        """Return the value."""
        return bytes(content)


def is_plain(value: Any) -> bool:
    """Say whether a list or dict holds nothing but builtin types that MessagePack keeps apart.

    Long lists of scalars are checked without a Python-level loop.
    """
    sizes: dict[int, int] = {}
    try:
        size = _plain_size(value, sizes)
    except RecursionError:
        return False
    return size > 0 and (size < MOST_EXPANSION or size <= 10 * sum(map(abs, _own_sizes(sizes))))


def _own_sizes(sizes: dict[int, int]) -> list[int]:
    return [own for identity, own in sizes.items() if identity < 0]


def _plain_size(value: Any, sizes: dict[int, int]) -> int:
    """Return how many nodes will be written, 0 if one of them is not plain (or contains itself).

    `sizes` holds this number by id, and under the negated id the number of own children.
    """
    identity = id(value)
    known = sizes.get(identity)
    if known is not None:
        return known
    sizes[identity] = 0
    children: Any = value
    if type(value) is dict:
        if not SCALARS.issuperset(map(type, value)):
            return 0
        children = value.values()
    total = len(children) + 1
    sizes[-identity] = total
    if not SCALARS.issuperset(map(type, children)):
        for child in children:
            kind = type(child)
            if kind is list or kind is dict:
                size = _plain_size(child, sizes)
                if not size:
                    return 0
                total += size
            elif kind not in SCALARS:
                return 0
    sizes[identity] = total
    return total
