"""pandas: frames and series column by column, indexes, extension arrays, scalars, offsets, dtypes.

By content, not by how it is laid out: blocks, chunks and what lies under a mask don't count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from pandas.api.extensions import ExtensionArray, ExtensionDtype  # type: ignore[import-untyped]

from merkl_serializers.names import class_name
from merkl_serializers.numpy_ import array_bytes
from merkl_serializers.objects import reduced_bytes, reducing_encoder, state_encoder
from merkl_serializers.walk import Encoder, Walk, mutable
from merkl_serializers.wire import pack, pack_int, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry, Maker

__all__ = ["install"]


def _header(cls: type) -> bytes:
    """Return the name of a class; where pandas itself keeps it has moved between versions."""
    module, name = class_name(cls)
    return pack_str("pandas" if _is_own(cls) else module) + pack_str(name)


def _is_own(cls: type) -> bool:
    """Say whether a class is pandas' own; some say `pandas` itself, others a module in it."""
    return cls.__module__.partition(".")[0] == "pandas"


# -- dtypes and arrays


def _dtype_bytes(dtype: Any, walk: Walk) -> bytes:
    head = _header(type(dtype))
    if isinstance(dtype, pd.CategoricalDtype):
        return head + walk.value(dtype.categories) + pack(dtype.ordered)
    if isinstance(dtype, pd.StringDtype):
        return head + pack_str(dtype.storage) + pack(dtype.na_value is pd.NA)
    if isinstance(dtype, pd.ArrowDtype):
        return head + walk.value(dtype.pyarrow_dtype)
    if isinstance(dtype, pd.SparseDtype):
        return head + walk.value(dtype.subtype) + walk.value(dtype.fill_value)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return head + pack_str(dtype.unit) + walk.value(dtype.tz)
    if isinstance(dtype, pd.IntervalDtype):
        return head + walk.value(dtype.subtype) + walk.value(dtype.closed)
    return head + pack_str(str(dtype))


def _values_bytes(values: Any, walk: Walk) -> bytes:
    """Return the content of an ndarray or extension array, which holds a column or an index."""
    if isinstance(values, np.ndarray):
        return b"n" + array_bytes(values, walk)
    kind = type(values)
    if kind is pd.arrays.NumpyExtensionArray:  # arrays of strings are of a subclass, with a dtype that counts
        return b"n" + array_bytes(values.to_numpy(), walk)
    if not _is_own(kind):
        return b"x" + reducing_encoder(kind)(values, walk)
    return b"e" + _dtype_bytes(values.dtype, walk) + _extension_bytes(values, walk)


def _extension_bytes(values: Any, walk: Walk) -> bytes:
    if isinstance(values, pd.Categorical):
        # The dtype, which stands before this, says what the codes mean.
        return array_bytes(values.codes, walk)
    if isinstance(values, pd.arrays.DatetimeArray | pd.arrays.TimedeltaArray | pd.arrays.PeriodArray):
        return pack_str(str(values.dtype)) + array_bytes(values.asi8, walk)
    if isinstance(values, pd.arrays.IntervalArray):
        return walk.value(values.left) + walk.value(values.right)
    if isinstance(values, pd.arrays.SparseArray):
        index = values.sp_index.to_int_index().indices
        return pack_int(len(values)) + array_bytes(values.sp_values, walk) + array_bytes(index, walk)
    dtype = values.dtype
    if isinstance(dtype, pd.ArrowDtype) or (isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow"):
        return _arrow_bytes(values, walk)
    mask = np.asarray(values.isna())
    if isinstance(dtype, pd.StringDtype):
        texts = np.asarray(values, dtype=object)
        return array_bytes(mask, walk) + walk.items(texts[~mask].tolist())
    if hasattr(values, "_mask") and hasattr(values, "_data"):
        data = values._data
        if mask.any():
            data = data.copy()
            data[mask] = data.dtype.type(0)
        return array_bytes(data, walk) + array_bytes(mask, walk)
    return reduced_bytes(values, walk)


def _arrow_bytes(values: Any, walk: Walk) -> bytes:
    array = values.__arrow_array__()
    if hasattr(array, "num_chunks"):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    # How pandas keeps text depends on where it came from.
    return walk.value(array.cast("large_string") if isinstance(values.dtype, pd.StringDtype) else array)


# -- frames, series, indexes


def _extras(value: Any, walk: Walk) -> bytes:
    """Return what a frame or series carries beside its data."""
    fields = {name: getattr(value, name, None) for name in value._metadata if name not in ("name", "_name")}
    allows_duplicates = value.flags.allows_duplicate_labels
    if not (fields or value.attrs or not allows_duplicates):
        return b"\xc0"
    return walk.mapping(fields) + walk.part(value.attrs, ".attrs") + pack(allows_duplicates)


def _column_values(series: Any) -> Any:
    return series.array if isinstance(series.dtype, ExtensionDtype) else series.to_numpy()


def _make_frame(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1:f" + _header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        parts = [head, walk.part(value.columns, ".columns"), walk.part(value.index, ".index")]
        parts += [_values_bytes(_column_values(value.iloc[:, i]), walk) for i in range(value.shape[1])]
        return b"".join([*parts, _extras(value, walk)])

    return _changeable(body)


def _make_series(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1:s" + _header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        name, index = walk.part(value.name, ".name"), walk.part(value.index, ".index")
        return b"".join([head, name, index, _values_bytes(_column_values(value), walk), _extras(value, walk)])

    return _changeable(body)


def _make_index(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1:i" + _header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        start = head + walk.part(list(value.names), ".names")
        if isinstance(value, pd.RangeIndex):
            return start + walk.items((value.start, value.stop, value.step))
        if isinstance(value, pd.MultiIndex):
            # Levels that no row uses show too, and their order is that of what is unstacked.
            levels = [_values_bytes(_column_values(level), walk) for level in value.levels]
            return start + b"".join([*levels, *[array_bytes(codes, walk) for codes in value.codes]])
        frequency = getattr(value, "freq", None)
        return start + walk.value(frequency) + _values_bytes(_column_values(value), walk)

    return _changeable(body)


def _make_array(cls: type, registry: CanonicalRegistry) -> Encoder:
    if not _is_own(cls):
        return reducing_encoder(cls)
    return _changeable(lambda value, walk: b"\xc1:a" + _header(cls) + _values_bytes(value, walk))


def _changeable(body: Encoder) -> Encoder:
    return mutable(body)


# -- scalars, dtypes


def _encode_dtype(value: Any, walk: Walk) -> bytes:
    return b"\xc1:d" + _dtype_bytes(value, walk)


def _encode_missing(value: Any, walk: Walk) -> bytes:
    return b"\xc1:m" + pack_str(type(value).__name__)


def _encode_timestamp(value: Any, walk: Walk) -> bytes:
    moment = int(value.asm8.view("i8"))
    return b"\xc1:t" + pack((moment, value.unit, value.fold)) + walk.part(value.tz, ".tz")


def _encode_timedelta(value: Any, walk: Walk) -> bytes:
    return b"\xc1:l" + pack((int(value.asm8.view("i8")), value.unit))


def _encode_period(value: Any, walk: Walk) -> bytes:
    return b"\xc1:p" + pack((value.ordinal, value.freqstr))


def _encode_interval(value: Any, walk: Walk) -> bytes:
    return b"\xc1:v" + walk.items((value.left, value.right, value.closed))


def _for_all(encode: Encoder) -> Maker:
    """Return a maker for a type of pandas; a class of others that derives from it counts, with its attributes."""

    def make(cls: type, registry: CanonicalRegistry) -> Encoder:
        if _is_own(cls):
            return encode
        head, encode_state = b"\xc1:u" + _header(cls), state_encoder(cls)
        return lambda value, walk: head + encode_state(value, walk) + encode(value, walk)

    return make


def install(registry: CanonicalRegistry) -> None:
    """Register pandas' types."""
    registry.add_maker(pd.DataFrame, _make_frame)
    registry.add_maker(pd.Series, _make_series)
    registry.add_maker(pd.Index, _make_index)
    registry.add_maker(ExtensionArray, _make_array)
    for type_, encode in (
        (ExtensionDtype, _encode_dtype),
        (type(pd.NA), _encode_missing),
        (type(pd.NaT), _encode_missing),
        (pd.Timestamp, _encode_timestamp),
        (pd.Timedelta, _encode_timedelta),
        (pd.Period, _encode_period),
        (pd.Interval, _encode_interval),
    ):
        registry.add_maker(type_, _for_all(encode))
