"""xarray: variables, arrays, datasets and trees by dimensions, content, attributes and indexes, not by what they remember."""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import xarray  # type: ignore[import-not-found,unused-ignore]  # pyright: ignore[reportMissingImports]

from merkl_serializers.names import class_header
from merkl_serializers.objects import state_encoder
from merkl_serializers.walk import Encoder, Walk, mutable
from merkl_serializers.wire import pack, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry, Maker

__all__ = ["install"]


def _variable(value: Any, walk: Walk) -> bytes:
    return b"".join(
        [
            walk.part(tuple(value.dims), ".dims"),
            walk.part(value.data, ".data"),
            walk.mapping(dict(value.attrs)),
            walk.mapping(dict(value.encoding)),
        ]
    )


def _indexes(value: Any, walk: Walk) -> bytes:
    """Encode which coordinates have an index, and of which kind: what it holds are their values."""
    return walk.mapping({name: type(index) for name, index in value.xindexes.items()})


def _variables(named: Any, walk: Walk) -> bytes:
    return walk.mapping({name: held.variable for name, held in named.items()}, ordered=walk.keep_dict_order)


def _array(value: Any, walk: Walk) -> bytes:
    head = walk.part(value.name, ".name") + walk.part(value.variable, ".variable")
    return head + _variables(value.coords, walk) + _indexes(value, walk)


def _dataset(value: Any, walk: Walk) -> bytes:
    parts = [_variables(value.data_vars, walk), _variables(value.coords, walk), _indexes(value, walk)]
    return b"".join([*parts, walk.mapping(dict(value.attrs)), walk.mapping(dict(value.encoding))])


def _tree(value: Any, walk: Walk) -> bytes:
    head = pack(None) if value.name is None else pack_str(value.name)
    children = walk.mapping(dict(value.children), ordered=walk.keep_dict_order)
    return head + walk.part(value.to_dataset(inherit=False), ".dataset") + children


def _maker(base: type, content: Callable[[Any, Walk], bytes]) -> Maker:
    own = frozenset(copyreg._slotnames(base)) | {"_close"}  # type: ignore[attr-defined]

    def make(cls: type, registry: CanonicalRegistry) -> Encoder:
        head = b"\xc1=" + class_header(cls)
        encode_state = state_encoder(cls, without=own)

        def body(value: Any, walk: Walk) -> bytes:
            return head + content(value, walk) + encode_state(value, walk)

        return mutable(body)

    return make


def install(registry: CanonicalRegistry) -> None:
    """Register xarray's classes."""
    registry.add_maker(xarray.Variable, _maker(xarray.Variable, _variable))
    registry.add_maker(xarray.DataArray, _maker(xarray.DataArray, _array))
    registry.add_maker(xarray.Dataset, _maker(xarray.Dataset, _dataset))
    registry.add_maker(xarray.DataTree, _maker(xarray.DataTree, _tree))
