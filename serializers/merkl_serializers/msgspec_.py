"""msgspec Structs: their fields, and the `__dict__` where they have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import pack_names

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _make_struct(cls: Any, registry: CanonicalRegistry) -> Encoder:
    names: tuple[str, ...] = cls.__struct_fields__
    head = b"\xc1*" + class_header(cls) + pack_names(names)
    has_namespace = bool(cls.__dictoffset__)

    def body(value: Any, walk: Walk) -> bytes:
        data = head + walk.attributes(names, [getattr(value, name, UNSET) for name in names])
        return data + walk.mapping(value.__dict__) if has_namespace else data

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        walk.classes.add(type(value))
        return walk.inside(value, body)

    return encode


def _encode_raw(value: msgspec.Raw, walk: Walk) -> bytes:
    return b"\xc1_" + walk.value(bytes(value))


def _encode_unset(value: object, walk: Walk) -> bytes:
    return b"\xc1?"


def install(registry: CanonicalRegistry) -> None:
    """Register msgspec's types."""
    registry.add_maker(msgspec.Struct, _make_struct)
    registry.add_maker(msgspec.Raw, lambda cls, registry: _encode_raw)
    registry.add_maker(type(UNSET), lambda cls, registry: _encode_unset)
