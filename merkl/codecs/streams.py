"""Results that are used up by reading: iterators and open binary files, stored while they are read."""

from __future__ import annotations

import io
import itertools
import operator
from collections.abc import Iterable, Iterator
from typing import Any

from merkl._base.errors import SerializationError
from merkl.codecs.base import Codec, Encoded
from merkl.codecs.registry import CodecRegistry

__all__ = ["StreamCodec"]

CHUNK = 1 << 20
Buffer = (bytes, bytearray, memoryview)


class StreamCodec(Codec):
    """Iterators of bytes and open binary files, as the bytes that they give, never held in memory as a whole.

    They come back as what they were: an iterator (in other pieces), a file open for reading, a BytesIO. An iterator
    over anything else is stored as the list of what it gives.

    >>> from merkl.codecs import default_codecs
    >>> codec = StreamCodec(default_codecs())
    >>> b"".join(codec.encode((bytes([n]) for n in range(3)), None).content)
    b'\\x00\\x01\\x02'
    """

    name = "stream"
    wants_file = True

    def __init__(self, registry: CodecRegistry) -> None:
        self._registry = registry

    def bound_to(self, registry: CodecRegistry) -> StreamCodec:
        """Return the same codec, asking another registry."""
        return StreamCodec(registry)

    def encode(self, value: Any, declared: Any) -> Encoded | None:
        """Return a stream over what is left in an iterator, or over a whole file; None for anything else."""
        if type(value) is io.BytesIO:
            return Encoded(value.getvalue(), self.name, self.version, "BytesIO")
        if is_binary_file(value):
            return Encoded(_read(value), self.name, self.version, "file", consumes=True)
        if not is_builtin_iterator(value) or is_endless(value):
            return None
        first = list(itertools.islice(value, 1))
        rest = itertools.chain(first, value)
        if not first or isinstance(first[0], Buffer):
            return Encoded(_checked(rest), self.name, self.version, "iterator", consumes=True)
        items = self._registry.encode(list(rest))
        decode_type = f"{items.codec} {items.codec_version} {items.decode_type}"
        return Encoded(
            items.content,
            self.name,
            self.version,
            decode_type,
            is_safe=items.is_safe,
            consumes=True,
            code=items.code,
        )

    def needs_trust(self, decode_type: str) -> bool:
        """Say whether the items are stored by a codec that can run code."""
        if decode_type in ("BytesIO", "file", "iterator"):
            return False
        inner = self._registry.get(decode_type.split(" ", 1)[0])
        return inner is None or inner is self or inner.needs_trust("")

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return an iterator, a file or a BytesIO."""
        if isinstance(content, Buffer):
            content = io.BytesIO(content)
        content.seek(0)
        if decode_type == "file":
            return content
        if decode_type == "iterator":
            return _chunks(content)
        with content:
            data = content.read()
        if decode_type == "BytesIO":
            return io.BytesIO(data)
        codec, version, inner = decode_type.split(" ", 2)
        return iter(self._registry.decode(codec, int(version), inner, data))


def is_binary_file(value: Any) -> bool:
    """Say whether a value is an open file that gives bytes."""
    file = getattr(value, "file", None) if type(value).__module__ == "tempfile" else value
    return isinstance(file, (io.BufferedReader, io.BufferedRandom, io.FileIO, io.BytesIO))


def is_builtin_iterator(value: Any) -> bool:
    """Say whether a value is a generator or another iterator without a life of its own."""
    return type(value).__module__ in ("builtins", "itertools") and isinstance(value, Iterator)


def is_endless(value: Any) -> bool:
    """Say whether an iterator is known to go on for ever.

    >>> is_endless(itertools.count()), is_endless(itertools.repeat(1, 3))
    (True, False)
    """
    if type(value) is itertools.repeat:
        return operator.length_hint(value, -1) < 0
    return type(value) in (itertools.count, itertools.cycle)


def _read(file: Any) -> Iterator[bytes]:
    if file.seekable():
        file.seek(0)
    while piece := file.read(CHUNK):
        yield piece


def _chunks(file: Any) -> Iterator[bytes]:
    with file:
        while piece := file.read(CHUNK):
            yield piece


def _checked(pieces: Iterable[Any]) -> Iterator[bytes]:
    for number, piece in enumerate(pieces):
        if not isinstance(piece, Buffer):
            raise SerializationError(
                f"a result that is an iterator gave bytes first and {type(piece).__qualname__} as item {number}; "
                "it is stored as one stream, so all items must be bytes",
                path=f"[{number}]",
            )
        yield bytes(piece) if isinstance(piece, bytearray) else piece  # type: ignore[misc]
