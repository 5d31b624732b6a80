"""Values built from each other to any depth: containers, classes of every maker, arrays. Importable in any process."""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import attrs
import msgspec
import numpy as np
import pydantic
from hypothesis import strategies as st


class Color(enum.Enum):
    RED = 1
    BLUE = "b"


class Bits(enum.Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Data:
    a: Any
    b: Any = dataclasses.field(default=None, repr=False, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    a: Any
    b: Any = None


class Pair(NamedTuple):
    a: Any
    b: Any = None


@attrs.define
class Attrs:
    a: Any
    b: Any = None


class Struct(msgspec.Struct):
    a: Any
    b: Any = None


class Model(pydantic.BaseModel):
    a: Any
    b: Any = None


class Plain:
    def __init__(self, a: Any, b: Any = None) -> None:
        self.a = a
        self.b = b


MAKERS = (Data, Slotted, Pair, Attrs, Struct, Model, Plain)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=6),
    st.binary(max_size=6),
    st.decimals(allow_nan=False),
    st.datetimes(),
    st.timedeltas(),
    st.uuids(),
    st.sampled_from([*Color, *Bits, Bits.A | Bits.B, range(3), slice(1, 2), int, len, ...]),
    st.frozensets(st.one_of(st.text(max_size=3), st.integers(), st.sampled_from(list(Color))), max_size=4),
    st.lists(st.integers(-5, 5), max_size=4).map(lambda items: np.array(items, dtype="i4")),
    st.lists(st.floats(-1, 1), min_size=1, max_size=3).map(lambda items: np.array(items, dtype=">f8")),
)
KEYS = st.one_of(st.text(max_size=3), st.integers(-3, 3), st.tuples(st.text(max_size=2)))
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.lists(inner, max_size=3).map(collections.deque),
        st.dictionaries(KEYS, inner, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3).map(collections.OrderedDict),
        inner.map(lambda item: SimpleNamespace(a=item)),
        st.tuples(st.sampled_from(MAKERS), inner, inner).map(lambda parts: parts[0](a=parts[1], b=parts[2])),
    ),
    max_leaves=10,
)


def parts_of(value: Any) -> Iterator[Any]:
    """Yield the parts of a value that `with_parts` puts back."""
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, MAKERS):
        yield from (value.a, value.b)
    elif isinstance(value, list | tuple | collections.deque):
        yield from value
    elif isinstance(value, SimpleNamespace):
        yield value.a


def with_parts(value: Any, parts: list[Any]) -> Any:
    """Return a value like this one, built anew from other parts; dicts are filled from the back."""
    if isinstance(value, collections.OrderedDict):
        return collections.OrderedDict(zip(value, parts, strict=True))
    if isinstance(value, dict):
        return dict(reversed(list(zip(value, parts, strict=True))))
    if isinstance(value, MAKERS):
        return type(value)(a=parts[0], b=parts[1])
    if isinstance(value, list | tuple | collections.deque):
        return type(value)(parts)
    if isinstance(value, SimpleNamespace):
        return SimpleNamespace(a=parts[0])
    if isinstance(value, frozenset):
        return frozenset(sorted(value, key=repr, reverse=True))
    return value


def rebuilt(value: Any) -> Any:
    """Return an equal value built again, in another order where that means nothing."""
    return with_parts(value, [rebuilt(part) for part in parts_of(value)])


def count_leaves(value: Any) -> int:
    """Return how many leaves a value has; an empty container is one."""
    return sum(map(count_leaves, parts_of(value))) or 1


def with_leaf(value: Any, number: int, other: Any) -> Any:
    """Return the value with its leaf of this number exchanged."""
    parts = list(parts_of(value))
    if not parts:
        return other
    for index, part in enumerate(parts):
        here = count_leaves(part)
        if number < here:
            parts[index] = with_leaf(part, number, other)
            return with_parts(value, parts)
        number -= here
    raise IndexError(number)
