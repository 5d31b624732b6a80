"""msgspec Structs: their fields, and the `__dict__` where they have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import pack

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _make_struct(cls: Any, registry: CanonicalRegistry) -> Encoder:
    names = cls.__struct_fields__
    head = b"\xc1*" + class_header(cls) + pack(names)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        walk.classes.add(type(value))

        def body() -> bytes:
            data = walk.attributes(names, [getattr(value, name) for name in names], head)
            return data + walk.mapping(getattr(value, "__dict__", {}))

        return walk.inside(value, body)

    return encode


def _make_raw(cls: type, registry: CanonicalRegistry) -> Encoder:
    return lambda value, walk: b"\xc1_" + walk.value(bytes(value))


def install(registry: CanonicalRegistry) -> None:
    """Register msgspec's types."""
    registry.add_maker(msgspec.Struct, _make_struct)
    registry.add_maker(msgspec.Raw, _make_raw)
