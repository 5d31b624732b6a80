"""The two hash functions MerkL uses, and the one way to feed several parts to them.

Identity is SHA-256 (the fastest cryptographic hash on small inputs); bulk content is BLAKE3.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable

import blake3

__all__ = ["FORMAT_VERSION", "hash_content", "hash_parts"]

#: Part of every pre-image. A change of any formula changes it, and with it every key.
FORMAT_VERSION = b"merkl2"


#: The lengths that nearly all parts have, encoded once.
_LENGTHS = tuple(length.to_bytes(8, "little") for length in range(512))


@functools.cache
def _head(tag: bytes) -> bytes:
    return FORMAT_VERSION + len(tag).to_bytes(8, "little") + tag


def hash_parts(tag: bytes, parts: Iterable[bytes]) -> bytes:
    """Return the 32-byte SHA-256 of a tag and any number of parts, injectively.

    The pre-image is the format version, then tag and parts, each behind its length as 8 little-endian bytes, so
    no two different sequences share one.

    >>> hash_parts(b"x", [b"ab", b"c"]) == hash_parts(b"x", [b"a", b"bc"])
    False
    """
    pieces = [_head(tag)]
    for part in parts:
        length = len(part)
        pieces += (_LENGTHS[length] if length < 512 else length.to_bytes(8, "little"), part)
    return hashlib.sha256(b"".join(pieces)).digest()


def hash_content(content: bytes | bytearray | memoryview) -> str:
    """Return the 64 hex digits of the BLAKE3 hash of a buffer; several threads from 1 MiB on.

    >>> hash_content(b"")
    'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'
    """
    if len(content) < 1 << 20:
        return blake3.blake3(content).digest().hex()  # `hexdigest` takes half a microsecond more
    return blake3.blake3(content, max_threads=blake3.blake3.AUTO).hexdigest()
