"""What comes out of a codec is what went in, type included, at any depth."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import io
import itertools
import threading
import uuid
from typing import Any

import codec_examples
import numpy as np
import pytest
from codec_examples import (
    DATA,
    PICKLED,
    Attrs,
    Bits,
    Color,
    Frozen,
    Lazy,
    Model,
    Pair,
    Plain,
    Point,
    Struct,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from same_values import same

from merkl._base.errors import SerializationError
from merkl.codecs import DecodeError, Encoded, default_codecs

CODECS = default_codecs()


def joined(encoded: Encoded) -> bytes:
    """Return the content of an encoded value as one byte string."""
    return encoded.content if isinstance(encoded.content, bytes) else b"".join(encoded.content)


def back(encoded: Encoded) -> Any:
    """Return the value again."""
    return CODECS.decode(encoded.codec, encoded.codec_version, encoded.decode_type, joined(encoded))


@pytest.mark.parametrize("value", DATA, ids=lambda value: type(value).__qualname__)
def test_data_comes_back_without_pickle(value: Any) -> None:
    """Standard and data types have a data-only codec that gives them back exactly."""
    encoded = CODECS.encode(value)
    assert encoded.is_safe
    assert encoded.codec != "pickle"
    assert same(back(encoded), value)


@pytest.mark.parametrize("value", PICKLED, ids=lambda value: type(value).__qualname__)
def test_anything_else_is_pickled_exactly(value: Any) -> None:
    """A value that is more than data goes to pickle as a whole and comes back exactly."""
    encoded = CODECS.encode(value)
    assert encoded.codec == "pickle"
    assert not encoded.is_safe
    assert same(back(encoded), value)


hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010)
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.timedeltas()
    | st.builds(uuid.UUID, int=st.integers(0, 2**128 - 1))
    | st.sampled_from(list(Color) + list(Bits))
    | st.builds(np.float64, st.floats(allow_nan=False)),
    lambda inner: (
        st.tuples(inner)
        | st.tuples(inner, inner)
        | st.frozensets(inner, max_size=3)
        | st.builds(Pair, inner, inner)
        | st.builds(Frozen, inner, inner)
    ),
    max_leaves=5,
)
values = st.recursive(
    hashable
    | st.floats()
    | npst.arrays(
        npst.scalar_dtypes() | npst.unicode_string_dtypes() | npst.array_dtypes(),
        npst.array_shapes(max_side=4),
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=3)
        | st.tuples(inner, inner)
        | st.builds(Point, inner, inner)
        | st.builds(Struct, inner, inner)
        | st.builds(Attrs, inner, inner)
        | st.builds(Pair, inner, inner)
        | st.builds(lambda b: Model(b=b), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values)
def test_generated_values_come_back(value: Any) -> None:
    """Any nesting of data comes back exactly, and without pickle."""
    encoded = CODECS.encode(value)
    assert encoded.codec != "pickle"
    assert same(back(encoded), value)


@settings(max_examples=100, deadline=None)
@given(values)
def test_equal_values_have_equal_bytes(value: Any) -> None:
    """What is written twice, or read and written again, has the same bytes: early cutoff needs that."""
    encoded = CODECS.encode(value)
    assert joined(CODECS.encode(value)) == joined(encoded)
    again = CODECS.encode(back(encoded))
    assert (again.codec, joined(again)) == (encoded.codec, joined(encoded))


#: Where a set has its items of a class.
PLACES: dict[type, int] = {}


@dataclasses.dataclass(frozen=True)
class Here:
    x: Any

    def __hash__(self) -> int:
        return PLACES[type(self)]


@dataclasses.dataclass(frozen=True)
class There(Here):
    __hash__ = Here.__hash__


@pytest.mark.parametrize("wrap", [frozenset, lambda items: [frozenset([frozenset(items), (Frozen(1),)])]])
def test_order_of_a_set_is_not_in_its_bytes(wrap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items of several classes too, each of which has its number in the bytes."""
    found = set()
    for places in ({Here: 0, There: 1}, {Here: 1, There: 0}):
        monkeypatch.setattr(f"{__name__}.PLACES", places)
        found.add(joined(CODECS.encode(wrap([Here(1), There(frozenset([Here(2), There(2)]))]))))
    assert len(found) == 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values, st.data())
def test_damaged_bytes_are_an_error_or_a_value(value: Any, data: Any) -> None:
    """Whatever happens to the bytes, decoding ends in a value or a DecodeError, never in anything else."""
    encoded = CODECS.encode(value)
    content = bytearray(joined(encoded))
    for _ in range(data.draw(st.integers(1, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DecodeError):
        CODECS.decode(encoded.codec, encoded.codec_version, encoded.decode_type, bytes(content))


def test_cached_property_survives() -> None:
    """A dataclass with more in its dict than its fields comes back with it."""
    lazy = Lazy(3)
    assert lazy.square == 9
    loaded = back(CODECS.encode(lazy))
    assert loaded.__dict__ == {"number": 3, "square": 9}


def test_class_without_a_name_is_pickled_by_value() -> None:
    """A class defined in a function has no name to be found by, so pickle carries it along."""

    class Local:
        x = 5

    encoded = CODECS.encode(Local())
    assert encoded.codec == "pickle"
    assert back(encoded).x == 5


def test_redefined_class_is_not_taken_for_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stored object whose class has other fields now is a decode error, not a half-filled object."""
    encoded = CODECS.encode(Point(1, 2))
    other = dataclasses.make_dataclass("Point", ["x", "z"], namespace={"__module__": "codec_examples"})
    monkeypatch.setattr(codec_examples, "Point", other)
    with pytest.raises(DecodeError, match="fields of codec_examples:Point"):
        back(encoded)


def test_vanished_class_is_a_decode_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stored object whose class is gone says which class that was."""
    encoded = CODECS.encode([Point(1)])
    monkeypatch.delattr(codec_examples, "Point")
    with pytest.raises(DecodeError, match="codec_examples:Point"):
        back(encoded)


def test_class_name_in_the_bytes_runs_nothing() -> None:
    """Bytes that name a class which is no data class build no object of it."""
    content = joined(CODECS.encode([Point(1, 2)]))
    forged = content.replace(b"codec_examples:Point", b"codec_examples:Plain")
    with pytest.raises(DecodeError, match="Plain"):
        CODECS.decode("data", 1, "", forged)


def test_list_that_contains_itself_goes_to_pickle() -> None:
    """A cycle is no tree; pickle keeps it."""
    value: list[Any] = [1]
    value.append(value)
    encoded = CODECS.encode(value)
    loaded = back(encoded)
    assert encoded.codec == "pickle"
    assert loaded[1] is loaded


TWICE = {
    "list": lambda x: [x, x],
    "tuple": lambda x: (x, x),
    "dict": lambda x: {"a": x, "b": x},
    "set": lambda x: frozenset([x, (x,)]) if isinstance(x, frozenset) else frozenset([0]),
}


@pytest.mark.parametrize("wrap", TWICE.values(), ids=TWICE)
def test_value_that_shares_its_parts_does_not_explode(wrap: Any) -> None:
    """Forty levels of two references each are forty small objects, not 2**40."""
    value: Any = [0]
    for _ in range(40):
        value = wrap(value)
    assert len(joined(CODECS.encode(value))) < 100_000


def test_very_deep_value_is_stored_or_refused_politely() -> None:
    """Nesting beyond the recursion limit never crashes the process."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(SerializationError):
        CODECS.encode(value)


def test_arrays_are_written_without_a_copy() -> None:
    """The content of a large array is a view of its memory."""
    array = np.zeros(1000)
    head, data = CODECS.encode(array).content
    array[0] = 7
    assert bytes(data[:8]) == np.float64(7).tobytes()
    assert len(head) == 128


def test_loaded_arrays_can_be_changed() -> None:
    """An array that was read is writable, as it was when it was computed."""
    loaded = back(CODECS.encode({"a": np.zeros(3)}))
    loaded["a"][0] = 1
    assert loaded["a"].tolist() == [1, 0, 0]


def test_generator_of_bytes_is_a_stream() -> None:
    """A generator of bytes is encoded while it runs, and comes back as an iterator."""
    encoded = CODECS.encode(bytes([n]) * 3 for n in range(3))
    assert encoded.consumes
    loaded = CODECS.decode(encoded.codec, 1, encoded.decode_type, b"".join(encoded.content))
    assert iter(loaded) is loaded
    assert b"".join(loaded) == b"\0\0\0\1\1\1\2\2\2"


def test_generator_of_values_comes_back_as_iterator() -> None:
    """A generator of anything else is stored as the list of its items."""
    encoded = CODECS.encode((n, Color.RED) for n in range(2))
    assert list(back(encoded)) == [(0, Color.RED), (1, Color.RED)]


def test_generator_that_changes_its_mind_is_refused() -> None:
    """Bytes first and something else later is an error that names the item."""
    encoded = CODECS.encode(iter([b"a", 1]))
    with pytest.raises(SerializationError, match="item 1"):
        b"".join(encoded.content)


@pytest.mark.filterwarnings("ignore:Pickle, copy, and deepcopy:DeprecationWarning")
@pytest.mark.parametrize("make", [itertools.count, lambda: itertools.cycle([0]), lambda: itertools.repeat(0)])
def test_an_iterator_without_end_is_not_read_to_its_end(make: Any) -> None:
    """Reading it would take all memory; pickle knows it as it stands. One that is bounded is read."""
    assert next(back(CODECS.encode(make()))) == 0
    assert CODECS.encode(itertools.repeat(1, 3)).codec == "stream"


def test_files_are_read_from_their_start() -> None:
    """A binary file is stored whole, wherever its position is."""
    file = io.BytesIO(b"hello")
    file.seek(3)
    assert back(CODECS.encode(file)).read() == b"hello"


def test_decimal_context_does_not_matter() -> None:
    """A decimal with more digits than the context keeps all of them."""
    value = decimal.Decimal("1." + "1" * 60)
    with decimal.localcontext(prec=5):
        assert back(CODECS.encode((value,))) == (value,)


def test_objects_in_sets_are_hashed_when_complete() -> None:
    """An object whose hash needs its fields is complete before it goes into a set."""
    value = {Frozen((1, datetime.date(2024, 1, 1)))}
    assert back(CODECS.encode(value)) == value


def test_unpicklable_value_is_an_error_with_a_remedy() -> None:
    """What no codec takes is named, with what to register."""
    with pytest.raises(SerializationError, match="register") as caught:
        CODECS.encode([threading.Lock(), Plain(1)])
    assert caught.value.remedy
