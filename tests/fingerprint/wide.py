"""One task that reaches constants and classes of many kinds; prints its fingerprint, part by part."""

import abc
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import logging
import pathlib
import re
import sys
import typing
import uuid
import warnings

import msgspec
import numpy as np
import pydantic

from merkl import Workspace, task

log = logging.getLogger(__name__)


class Base(abc.ABC):
    @abc.abstractmethod
    def f(self): ...


class Sub(Base):
    def f(self):
        return {"a", "b", "c"}


Base.register(int)


@dataclasses.dataclass(slots=True, order=True, unsafe_hash=True)
class Data:
    x: int = 1
    names: frozenset = frozenset({"p", "q", "r"})


class Flags(enum.Flag):
    A = enum.auto()
    B = enum.auto()


class Model(pydantic.BaseModel):
    x: typing.Annotated[int, pydantic.Field(gt=0)] = 1
    d: dict[str, "Model"] = {}
    when: datetime.date | None = None


class Struct(msgspec.Struct, frozen=True):
    x: int = 1
    more: list[int] = msgspec.field(default_factory=list)


class Queue(collections.deque):
    pass


class Problem(Exception):
    pass


Named = collections.namedtuple("Named", "a b", defaults=[{"x", "y"}])
Made = dataclasses.make_dataclass("Made", [("x", int, 3)])
SETS = {frozenset({"a", "b"}), frozenset({"c"}), "z", 1, 2.5, (1, "q")}
OBJECTS = {Data(1), Data(2), Flags.A, Flags.B, Sub, len, datetime.date(2020, 1, 1)}
CONSTANTS = [
    np.arange(3),
    datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    decimal.Decimal("1.50"),
    uuid.UUID(int=5),
    pathlib.PurePosixPath("a/b"),
    re.compile("x+"),
    Data(),
    Model(),
    Struct(),
    Named(1),
    Made(),
    Queue([1], maxlen=3),
    Problem("no"),
    typing.Union[int, str],  # noqa: UP007 - another object than `int | str`
]
COMPARE = functools.cmp_to_key(lambda a, b: a - b)
VECTOR = np.vectorize(lambda x: x + 1)


@functools.singledispatch
def kind_of(x):
    return 0


@kind_of.register
def _(x: int):
    return 1


@kind_of.register
def _(x: str):
    return 2


@functools.lru_cache
def cached(x):
    return x


@task
def wide(x: int, m: Model | None = None) -> object:
    log.info("x")
    found = (Sub().f(), SETS, OBJECTS, CONSTANTS, kind_of(1), Flags.A | Flags.B, cached(2), COMPARE, VECTOR)
    return found, logging.DEBUG, collections.OrderedDict(a=1)


if __name__ == "__main__":
    warnings.simplefilter("error")
    with Workspace(sys.argv[1]):
        print(wide(1, Model(x=2)).hash, wide.fingerprint().digest.hex())
        for part in wide.fingerprint().components:
            print(part.kind, part.name.rpartition(".")[2], part.digest)
