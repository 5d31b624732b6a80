"""What is known by a name of its own: UUIDs and time zones."""

from __future__ import annotations

import uuid
import zoneinfo
from typing import TYPE_CHECKING

from merkl_serializers.builtin_types import exact
from merkl_serializers.errors import refusal
from merkl_serializers.walk import Walk
from merkl_serializers.wire import pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _encode_uuid(value: uuid.UUID, walk: Walk) -> bytes:
    return b"\xc1u" + value.bytes


def _encode_zone(value: zoneinfo.ZoneInfo, walk: Walk) -> bytes:
    if value.key is None:
        raise refusal(zoneinfo.ZoneInfo, "a zone that was read from a file has no key to name it by")
    return b"\xc1Ck" + pack_str(value.key)


def install(registry: CanonicalRegistry) -> None:
    """Register the encoders of this file."""
    registry.add_maker(uuid.UUID, exact(uuid.UUID, _encode_uuid, lambda v: uuid.UUID(bytes=v.bytes)))
    registry.add_maker(zoneinfo.ZoneInfo, exact(zoneinfo.ZoneInfo, _encode_zone))
