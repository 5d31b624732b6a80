"""pyrsistent and immutables: persistent maps and sets, whose order follows from hashes, and so says nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

_MAPS = {"pyrsistent": ("PMap",), "immutables": ("Map",)}
_SETS = {"pyrsistent": ("PSet",)}


def _make_map(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1>m" + class_header(cls)
    return lambda value, walk: walk.inside(value, lambda it, around: head + around.mapping(dict(it)))


def _make_set(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1>s" + class_header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        return head + walk.unordered(set(value))

    return lambda value, walk: walk.inside(value, body)


def install(registry: CanonicalRegistry) -> None:
    """Register those of the packages that are there: each is looked for when a value of it is met."""
    for names, make in ((_MAPS, _make_map), (_SETS, _make_set)):
        for package, classes in names.items():
            module = sys.modules.get(package)
            for name in classes:
                cls = getattr(module, name, None)
                if isinstance(cls, type):
                    registry.add_maker(cls, make)
