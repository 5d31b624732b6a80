"""Digests of values and keys of calls, printed as JSON; run as a script by the test, under several Pythons."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import functools
import json
import pathlib
import re
import uuid
import zoneinfo
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict

import msgspec
import numpy as np
import pydantic

from merkl import digest, task


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Folder(pathlib.PurePosixPath):
    pass


class Pair(NamedTuple):
    a: int
    b: str


@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.5


class Shape(msgspec.Struct):
    name: str
    sides: list[int]


class Setting(pydantic.BaseModel):
    rate: float = 0.1
    tags: tuple[str, ...] = ()


class Plain:
    def __init__(self, value: object) -> None:
        self.value = value


class Parts(TypedDict):
    left: list[int]
    right: list[int]


LIMIT = 3


def helper(x: float) -> float:
    """Its docstring does not count."""
    return x * LIMIT


@task
def scale(x: float, factor: float = 2.0) -> float:
    return helper(x) * factor


@task
def split(xs: list[int]) -> Parts:
    return {"left": [x for x in xs if x < LIMIT], "right": [x for x in xs if x >= LIMIT]}


@task
def first(pair: Pair) -> int:
    return Pair(0, pair.b).a + pair.a


@task
def gather(items: Any, setting: Setting) -> int:
    return len(items)


def values() -> dict[str, object]:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    return {
        "none": None,
        "true": True,
        "int": 1,
        "big int": 2**80,
        "negative int": -(2**63),
        "float": 1.0,
        "negative zero": -0.0,
        "nan": float("nan"),
        "infinity": float("inf"),
        "complex": 1 + 2j,
        "str": "1",
        "surrogate": "\ud800",
        "bytes": b"1",
        "bytearray": bytearray(b"1"),
        "empty list": [],
        "list": [1, 2, 3],
        "mixed list": [1, "a", None, 2.5],
        "tuple": (1, 2, 3),
        "set": {"a", "b", "c"},
        "frozenset": frozenset({1, (2, 3)}),
        "dict": {"a": 1, "b": [1, 2]},
        "dict of ints": {1: "a", 2: "b"},
        "ordered dict": collections.OrderedDict(a=1, b=2),
        "range": range(1, 10, 3),
        "date": datetime.date(2024, 2, 29),
        "datetime": datetime.datetime(2024, 2, 29, 12, 30, 15, 7),
        "aware datetime": datetime.datetime(2024, 10, 27, 2, 30, tzinfo=berlin, fold=1),
        "timedelta": datetime.timedelta(days=1, microseconds=5),
        "decimal": decimal.Decimal("1.00"),
        "fraction": fractions.Fraction(1, 3),
        "uuid": uuid.UUID(int=5),
        "path": pathlib.PurePosixPath("a/b"),
        "pattern": re.compile("a+", re.IGNORECASE),
        "enum": Colour.RED,
        "int enum": Level.LOW,
        "named tuple": Pair(1, "x"),
        "dataclass": Point(1),
        "struct": Shape("square", [1, 1, 1, 1]),
        "model": Setting(tags=("a",)),
        "object": Plain([1, Plain(None)]),
        "partial": functools.partial(max, 1, key=abs),
        "builtin": len,
        "numpy function": np.sum,
        "type form": Literal["a", 1],
        "path of a class": Folder("a/b"),
        "class": Point,
        "array": np.arange(6, dtype="int32").reshape(2, 3),
        "fortran array": np.asfortranarray(np.arange(6, dtype="int32").reshape(2, 3)),
        "float array": np.linspace(0, 1, 5),
        "datetime array": np.array(["2024-01-01"], dtype="datetime64[s]"),
        "numpy scalar": np.float64(1.0),
        "long list": list(range(100_000)),
        "large array": np.zeros(100_000),
    }


def keys() -> dict[str, str]:
    parts = split([1, 5])
    return {
        "constants": scale(1).hash,
        "default given": scale(1, factor=3.0).hash,
        "future": scale(scale(1)).hash,
        "named out": parts["left"].hash,
        "nested": gather([parts["left"], {"k": (scale(2), Point(1))}], Setting()).hash,
        "helper": digest(helper),
        "field of a named tuple": first(Pair(1, "x")).hash,
    }


if __name__ == "__main__":
    print(json.dumps({"values": {name: digest(value) for name, value in values().items()}, "keys": keys()}))
