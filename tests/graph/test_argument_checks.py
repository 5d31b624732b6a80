"""Arguments that are, or hold, Futures against their annotation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict

import pytest

from merkl import TypeMismatchError, task
from merkl.graph.checks import compile_argument_check


class Handle:
    """A Future as lower layers see it: nothing but its type may be touched."""

    def __init__(self, kind: Any) -> None:
        self.__dict__["type"] = kind

    def __merkl_key__(self) -> bytes:
        return b""

    def __getattr__(self, name: str) -> Any:
        raise (AttributeError if name.startswith("__") else RuntimeError)(name)


class Row(TypedDict):
    a: int


class Pair(NamedTuple):
    x: int
    y: str


@dataclasses.dataclass
class Config:
    rates: list[float]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (Handle(bool), int), (Handle(Any), int), ([Handle(int), 2], list[int]), ([Handle(int)], Sequence[float]),
        ({"a": Handle(int)}, Row), (Pair(Handle(int), "s"), Pair), (Config([Handle(int)]), Config),  # type: ignore[arg-type,list-item]
        ({"k": [Handle(int)]}, dict[str, list[int]] | None), ((Handle(int), 1), tuple[int, ...]),
    ],
)  # fmt: skip
def test_futures_of_fitting_types_pass(value: object, hint: Any) -> None:
    """A Future is taken for a value of its type, at any depth."""
    assert compile_argument_check(hint)(value, True) is None


@pytest.mark.parametrize(
    ("value", "hint", "path"),
    [
        (Handle(str), int, ""), ([1, Handle(str)], list[int], "item 1"), ([Handle(int), "a"], list[int], "item 1"),
        ({"a": Handle(str)}, Row, "key 'a'"), (Pair(Handle(str), "s"), Pair, "field 'x'"),  # type: ignore[arg-type]
        (Config([Handle(str)]), Config, "item 0 of field 'rates'"),  # type: ignore[list-item]
        ([Handle(int)], int, ""),
    ],
)  # fmt: skip
def test_futures_of_other_types_are_refused_where_they_stand(value: object, hint: Any, path: str) -> None:
    """The problem leads to the Future that doesn't fit."""
    problem = compile_argument_check(hint)(value, True)
    assert problem is not None
    assert problem.path == path


def test_each_of_the_variadic_arguments_is_checked() -> None:
    @task
    def varia(*xs: int, **more: int) -> int:
        return 0

    varia(1, 2, a=1, b=2)
    with pytest.raises(TypeMismatchError, match="item 1 of 'xs' is str, wanted int"):
        varia(1, "x")  # type: ignore[arg-type]
    with pytest.raises(TypeMismatchError, match="key 'b' of 'more' is str, wanted int"):
        varia(a=1, b="x")  # type: ignore[arg-type]
