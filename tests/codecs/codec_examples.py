"""Classes and values that codecs are tried on, in a module so that the classes have names to be found by."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import typing
import uuid
import zoneinfo

import attrs
import msgspec
import numpy as np
import pandas as pd
import pydantic


@dataclasses.dataclass
class Point:
    x: typing.Any
    y: typing.Any = None


@dataclasses.dataclass
class Point3(Point):
    z: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: typing.Any
    y: typing.Any = None


@dataclasses.dataclass
class Derived:
    """Its `__post_init__` must not run again."""

    items: list[int]
    total: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.items = [*self.items, 1]
        self.total = sum(self.items)


@dataclasses.dataclass
class Lazy:
    number: int

    @functools.cached_property
    def square(self) -> int:
        return self.number**2


@dataclasses.dataclass
class Guarded:
    """It says itself how it is pickled."""

    x: int

    def __getstate__(self) -> typing.Any:
        return {"x": self.x + 1}

    def __setstate__(self, state: typing.Any) -> None:
        self.x = state["x"] - 1


@dataclasses.dataclass
class DictData(dict):  # type: ignore[type-arg]
    x: int = 0


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", arbitrary_types_allowed=True)
    a: int = 1
    b: typing.Any = None
    _hidden: int = pydantic.PrivateAttr(default=3)


class SubModel(Model):
    c: str = "c"


class FrozenModel(pydantic.BaseModel, frozen=True):
    when: datetime.datetime


class Box(pydantic.BaseModel, typing.Generic[typing.TypeVar("T")]):  # type: ignore[misc]
    item: typing.Any


class Struct(msgspec.Struct):
    a: typing.Any
    b: typing.Any = None


class HookedStruct(msgspec.Struct):
    a: int

    def __post_init__(self) -> None:
        self.a += 1


@attrs.define
class Attrs:
    a: typing.Any
    b: typing.Any = attrs.field(factory=list)


@attrs.define(slots=False, frozen=True)
class FrozenAttrs:
    a: int


class Pair(typing.NamedTuple):
    a: typing.Any
    b: typing.Any = None


class Color(enum.Enum):
    RED = 1
    BLUE = "b"
    ALSO_RED = 1  # noqa: PIE796


class Number(enum.IntEnum):
    ONE = 1


class Text(enum.StrEnum):
    A = "a"


class Bits(enum.Flag):
    A = 1
    B = 2


class OwnInt(int):
    pass


class OwnDict(dict):  # type: ignore[type-arg]
    pass


class OwnList(list):  # type: ignore[type-arg]
    pass


class Plain:
    """An ordinary object."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and other.x == self.x

    __hash__ = None  # type: ignore[assignment]


UTC = datetime.timezone.utc  # noqa: UP017 - the class itself is tried too
ROME = zoneinfo.ZoneInfo("Europe/Rome")

#: Values that a data-only codec must take.
DATA: list[typing.Any] = [
    memoryview(b"bytes"),
    memoryview(bytearray(b"changeable")),
    memoryview(b""),
    memoryview(b"every other")[::2],
    memoryview(np.arange(6.0).reshape(2, 3)),
    [memoryview(np.array([True, False]))],
    None,
    True,
    0,
    -(1 << 63),
    (1 << 64) - 1,
    1 << 64,
    -(1 << 200),
    0.0,
    -0.0,
    float("inf"),
    float("nan"),
    5e-324,
    "",
    "é\x00𝄞",
    "\ud800 lone",
    {"\udfff": "\ud800"},
    b"",
    bytes(range(256)) * 40,
    bytearray(b"ab"),
    1 - 2j,
    complex(-0.0, float("nan")),
    ...,
    [],
    [1, [2.0, [None, [b"x"]]]],
    [1, 1.0, True, "1", b"1"],
    {},
    {"a": {"b": [1]}},
    {1: 1, "1": 2, None: 3, 2.5: 4, b"1": 5},
    {True: 1, 2: False},
    {(1, (2, "x")): {frozenset({1}): []}},
    {b"k" * 3: 1 << 70},
    (),
    (1,),
    ((), [()], {"a": ()}),
    set(),
    {1, "a", (1, 2), frozenset()},
    frozenset({1.5, None}),
    datetime.datetime(2024, 10, 27, 2, 30, 1, 5, fold=1),
    datetime.datetime(2024, 10, 27, 2, 30, tzinfo=ROME, fold=1),
    datetime.datetime(1, 1, 1, tzinfo=UTC),
    datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=-3, seconds=1), "odd")),
    datetime.date.max,
    datetime.time(1, 2, 3, 4, tzinfo=UTC, fold=1),
    datetime.timedelta.min,
    UTC,
    ROME,
    decimal.Decimal("1.500"),
    decimal.Decimal("-0"),
    decimal.Decimal("sNaN123"),
    decimal.Decimal("Infinity"),
    uuid.UUID(int=7),
    uuid.UUID("c7556f0e-e726-11f1-85a3-02fc00000001"),
    fractions.Fraction(-1, 3),
    pathlib.Path("a/b"),
    pathlib.Path(),
    pathlib.PureWindowsPath(r"C:\x"),
    range(3),
    range(10, -1, -2),
    slice(1, None, 2),
    collections.OrderedDict([("b", 1), ("a", 2)]),
    collections.defaultdict(list, {1: [2]}),
    collections.defaultdict(None, a=1),
    collections.Counter("hello"),
    collections.deque([1, (2,)], maxlen=5),
    collections.deque(),
    Color.RED,
    Color.ALSO_RED,
    Color.BLUE,
    Number.ONE,
    Text.A,
    Bits.A,
    Bits.A | Bits.B,
    Bits(0),
    {Color.RED: Number.ONE},
    Point(1),
    Point((1, 2), {"a": Point(None)}),
    Point3(1, 2, 3),
    [Point(1), Point3(2), Point(3)],
    Frozen([1]),
    Derived([2]),
    Model(),
    Model(a=2, b=(1, {2}), extra="more"),
    SubModel(b=Model(b=SubModel())),
    FrozenModel(when=datetime.datetime(2024, 1, 1)),
    Struct(1, [Struct(2)]),
    HookedStruct(1),
    Attrs(1, [Attrs((2,))]),
    FrozenAttrs(3),
    Pair(1, Pair(2)),
    (Pair(1), [Pair(2)]),
    np.float64(1.5),
    np.float32("nan"),
    np.int8(-3),
    np.longlong(3),
    np.uint64(2**64 - 1),
    np.bool_(True),
    np.complex64(1 + 2j),
    np.datetime64("2024-01-01T00:00:00.5", "ms"),
    np.datetime64("NaT"),
    np.timedelta64(5, "D"),
    np.str_("a\x00"),
    np.bytes_(b"a\x00"),
    [np.float64(1), 1.0],
    np.arange(6).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(20)[::3],
    np.array(7),
    np.empty((0, 3), "f4"),
    np.empty((2, 0), order="F"),
    np.array(["a", "bcd"]),
    np.array([b"a\x00", b"b"]),
    np.array(["2024-01-01", "NaT"], "M8[ns]"),
    np.array([1, 2], ">i4"),
    np.array([True, False]),
    np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
    np.array([(False,)], dtype=[("Ā", "?")]),
    np.array([(1, [1, 2])], dtype=[("a", "i2"), ("b", "f4", (2,))]),
    np.zeros((2, 2, 2), np.float16),
    np.zeros(3, np.longdouble),
    {"weights": np.ones((3, 3)), "names": ("a", "b")},
    [np.arange(3), np.arange(3)],
    Point(np.arange(100_000), {"deep": (np.zeros(5),)}),
    Model(b=np.arange(3)),
]

#: Values that only pickle gives back as they were.
PICKLED: list[typing.Any] = [
    memoryview(np.arange(3, dtype=">i4")),
    memoryview(np.zeros((0, 3))),
    memoryview(np.arange(4, dtype="f2").reshape(2, 2)),
    {"key": Plain(memoryview(b"inside of an object"))},  # type: ignore[arg-type]
    OwnInt(3),
    OwnDict(a=1),
    OwnList([1]),
    [OwnInt(3)],
    Plain(4),
    Point(Plain(5)),
    Guarded(1),
    DictData(2),
    np.array([1, "a", None], dtype=object),
    np.ma.masked_array([1, 2], [True, False]),
    np.array([(1, 1)], {"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [0, 0]}),
    np.array([(1, 2)], {"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [4, 0]}),
    collections.UserDict(a=1),
    re.compile("a+"),
    pydantic.SecretStr("s"),
    ValueError("x", 1),
]


class OwnFrame(pd.DataFrame):
    @property
    def _constructor(self) -> type[OwnFrame]:
        return OwnFrame
