"""numpy's masked arrays: by content, mask and fill value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from merkl_serializers.names import class_header
from merkl_serializers.numpy_ import array_bytes
from merkl_serializers.objects import state_encoder
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import pack

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

#: Attributes by which masked arrays work; what they say of the value is read from the array.
_OF_MASKED = frozenset(vars(np.ma.masked_array([0]))) | {"_basedict", "_optinfo"}


def _make_masked(cls: type, registry: CanonicalRegistry) -> Encoder:
    """Return the encoder of masked arrays; what lies under the mask can be unmasked, so it counts."""
    head = b"\xc1#m" + class_header(cls)
    encode_state = state_encoder(cls, without=_OF_MASKED)

    def body(value: Any, walk: Walk) -> bytes:
        data = array_bytes(np.ma.getdata(value, subok=False), walk)
        # No mask and a mask of nothing are the same: pickle makes the one into the other.
        mask = array_bytes(np.ma.getmaskarray(value), walk)
        parts = [head, pack(bool(value.hardmask)), data, mask, walk.part(value.fill_value, ".fill_value")]
        if cls is not np.ma.MaskedArray:
            parts.append(encode_state(value, walk))
        if value._optinfo:
            parts.append(walk.part(value._optinfo, "._optinfo"))
        return b"".join(parts)

    def encode(value: Any, walk: Walk) -> bytes:
        if value is np.ma.masked:
            return head
        walk.is_mutable = True
        return walk.inside(value, body)

    return encode


def install(registry: CanonicalRegistry) -> None:
    """Register numpy's masked arrays."""
    registry.add_maker(np.ma.MaskedArray, _make_masked)
