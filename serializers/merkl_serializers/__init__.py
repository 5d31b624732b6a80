"""Canonical bytes: the one byte string that a value hashes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from merkl_serializers.errors import AmbiguousEncoderError, UnserializableError
from merkl_serializers.markers import ArgSerializer, arg_serializer
from merkl_serializers.random_state import is_random_state
from merkl_serializers.registry import CanonicalRegistry, Encoding, default_registry
from merkl_serializers.wire import scalar as encode_scalar

if TYPE_CHECKING:
    from merkl_serializers.stability import check_stability

__all__ = [
    "AmbiguousEncoderError",
    "ArgSerializer",
    "CanonicalRegistry",
    "Encoding",
    "UnserializableError",
    "arg_serializer",
    "check_stability",
    "default_registry",
    "encode_scalar",
    "is_random_state",
]


def __getattr__(name: str) -> Any:
    # The self-test starts processes and pickles, which nothing else here needs.
    if name == "check_stability":
        from merkl_serializers.stability import check_stability

        return check_stability
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
