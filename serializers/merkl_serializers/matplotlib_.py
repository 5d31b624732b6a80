"""matplotlib: the registries of callbacks that norms and artists hold, without the counter that moves when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.cbook import CallbackRegistry

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk, mutable

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

_OF_THIS_OBJECT = frozenset({"_cid_gen", "_func_cid_map"})


def _make_callbacks(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1/" + class_header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        state = value.__getstate__()
        return head + walk.mapping(
            {name: part for name, part in state.items() if name not in _OF_THIS_OBJECT}
        )

    return mutable(body)


def install(registry: CanonicalRegistry) -> None:
    """Register matplotlib's registry of callbacks."""
    registry.add_maker(CallbackRegistry, _make_callbacks)
