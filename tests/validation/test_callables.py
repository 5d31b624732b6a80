"""Protocols and callables as run-time checks: never a refusal of what mypy accepts, and what is lacking is named."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, ItemsView
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, SupportsRound, TypeVar, overload

import numpy as np
import pytest
from numpy.typing import NDArray

from merkl.validation import validate_value

P = ParamSpec("P")
T = TypeVar("T")


class Runs(Protocol):
    def run(self, n: int) -> int: ...


class RunsOrNot(Protocol):
    def run(self, n: int = 0, *, loud: bool = False) -> int: ...


class RunsAll(Protocol):
    def run(self, *numbers: int) -> int: ...


class Called(Protocol):
    def __call__(self, n: int) -> int: ...


class Overloaded(Protocol):
    @overload
    def run(self, n: int) -> int: ...
    @overload
    def run(self, n: str) -> str: ...


class Holds(Protocol[T]):
    content: list[T]


class Named(Protocol):
    @property
    def name(self) -> str: ...


class OtherName:
    def run(self, number: int) -> int:
        return number


class ForAnything:
    def run(self, n: Any) -> Any:
        return n


class Static:
    @staticmethod
    def run(n: int) -> int:
        return n


class Tight:
    def run(self, n: int, more: int) -> int:
        return n + more


class Box(Generic[T]):
    def __init__(self, content: Any) -> None:
        self.content = content


class Computed:
    name = property(lambda self: 1 / 0)


class Wrong:
    name = 3


class Slotted:
    __slots__ = ("name",)

    def __init__(self) -> None:
        self.name = "slotted"


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return function(*args, 1)

    return call


@decorated
def two(a: int, b: int) -> int:
    return a + b


def three(a: int, b: int, c: int) -> int:
    return a + b + c


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (1.5, SupportsRound[int]),
        (OtherName(), Runs),
        (Static(), Runs),
        (ForAnything(), Overloaded),
        (range(3), Runs | range),
        (len, Called),
        (two, Called),
        (lambda n: n, Called),
        (functools.partial(three, 1, b=2), Callable[[int], int]),
        (functools.partial(three, 1), Callable[[], int]),
        (three, Callable[Concatenate[int, P], int]),
        (three, Callable[P, int]),
        (OtherName().run, Callable[[int], int]),
        (OtherName.run, Callable[[OtherName, int], int]),
        (OtherName, Callable[[], OtherName]),
        (Box([1]), Holds[int]),
        (Computed(), Named),
        (Slotted(), Named),
        (io.StringIO(), Named | io.StringIO),
        ({"a": 1}.items(), ItemsView[str, int]),
        (np.zeros(2), NDArray[Any]),
        (np.zeros((2, 3)), np.ndarray[tuple[int, int], np.dtype[Any]]),
    ],
)
def test_what_mypy_accepts_passes(value: Any, hint: Any) -> None:
    assert validate_value(value, hint, items="all") is None


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        (1, Runs, "'it' is int, which has no method 'run', wanted Runs"),
        (Tight(), Runs, "'it' is Tight, whose method 'run' cannot be called with 1 argument, wanted Runs"),
        (OtherName(), RunsOrNot, "whose method 'run' cannot be called with 0 arguments"),
        (OtherName(), RunsAll, "whose method 'run' cannot be called with any number of arguments"),
        (1, Called, "'it' is int, which has no method '__call__', wanted Called"),
        (three, Called, "whose method '__call__' cannot be called with 1 argument"),
        (three, Callable[[int], int], "'it' is function, which cannot be called with 1 argument, wanted"),
        (Box, Callable[[], Any], "'it' is the class Box, which cannot be called with 0 arguments"),
        (Box(["a"]), Holds[int], "item 0 of attribute 'content' of 'it' is str, wanted int"),
        (OtherName(), Holds[int], "'it' is OtherName, which has no attribute 'content', wanted Holds[int]"),
        (Wrong(), Named, "attribute 'name' of 'it' is int, wanted str"),
        ({1: 1}.items(), ItemsView[str, int], "item 0 of an item of 'it' is int, wanted str"),
        (np.zeros(2), np.ndarray[tuple[int, int], np.dtype[Any]], "is an array of 1, wanted"),
    ],
)
def test_what_is_lacking_is_named(value: Any, hint: Any, message: str) -> None:
    problem = validate_value(value, hint, items="all")
    assert problem is not None
    assert message in problem.message("it")
