"""scipy: sparse arrays and matrices of every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from merkl_serializers.names import class_name
from merkl_serializers.numpy_ import array_bytes
from merkl_serializers.objects import state_encoder
from merkl_serializers.walk import Encoder, Walk, mutable
from merkl_serializers.wire import pack, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

#: Format -> the arrays that hold its content.
_ARRAYS = {
    "bsr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "csr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
    "lil": ("data", "rows"),
}
#: Attributes by which scipy's classes hold that content, and what they remember of it.
_OWN_NAMES = frozenset(
    {
        "_shape",
        "maxprint",
        "data",
        "indices",
        "indptr",
        "offsets",
        "rows",
        "coords",
        "_dict",
        "dtype",
        "_dtype",
    }
    | {"_has_sorted_indices", "_has_canonical_format", "has_canonical_format"}
)
_FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")


def _make_sparse(cls: type, registry: CanonicalRegistry) -> Encoder:
    module, name = class_name(cls)
    is_own = module.startswith("scipy.")
    encode_state = state_encoder(cls, without=_OWN_NAMES)
    head = b"\xc1$" + pack_str("scipy" if is_own else module) + pack_str(name)

    def body(value: Any, walk: Walk) -> bytes:
        if value.format == "dok":
            # A dict in any order.
            content = walk.mapping(dict(value.items()))
        elif value.format == "coo":
            content = b"".join([array_bytes(np.asarray(a), walk) for a in (value.data, *value.coords)])
        else:
            content = b"".join([array_bytes(getattr(value, name), walk) for name in _ARRAYS[value.format]])
        data = head + pack((value.format, value.shape)) + walk.value(value.dtype) + content
        return data if is_own else data + encode_state(value, walk)

    return mutable(body)


def install(registry: CanonicalRegistry) -> None:
    """Register scipy's sparse types."""
    for form in _FORMATS:
        registry.add_maker(getattr(sparse, f"{form}_matrix"), _make_sparse)
        registry.add_maker(getattr(sparse, f"{form}_array"), _make_sparse)
