"""What a codec is, what it gives, and how one says that a value is not for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, TypeAlias

import msgspec

from merkl._base.errors import MerklError

__all__ = ["Codec", "DecodeError", "Encoded", "Pieces"]

#: What `encode` may give: bytes, several buffers to be written one after another (no copy is made of an
#: array), or any iterable of bytes (a stream: written while it is produced, never held as a whole).
Pieces: TypeAlias = "bytes | list[bytes | memoryview] | Iterable[bytes]"


class DecodeError(MerklError, ValueError):
    """Stored bytes cannot be turned back into the value: unknown codec or class, or damaged content."""


class Encoded(msgspec.Struct, frozen=True):
    """A value as bytes, and all that is needed to get it back.

    `content` is bytes, a list of buffers, or an iterable of bytes; `decode_type` names the class to rebuild where the
    bytes alone don't; `extra` is part of the content identity (a file's suffix); `code` are the classes and functions
    that the bytes only name.
    """

    content: Any
    codec: str
    codec_version: int
    decode_type: str = ""
    extra: str = ""
    is_safe: bool = True
    #: writing it uses the value up (a generator): go on with what was stored
    consumes: bool = False
    code: tuple[Any, ...] = ()


class Codec(ABC):
    """Turns values into bytes and back, exactly: what is decoded equals what was encoded, type included.

    `name` and `version` are kept with every result; give the version a new number when the bytes change meaning.
    A codec whose `decode` can run code that the bytes carry sets `is_safe = False`.

    >>> class Hex(Codec):
    ...     name = "hex"
    ...     def encode(self, value, declared):
    ...         return value.hex().encode() if type(value) is bytes else None
    ...     def decode(self, content, decode_type):
    ...         return bytes.fromhex(bytes(content).decode())
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    is_safe: ClassVar[bool] = True
    #: `decode` wants a seekable binary file or a map where the content is large, not bytes
    wants_file: ClassVar[bool] = False
    #: what `decode` returns reads that file later, and closes it
    keeps_file: ClassVar[bool] = True

    def needs_trust(self, decode_type: str) -> bool:
        """Say whether decoding content of that kind can run code that the bytes carry."""
        return not self.is_safe

    def bound_to(self, registry: Any) -> Codec:
        """Return this codec for use in another registry; one that asks its registry gives a copy that asks that one."""
        return self

    @abstractmethod
    def encode(self, value: Any, declared: Any) -> Pieces | Encoded | None:
        """Return the bytes of `value`, or None if they would not give it back exactly."""

    @abstractmethod
    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the value; `content` is bytes or, for large ones, a copy-on-write memory map.

        Raises:
            DecodeError: the content or the class that it names is not what it was.
        """
