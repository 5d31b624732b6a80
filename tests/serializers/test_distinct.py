"""Different type or different value: different bytes."""

from __future__ import annotations

import collections
import datetime
import enum
import functools
import pathlib
import re
import typing
import uuid
import zoneinfo
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pydantic
from merkl_serializers import default_registry, encode_scalar

digest = default_registry.digest


class Number(int):
    """A subclass that adds nothing."""


class Text(str):
    """A subclass that adds nothing."""


class Small(enum.IntEnum):
    """Equal to its number."""

    ONE = 1


class Word(enum.StrEnum):
    """Equal to its text."""

    ONE = "1"


@dataclass
class Left:
    """A dataclass with one field."""

    a: int = 1


@dataclass
class Right:
    """Another with the same field."""

    a: int = 1


@dataclass(slots=True)
class Slotted:
    """The same in slots."""

    a: int = 1


class Pair(typing.NamedTuple):
    """A tuple with names."""

    a: int = 1


class Model(pydantic.BaseModel):
    """A model with the same field."""

    a: int = 1


class Plain:
    """An object with the same attribute."""

    def __init__(self) -> None:
        self.a = 1


HOUR = datetime.timedelta(hours=1)
NOON = datetime.datetime(2024, 10, 27, 2, 30)
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

DISTINCT: list[object] = [
    1, 1.0, True, "1", b"1", 1 + 0j, Number(1), Text("1"), Small.ONE, Word.ONE, Decimal(1), Fraction(1),
    None, False, 0, 0.0, -0.0, "", b"", "None", ..., NotImplemented, float("nan"), float("inf"),
    2**63, 2**64, -(2**63), -(2**64), 2**200, "\ud800", "\udc00", "x" * 70_000, b"x" * 70_000,
    [], (), {}, set(), frozenset(), [1], (1,), {1}, frozenset({1}), [[1]], [(1,)], ([1],), [1, 1], [[], []],
    {1: 1}, {"1": 1}, {1: "1"}, {1: None}, {None: 1}, {(1,): 1}, [1.0], [True], ["1"], [b"1"],
    [Number(1)], [Small.ONE], [Word.ONE], [Text("1")], [Decimal(1)], [bytearray(b"1")],
    bytearray(b"1"), memoryview(b"1"), range(1), range(2), slice(1), slice(1, None, 2),
    collections.OrderedDict({1: 1}), collections.Counter({1: 1}), collections.defaultdict(None, {1: 1}),
    collections.defaultdict(list, {1: 1}), collections.deque([1]), collections.deque([1], 2),
    Left(), Right(), Left(2), Slotted(), Pair(), Model(), Plain(), Left(a="1"), Left, Right, int, bool,
    Decimal("1.0"), Decimal("1.00"), Decimal("-0"), Decimal("NaN"), Decimal("sNaN"), Decimal("1E+2"), Decimal(100),
    datetime.date(2024, 10, 27), NOON, NOON.replace(fold=1), NOON.replace(tzinfo=BERLIN),
    NOON.replace(tzinfo=BERLIN, fold=1), NOON.replace(tzinfo=datetime.timezone(HOUR)),
    NOON.replace(tzinfo=datetime.timezone(HOUR, "A")), NOON.replace(tzinfo=datetime.UTC),
    NOON.replace(tzinfo=zoneinfo.ZoneInfo("UTC")), NOON.time(), HOUR, datetime.timezone(HOUR), BERLIN,
    pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), pathlib.PosixPath("a"), uuid.UUID(int=1),
    re.compile("a"), re.compile(b"a"), re.compile("a", re.I),
    len, print, str.join, "a".join, "b".join, [1].append, [2].append, functools.partial(len, 1),
    functools.partial(len, 2), functools.partial(print, 1), functools.partial(print, sep="a"),
    lambda x: x, lambda x: x + 1, lambda x, y=1: x, lambda x, y=2: x, lambda *, y=1: y, lambda y: y,
]  # fmt: skip


def test_no_two_of_them_share_a_digest() -> None:
    """A table of values that differ in type or value, many of them equal by `==`."""
    seen: dict[str, object] = {}
    for value in DISTINCT:
        key = digest(value)
        assert key not in seen, (value, seen[key])
        seen[key] = value


def test_nor_inside_containers() -> None:
    """The same holds one level down, where lists of scalars are encoded in bulk."""
    wrapped = [[value] for value in DISTINCT] + [[0, value] for value in DISTINCT]
    wrapped += [{"k": value} for value in DISTINCT] + [(value,) for value in DISTINCT]  # type: ignore[misc]
    keys = [digest(value) for value in wrapped]
    assert len(set(keys)) == len(keys)


def test_items_of_long_lists_keep_their_type() -> None:
    """A list long enough for the bulk proof, with one item of another type in it."""
    base = list(range(5000))
    floats, texts = [float(i) for i in base], [str(i) for i in base]
    keys = {digest(values) for values in (base, tuple(base), floats, texts, [*base, 0])}
    for odd in (Number(77), Small.ONE, True, Decimal(77), 77.0, "77", None, 2**70, [77], bytearray(b"77")):
        changed = [*base[:77], odd, *base[78:]]
        keys |= {digest(changed), digest([*floats[:77], odd, *floats[78:]])}
    for odd in (Text("77"), Word.ONE, b"77", "\ud800", None):
        keys.add(digest([*texts[:77], odd, *texts[78:]]))
    assert len(keys) == 5 + 2 * 10 - 1 + 5  # 77.0 among the floats is no change


def test_the_scalar_path_gives_the_registrys_bytes() -> None:
    """`encode_scalar` agrees with `encode`, and knows nothing but exact scalars."""
    for value in DISTINCT:
        data = encode_scalar(value)
        if type(value) in (int, float, bool, str, bytes, type(None)):
            assert data == default_registry.encode(value).data
        else:
            assert data is None


def test_boundaries_between_parts_do_not_move() -> None:
    """Nothing that is a concatenation inside can be cut in two ways."""
    values = [
        ["ab", "c"],
        ["a", "bc"],
        ["abc"],
        [["ab"], "c"],
        [["ab", "c"]],
        {"ab": "c"},
        {"a": "bc"},
        [b"ab", "c"],
    ]
    assert len({digest(value) for value in values}) == len(values)
