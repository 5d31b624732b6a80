"""Frames of pandas, polars and pyarrow come back the same, by Arrow where Arrow does that, else by pickle."""

from __future__ import annotations

import datetime
import decimal
import pickle
import subprocess
import sys
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from merkl.codecs import default_codecs

CODECS = default_codecs()


def round_trip(value: Any) -> tuple[str, Any]:
    """Return the codec that took a value, and the value that came back."""
    encoded = CODECS.encode(value)
    content = encoded.content if isinstance(encoded.content, bytes) else b"".join(encoded.content)
    return encoded.codec, CODECS.decode(encoded.codec, encoded.codec_version, encoded.decode_type, content)


BY_ARROW = {
    "numbers": pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan]}),
    "signed zero": pd.DataFrame({"a": [0.0, -0.0]}),
    "strings": pd.DataFrame({"a": ["x", "y"]}),
    "empty": pd.DataFrame({"a": pd.Series([], dtype="int64")}),
    "string index": pd.DataFrame({"a": [1, 2]}, index=["x", "y"]),
    "named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index([5, 7], name="n")),
    "multi index": pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["i", "j"])
    ),
    "range index": pd.DataFrame({"a": [1, 2, 3]}, index=pd.RangeIndex(10, 4, -2)),
    "categories": pd.DataFrame(
        {"a": pd.Categorical(["x", "y", "x"], categories=["y", "x", "z"], ordered=True)}
    ),
    "zoned times": pd.DataFrame({"t": pd.to_datetime(["2024-01-01", None]).tz_localize("Europe/Rome")}),
    "times in UTC": pd.DataFrame({"t": pd.to_datetime(["2024-01-01", None], utc=True)}),
    "index in UTC": pd.Series([1, 2], index=pd.to_datetime(["2024", "2025"], utc=True), name="s"),
    "nullable": pd.DataFrame(
        {"a": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}
    ),
    "small dtypes": pd.DataFrame({"a": np.array([1], "int8"), "b": np.array([1], "float32")}),
    "series": pd.Series([1, 2], name="s"),
    "unnamed series": pd.Series([1.5, 2.5], index=["a", "b"]),
    "dates": pd.DataFrame({"d": [datetime.date(2024, 1, 1)]}),
    "decimals": pd.DataFrame({"d": [decimal.Decimal("1.10"), None]}),
}

BY_PICKLE = {
    "no columns": pd.DataFrame(index=pd.RangeIndex(3)),
    "attributes": pd.DataFrame({"a": [1]}),
    "mixed objects": pd.DataFrame({"a": pd.Series([1, "x", None, (1,)], dtype=object)}),
    "number columns": pd.DataFrame(np.zeros((2, 2)), columns=[0, 1.5]),
    "column multi index": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
    "twice the same name": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "index with a frequency": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2024", periods=2, freq="D")),
    "objects that are ints": pd.DataFrame({"a": pd.Series([1, 2], dtype=object)}),
    "sets": pd.Series([{1}, {2}]),
    "intervals": pd.DataFrame({"a": pd.interval_range(0, 2)}),
    "periods": pd.DataFrame({"a": pd.period_range("2024", periods=2, freq="M")}),
    "period index": pd.DataFrame({"a": [1, 2]}, index=pd.period_range("2024", periods=2, freq="M")),
    "series with a period index": pd.Series([1, 2], index=pd.period_range("2024", periods=2, freq="D")),
    "interval index": pd.Series([1, 2], index=pd.interval_range(0, 2)),
    "period columns": pd.DataFrame([[1, 2]], columns=pd.period_range("2024", periods=2, freq="M")),
    "categories that are periods": pd.DataFrame(
        {"a": pd.Categorical(pd.period_range("2024", periods=2, freq="M"))}
    ),
    "level of periods": pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_product([pd.period_range("2024", periods=2, freq="M"), ["x"]])
    ),
    "tuple name": pd.Series([1], name=("a", 1)),
    "UTC by another class": pd.Series(pd.date_range("2024", periods=2, tz=zoneinfo.ZoneInfo("UTC"))),
    "levels of no row": pd.Series([1, 2], index=pd.MultiIndex([["b", "a", "c"], [1, 2]], [[1, 0], [0, 1]])),
}
BY_PICKLE["attributes"].attrs["unit"] = "m"


def assert_same(one: Any, other: Any) -> None:
    """Have pandas itself compare, as strictly as it can."""
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True, check_index_type="exact")
        assert type(one.name) is type(other.name)
    else:
        exact = {"check_index_type": "exact", "check_column_type": "exact"}
        pd.testing.assert_frame_equal(one, other, check_exact=True, **exact)
    assert one.attrs == other.attrs
    assert zones(one) == zones(other)


def zones(value: Any) -> list[type]:
    """Return the classes of the time zones in a frame or series: pandas takes equal zones for the same."""
    columns = [value.dtype] if isinstance(value, pd.Series) else list(value.dtypes)
    return [type(getattr(dtype, "tz", None)) for dtype in (*columns, value.index.dtype)]


@pytest.mark.parametrize("value", BY_ARROW.values(), ids=BY_ARROW)
def test_pandas_comes_back_by_arrow(value: Any) -> None:
    """Usual frames are stored as data."""
    codec, loaded = round_trip(value)
    assert codec == "pandas"
    assert type(loaded) is type(value)
    assert_same(loaded, value)


@pytest.mark.parametrize("value", BY_PICKLE.values(), ids=BY_PICKLE)
def test_pandas_that_arrow_would_change_comes_back_too(value: Any) -> None:
    """Whatever Arrow does not give back exactly comes back exactly all the same."""
    _, loaded = round_trip(value)
    assert type(loaded) is type(value)
    assert_same(loaded, value)


LOADS = """
import pickle, sys
from merkl.codecs import default_codecs
for *encoded, content in pickle.load(sys.stdin.buffer):
    value = default_codecs().decode(*encoded, content)
    print(value.index.dtype, value.axes[-1].dtype, *value.dtypes if value.ndim == 2 else "")
"""


def test_periods_and_intervals_come_back_in_another_process() -> None:
    """A fresh process has registered none of pandas' Arrow types; it reads what was stored all the same."""
    stored, expected = [], []
    for value in BY_PICKLE.values():
        encoded = CODECS.encode(value)
        content = encoded.content if isinstance(encoded.content, bytes) else b"".join(encoded.content)
        stored.append((encoded.codec, encoded.codec_version, encoded.decode_type, content))
        columns = map(str, value.dtypes) if value.ndim == 2 else [""]
        expected.append(" ".join([str(value.index.dtype), str(value.axes[-1].dtype), *columns]).strip())
    done = subprocess.run(
        [sys.executable, "-c", LOADS], input=pickle.dumps(stored), capture_output=True, check=True
    )
    assert [line.strip() for line in done.stdout.decode().splitlines()] == expected


def test_subclass_of_a_frame_keeps_its_class() -> None:
    """A frame of another class is not stored as its base."""
    from codec_examples import OwnFrame

    codec, loaded = round_trip(OwnFrame({"a": [1]}))
    assert codec == "pickle"
    assert type(loaded) is OwnFrame


def test_loaded_frames_can_be_changed() -> None:
    """Assigning into a frame that was read works, as when it was computed."""
    _, loaded = round_trip(pd.DataFrame({"a": [1.0, 2.0]}))
    loaded.iloc[0, 0] = 5.0
    loaded.loc[1, "a"] = 6.0
    assert loaded["a"].tolist() == [5.0, 6.0]


def test_frame_inside_a_container_is_data() -> None:
    """Frames and arrays inside containers stay out of pickle."""
    codec, loaded = round_trip(
        {"train": pd.DataFrame({"a": [1]}), "arrays": (np.zeros(2), pl.DataFrame({"b": [2]}))}
    )
    assert codec == "data"
    assert loaded["train"]["a"].tolist() == [1]
    assert loaded["arrays"][1]["b"].to_list() == [2]


POLARS = {
    "columns": pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [[1], [2, 3]], "d": [{"e": 1}, {"e": 2}]}),
    "categories": pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Categorical)}),
    "enum": pl.DataFrame({"a": pl.Series(["x"], dtype=pl.Enum(["x", "y"]))}),
    "times": pl.DataFrame({"t": [datetime.datetime(2024, 1, 1)], "d": [datetime.date(2024, 1, 1)]}),
    "empty": pl.DataFrame({"a": []}, schema={"a": pl.Int8}),
    "nothing": pl.DataFrame(),
    "series": pl.Series("s", [1.5, None]),
}


@pytest.mark.parametrize("value", POLARS.values(), ids=POLARS)
def test_polars_comes_back(value: Any) -> None:
    """polars frames and series are stored as data."""
    codec, loaded = round_trip(value)
    assert codec == "polars"
    assert type(loaded) is type(value)
    frames = [item.to_frame() if isinstance(item, pl.Series) else item for item in (loaded, value)]
    assert frames[0].schema == frames[1].schema
    assert frames[0].equals(frames[1], null_equal=True)


ARROW = {
    "table": pa.table({"a": [1, None], "b": ["x", "y"]}),
    "metadata": pa.table({"a": [1]}).replace_schema_metadata({"k": "v"}),
    "chunks": pa.table({"a": pa.chunked_array([[1], [2, 3]])}),
    "empty": pa.table({"a": pa.array([], pa.int8())}),
    "dictionary": pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()}),
    "batch": pa.RecordBatch.from_pydict({"a": [1, 2]}),
    "empty batch": pa.RecordBatch.from_pydict({"a": pa.array([], pa.int8())}),
}


@pytest.mark.parametrize("value", ARROW.values(), ids=ARROW)
def test_arrow_comes_back(value: Any) -> None:
    """pyarrow tables and batches are stored as data, schema metadata included."""
    codec, loaded = round_trip(value)
    assert codec == "arrow"
    assert type(loaded) is type(value)
    assert loaded.equals(value)
    assert loaded.schema.equals(value.schema, check_metadata=True)
