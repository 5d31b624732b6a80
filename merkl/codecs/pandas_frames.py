"""pandas frames and series as Arrow, where Arrow gives back the same frame to the last detail."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from typing import Any

from merkl.codecs.base import Codec, DecodeError, Encoded

__all__ = ["PandasCodec"]


class PandasCodec(Codec):
    """`DataFrame` and `Series` of exactly these classes; what Arrow would change is left to pickle."""

    name = "pandas"

    def encode(self, value: Any, declared: Any) -> Encoded | None:
        """Return an IPC stream, None if the frame that comes out of it differs."""
        pandas = sys.modules["pandas"]
        kind = type(value)
        if kind not in (pandas.DataFrame, pandas.Series) or importlib.util.find_spec("pyarrow") is None:
            return None
        frame = value if kind is pandas.DataFrame else _as_frame(pandas, value)
        if frame is None or value.attrs or not value.flags.allows_duplicate_labels:
            return None
        import pyarrow

        try:
            table = pyarrow.Table.from_pandas(frame, preserve_index=None)
            if _has_extension(table.schema.types) or _has_registered(pandas, frame.columns):
                return None
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, table.schema) as writer:
                writer.write(table)
            content = memoryview(sink.getvalue())
            same = is_same_frame(_from_arrow(content), frame)
        except Exception:  # noqa: BLE001 - whatever Arrow has against it, pickle may not
            return None
        return Encoded([content], self.name, self.version, kind.__name__) if same else None

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the frame or series."""
        frame = _from_arrow(content)
        if decode_type == "DataFrame":
            return frame
        if decode_type != "Series":
            raise DecodeError(f"a pandas object of kind {decode_type!r} is unknown")
        series = frame.iloc[:, 0].copy()
        return series.rename(None) if series.name == UNNAMED else series


#: Stands for the name of a series without one: Arrow columns have names.
UNNAMED = "__merkl_unnamed__"


def _as_frame(pandas: Any, series: Any) -> Any | None:
    if series.name is None:
        return series.to_frame(UNNAMED)
    return series.to_frame() if type(series.name) is str and series.name != UNNAMED else None


def _from_arrow(content: Any) -> Any:
    import pyarrow

    # A copy: frames are changed in place by their owners, mapped Arrow buffers refuse that.
    frame = pyarrow.ipc.open_stream(pyarrow.py_buffer(content)).read_all().to_pandas().copy()
    return _with_zone_of_pandas(frame)


def _with_zone_of_pandas(frame: Any) -> Any:
    """Give times in UTC the zone that pandas means by that name: Arrow's is another object of the same name."""
    pandas = sys.modules["pandas"]
    zone = pandas.DatetimeTZDtype(tz="UTC").tz

    def is_other(dtype: Any) -> bool:
        return isinstance(dtype, pandas.DatetimeTZDtype) and str(dtype.tz) == "UTC" and dtype.tz is not zone

    for position, dtype in enumerate(frame.dtypes):
        if is_other(dtype):
            frame.isetitem(position, frame.iloc[:, position].dt.tz_convert(zone))
    for axis in (0, 1):
        if is_other(frame.axes[axis].dtype):
            frame = frame.set_axis(frame.axes[axis].tz_convert(zone), axis=axis)
    return frame


def _has_extension(types: Iterable[Any]) -> bool:
    """Say whether Arrow types are made of one that a process knows only when something has registered it.

    Periods and intervals are: pandas registers theirs when it first makes one, not when it reads one.
    """
    import pyarrow

    return any(
        isinstance(type_, pyarrow.BaseExtensionType)
        or (pyarrow.types.is_dictionary(type_) and _has_extension([type_.value_type]))
        or _has_extension(type_.field(i).type for i in range(type_.num_fields))
        for type_ in types
    )


def _has_registered(pandas: Any, columns: Any) -> bool:
    return isinstance(columns.dtype, pandas.PeriodDtype | pandas.IntervalDtype)


def is_same_frame(one: Any, other: Any) -> bool:
    """Say whether two frames are the same in values, types, index and columns, not only equal."""
    if not (_is_same_index(one.index, other.index) and _is_same_index(one.columns, other.columns)):
        return False
    if len(one.columns) != len(other.columns):
        return False
    for position in range(len(one.columns)):
        left, right = one.iloc[:, position], other.iloc[:, position]
        if (
            left.dtype != right.dtype
            or str(left.dtype) != str(right.dtype)
            or _zone_type(left.dtype) is not _zone_type(right.dtype)
            or not _is_same_values(left, right)
        ):
            return False
    return True


def _zone_type(dtype: Any) -> type:
    """Return the class of the zone of a type of times: equal zones may be of several."""
    return type(getattr(dtype, "tz", None))


def _is_same_index(one: Any, other: Any) -> bool:
    if (
        type(one) is not type(other)
        or one.dtype != other.dtype
        or _zone_type(one.dtype) is not _zone_type(other.dtype)
    ):
        return False
    if list(one.names) != list(other.names):
        return False
    if getattr(one, "freq", None) != getattr(other, "freq", None):
        return False
    if one.nlevels > 1:
        return bool(one.equals(other)) and all(
            _is_same_index(one.levels[level], other.levels[level]) for level in range(one.nlevels)
        )
    return _is_same_values(one, other)


def _is_same_values(one: Any, other: Any) -> bool:
    if not one.equals(other):
        return False
    if (
        one.dtype.kind == "f"
        and hasattr(one.dtype, "itemsize")
        and one.dtype.__class__.__module__.startswith("numpy")
    ):
        return bool(one.to_numpy().tobytes() == other.to_numpy().tobytes())  # -0.0 is not 0.0
    if one.dtype == object:
        return list(map(type, one)) == list(map(type, other)) and list(map(repr, one)) == list(
            map(repr, other)
        )
    return True
