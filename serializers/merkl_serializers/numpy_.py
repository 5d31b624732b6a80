"""numpy: arrays by content, scalars with their dtype, dtypes, ufuncs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from merkl_serializers.errors import refusal
from merkl_serializers.names import class_header
from merkl_serializers.objects import state_encoder
from merkl_serializers.walk import Encoder, Walk, mutable
from merkl_serializers.wire import INLINE_LIMIT, hash_buffer, pack, pack_bytes, pack_names, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["array_bytes", "install"]

#: x87 extended precision: 10 bytes of value, the rest is whatever was in memory.
_HAS_PADDED_LONG_DOUBLE = np.finfo(np.longdouble).nmant == 63 and np.dtype(np.longdouble).itemsize > 10


def _encode_dtype(dtype: Any, walk: Walk) -> bytes:
    return b"\xc1#d" + dtype_bytes(dtype, walk)


def dtype_bytes(dtype: Any, walk: Walk) -> bytes:
    """Return the encoding of a dtype: everything that `==` between dtypes compares, and what it says beside."""
    if dtype.metadata:
        return b"M" + walk.mapping(dtype.metadata) + _bare_dtype_bytes(dtype, walk)
    return _bare_dtype_bytes(dtype, walk)


def _bare_dtype_bytes(dtype: Any, walk: Walk) -> bytes:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return b"S" + pack(shape) + dtype_bytes(base, walk)
    if dtype.names is not None:
        parts = [b"R", class_header(dtype.type), pack((dtype.itemsize, dtype.isalignedstruct))]
        parts.append(pack_names(dtype.names))
        for name in dtype.names:
            field, offset, *title = dtype.fields[name]
            parts += [pack(offset), walk.value(title), dtype_bytes(field, walk)]
        return b"".join(parts)
    if dtype.kind == "T":
        return b"T" + pack(bool(dtype.coerce)) + walk.value(getattr(dtype, "na_object", None))
    # Types that extensions add (bfloat16) share their text with others.
    return b"D" + pack_str(dtype.str) + (b"+" if 0 <= dtype.num < 256 else b"-" + class_header(dtype.type))


def _layout(array: Any) -> tuple[bytes, Any]:
    """Return the memory order of an array as a value, and its items contiguous in that order.

    C and Fortran order are different values of the same equality: flattening, summing and writing differ. A
    view counts as its copy does when its axes lie in C order, steps, directions and repeats aside.
    """
    if array.flags.c_contiguous:
        return b"C", array
    if array.flags.f_contiguous:
        return b"F", array.T
    axes = range(array.ndim)
    steps = [abs(array.strides[axis]) for axis in axes if array.shape[axis] > 1 and array.strides[axis]]
    if steps == sorted(steps, reverse=True):
        return b"C", np.ascontiguousarray(array)
    order = sorted(axes, key=lambda axis: -abs(array.strides[axis]))
    return b"K" + pack(order), np.ascontiguousarray(array.transpose(order))


def _content(array: Any, walk: Walk) -> bytes:
    dtype = array.dtype
    if dtype.names is not None:
        return b"".join([_content(np.ascontiguousarray(array[name]), walk) for name in dtype.names])
    if dtype.hasobject or dtype.kind == "T":
        return walk.items(array.reshape(-1).tolist())
    if _HAS_PADDED_LONG_DOUBLE and dtype.char in "gG":
        raw = array.reshape(-1).view(np.uint8).reshape(-1, np.dtype(np.longdouble).itemsize)
        return pack_bytes(np.ascontiguousarray(raw[:, :10]).tobytes())
    if array.nbytes <= INLINE_LIMIT:
        return pack_bytes(array.tobytes())
    return hash_buffer(memoryview(array.reshape(-1).view(np.uint8)))


def array_bytes(array: Any, walk: Walk) -> bytes:
    """Return dtype, shape, order and content of a plain array."""
    layout, contiguous = _layout(array)
    head = dtype_bytes(array.dtype, walk) + pack(array.shape) + layout
    return head + _content(contiguous, walk)


def _encode_array(value: Any, walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, _array_body) if value.dtype.hasobject else _array_body(value, walk)


def _array_body(value: Any, walk: Walk) -> bytes:
    return b"\xc1#a" + array_bytes(value, walk)


def _make_array(cls: type, registry: CanonicalRegistry) -> Encoder:
    if cls is np.ndarray or cls is np.memmap:
        return _encode_array
    head = b"\xc1#s" + class_header(cls)
    encode_state = state_encoder(cls)

    def body(value: Any, walk: Walk) -> bytes:
        return head + array_bytes(value.view(np.ndarray), walk) + encode_state(value, walk)

    return mutable(body)


def _make_scalar(cls: type, registry: CanonicalRegistry) -> Encoder:
    if cls.__module__ == "numpy":
        return lambda value, walk: b"\xc1#g" + array_bytes(np.asarray(value), walk)
    head, encode_state = b"\xc1#g" + class_header(cls), state_encoder(cls)

    def encode(value: Any, walk: Walk) -> bytes:
        return head + array_bytes(np.asarray(value), walk) + encode_state(value, walk)

    return encode


def _encode_ufunc(value: Any, walk: Walk) -> bytes:
    name = value.__name__
    # Where it belongs comes first: which other modules have imported it depends on what was imported so far.
    others = sorted(module for module in tuple(sys.modules) if module.partition(".")[0] == "scipy")
    for module in ("numpy", "numpy.strings", "scipy.special", *others):
        if getattr(sys.modules.get(module), name, None) is value:
            return b"\xc1#u" + pack_str(module) + pack_str(name)
    raise refusal(type(value), f"the ufunc {name!r} is in no module; pass the function that it was made from")


def install(registry: CanonicalRegistry) -> None:
    """Register numpy's types."""
    registry.add_maker(np.ndarray, _make_array)
    for scalar in (np.generic, np.str_, np.bytes_, np.float64, np.complex128):
        registry.add_maker(scalar, _make_scalar)
    registry.add_maker(np.dtype, lambda cls, registry: _encode_dtype)
    registry.add_maker(np.ufunc, lambda cls, registry: _encode_ufunc)
