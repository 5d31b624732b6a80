"""polars: not known yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def install(registry: CanonicalRegistry) -> None:
    """Register nothing yet."""
