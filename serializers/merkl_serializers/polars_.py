"""polars: frames and series by their Arrow content, whatever their chunks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import polars as pl

from merkl_serializers.errors import refusal
from merkl_serializers.names import class_header
from merkl_serializers.objects import state_encoder
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import pack, pack_int, pack_names, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry, Maker

__all__ = ["install"]

_HAS_ARROW = find_spec("pyarrow") is not None


def _dtype_bytes(dtype: Any) -> bytes:
    """Return the encoding of a data type, with everything that its text leaves out."""
    if isinstance(dtype, pl.Enum):
        return b"E" + pack_names(dtype.categories.to_list())
    if isinstance(dtype, pl.Struct):
        fields = [pack_str(field.name) + _dtype_bytes(field.dtype) for field in dtype.fields]
        return b"S" + pack(len(fields)) + b"".join(fields)
    if isinstance(dtype, pl.List):
        return b"L" + _dtype_bytes(dtype.inner)
    if isinstance(dtype, pl.Array):
        return b"A" + pack(dtype.shape) + _dtype_bytes(dtype.inner)
    return b"D" + pack_str(str(dtype))


def _series_bytes(series: Any, walk: Walk) -> bytes:
    head = pack_str(series.name) + _dtype_bytes(series.dtype)
    if not _HAS_ARROW or "Object" in str(series.dtype):
        return head + walk.items(series.to_list())
    return head + walk.value(series.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()))


def _series_body(value: Any, walk: Walk) -> bytes:
    return b"\xc1;s" + _series_bytes(value, walk)


def _frame_body(value: Any, walk: Walk) -> bytes:
    columns = [_series_bytes(series, walk) for series in value.get_columns()]
    return b"".join([b"\xc1;f", pack((len(columns),)), pack_int(value.height), *columns])


def _encode_dtype(value: Any, walk: Walk) -> bytes:
    return b"\xc1;d" + _dtype_bytes(value)


def _refuse_lazy(value: Any, walk: Walk) -> bytes:
    raise refusal(
        type(value),
        "a plan has no canonical bytes: it may read files that change",
        remedy="Pass the collected frame (`.collect()`), or what the plan is made from.",
    )


def _holding(body: Encoder, held: str) -> Maker:
    """Return a maker for frames or series, which hold their data in one attribute; those that a class adds count."""

    def make(cls: type, registry: CanonicalRegistry) -> Encoder:
        head, encode_state = b"\xc1;u" + class_header(cls), state_encoder(cls, without=frozenset({held}))
        is_own = cls.__module__.partition(".")[0] == "polars"

        def encode(value: Any, walk: Walk) -> bytes:
            walk.is_mutable = True
            data = body(value, walk)
            return data if is_own else head + encode_state(value, walk) + data

        return encode

    return make


def _for_all(encode: Encoder) -> Maker:
    return lambda cls, registry: encode


def install(registry: CanonicalRegistry) -> None:
    """Register polars' types."""
    registry.add_maker(pl.Series, _holding(_series_body, "_s"))
    registry.add_maker(pl.DataFrame, _holding(_frame_body, "_df"))
    registry.add_maker(pl.LazyFrame, _for_all(_refuse_lazy))
    registry.add_maker(pl.DataType, _for_all(_encode_dtype))
