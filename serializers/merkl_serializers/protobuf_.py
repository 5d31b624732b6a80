"""protobuf: messages by their bytes, with the entries of maps in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
    Message,  # pyright: ignore[reportMissingImports, reportMissingModuleSource]
)

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import pack_bytes, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _make_message(cls: Any, registry: CanonicalRegistry) -> Encoder | None:
    if cls is Message:
        return None
    head = b"\xc1^" + class_header(cls) + pack_str(cls.DESCRIPTOR.full_name)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        return head + pack_bytes(value.SerializePartialToString(deterministic=True))

    return encode


def install(registry: CanonicalRegistry) -> None:
    """Register messages."""
    registry.add_maker(Message, _make_message)
