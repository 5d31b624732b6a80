"""attrs classes: all their attributes but the remembered hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from merkl_serializers.names import class_header
from merkl_serializers.objects import state_of
from merkl_serializers.walk import Encoder, Walk

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install", "make"]


def make(cls: type, registry: CanonicalRegistry) -> Encoder:
    """Return the encoder of one attrs class."""
    head = b"\xc1Z" + class_header(cls)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        walk.classes.add(type(value))
        return walk.inside(value, lambda: head + state_of(value, walk))

    return encode


def install(registry: CanonicalRegistry) -> None:
    """Register nothing: attrs classes are known by an attribute, and have no common base."""
