"""pydantic models: fields, extra and private attributes, and which fields were set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pydantic

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import pack

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _make_model(cls: Any, registry: CanonicalRegistry) -> Encoder:
    names = sorted(cls.model_fields)
    head = b"\xc1Y" + class_header(cls) + pack(names)
    defaults = frozenset(names)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        walk.classes.add(type(value))
        return walk.inside(value, lambda: body(value, walk))

    def body(value: Any, walk: Walk) -> bytes:
        # What a cached_property remembered is in __dict__ too, and no part of the value.
        held = value.__dict__
        present = [name for name in names if name in held]
        unset = sorted(defaults - value.__pydantic_fields_set__)
        data = walk.attributes(present, [held[name] for name in present], head)
        extra, private = value.__pydantic_extra__, value.__pydantic_private__
        start = pack((len(present), unset))
        if not extra and not private:
            return data + start
        return b"".join([data, start, walk.mapping(extra or {}), walk.mapping(private or {})])

    return encode


def install(registry: CanonicalRegistry) -> None:
    """Register pydantic's types."""
    registry.add_maker(pydantic.BaseModel, _make_model)
