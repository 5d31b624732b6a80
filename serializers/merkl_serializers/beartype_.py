"""beartype: a configuration by its options, not by the hash that it keeps, another one in each process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beartype import (  # type: ignore[import-not-found,unused-ignore]  # pyright: ignore[reportMissingImports]
    BeartypeConf,
)

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _make_configuration(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1|" + class_header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        return head + walk.mapping(value._conf_kwargs)

    return lambda value, walk: walk.inside(value, body)


def install(registry: CanonicalRegistry) -> None:
    """Register configurations, which each function that beartype checks holds."""
    registry.add_maker(BeartypeConf, _make_configuration)
