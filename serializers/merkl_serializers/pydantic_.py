"""pydantic models: fields, extra and private attributes, and which fields were set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pydantic
from pydantic_core import PydanticUndefined

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import pack_names

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _make_model(cls: Any, registry: CanonicalRegistry) -> Encoder:
    names = tuple(sorted(cls.model_fields))
    every = frozenset(names)
    head = b"\xc1Y" + class_header(cls)
    encoded_names = pack_names(names)

    def body(value: Any, walk: Walk) -> bytes:
        # What a cached_property remembered is in __dict__ too, and no part of the value.
        held = value.__dict__
        present, start = names, encoded_names
        if not every <= held.keys():
            present = tuple(name for name in names if name in held)
            start = pack_names(present)
        fields = walk.attributes(present, [held[name] for name in present])
        # A field that was set to its default is dumped where one that was not is left out.
        unset = pack_names(sorted(every - value.__pydantic_fields_set__))
        extra, private = value.__pydantic_extra__, value.__pydantic_private__
        if private and any(
            item is PydanticUndefined for item in private.values()
        ):  # not there, and nobody stores it
            private = {name: item for name, item in private.items() if item is not PydanticUndefined}
        rest = walk.mapping(extra or {}) + walk.mapping(private or {}) if extra or private else b"\xc0"
        return b"".join([head, start, fields, unset, rest])

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        walk.classes.add(type(value))
        return walk.inside(value, body)

    return encode


def install(registry: CanonicalRegistry) -> None:
    """Register pydantic's types."""
    registry.add_maker(pydantic.BaseModel, _make_model)
