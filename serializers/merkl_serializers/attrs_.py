"""attrs classes: all their attributes but the remembered hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from merkl_serializers.names import class_header
from merkl_serializers.objects import state_encoder
from merkl_serializers.walk import Encoder, Walk

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["make"]


def make(cls: type, registry: CanonicalRegistry) -> Encoder:
    """Return the encoder of one attrs class; they are known by `__attrs_attrs__`, having no common base."""
    head = b"\xc1Z" + class_header(cls)
    encode_state = state_encoder(cls, without=_remembered(cls))

    def body(value: Any, walk: Walk) -> bytes:
        return head + encode_state(value, walk)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        walk.classes.add(type(value))
        return walk.inside(value, body)

    return encode


def _remembered(cls: type) -> frozenset[str]:
    """Return the names of attributes that only keep results: the hash, and cached properties in slots."""
    names = {"_attrs_cached_hash"}
    for base in cls.__mro__:
        own = vars(base)
        if "__attrs_attrs__" in own:
            slots = own.get("__slots__", ())
            names.update(set(slots) - {field.name for field in own["__attrs_attrs__"]})
    return frozenset(names)
