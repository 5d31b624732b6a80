"""numba: compiled functions by the function that they were made of and the options, not by what was compiled of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba.core.dispatcher import (  # type: ignore[import-not-found,unused-ignore]  # pyright: ignore[reportMissingImports]
    Dispatcher,
)

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk, mutable

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

#: Another one in each process, and the types that it was called with so far.
_OF_THIS_PROCESS = frozenset({"uuid", "sigs"})


def _make_dispatcher(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1+" + class_header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        states = value._reduce_states()
        kept = {name: part for name, part in states.items() if name not in _OF_THIS_PROCESS}
        # Of a function with declared types they are part of what it does; any other compiles more as it is called.
        declared = [] if value._can_compile else [str(signature) for signature in states["sigs"]]
        return head + walk.mapping(kept) + walk.part(declared, ".signatures")

    return mutable(body)


def install(registry: CanonicalRegistry) -> None:
    """Register numba's dispatchers."""
    registry.add_maker(Dispatcher, _make_dispatcher)
