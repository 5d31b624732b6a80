"""Calls of generic tasks inside of each other: the plugin's work grows with their depth, and does not double with each level."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from merkl_mypy.calls import CallChecker
from mypy import api
from mypy.plugin import FunctionSigContext, MethodSigContext
from mypy.types import FunctionLike

PRELUDE = """
from dataclasses import dataclass
from typing import Callable, Generic, TypeVar, overload
from merkl import Future, task
T = TypeVar("T")
S = TypeVar("S")
@task
def ident(x: T) -> T: return x
@task
def first(x: list[T]) -> T: return x[0]
@task
def wrap(x: T, *, y: object = 1) -> list[T]: return [x]
@task
def inc(x: int) -> int: return x
@overload
def over(x: int) -> int: ...
@overload
def over(x: list[T]) -> list[T]: ...
@task
def over(x: int | list[T]) -> int | list[T]: return x
class Of(Generic[T]):
    def __init__(self, x: T) -> None: ...
    @task
    def made(self, x: S) -> dict[str, S]: return {"a": x}
@dataclass
class Box(Generic[T]):
    x: T
of = Of(1)
flag = True
f: Future[int]
"""

# A level around what is inside of it.
SHAPES = [
    "ident({})",
    "first([ident({})])",
    "first([f, ident({})]) if f is f else f",
    "[1, ident({})]",
    "first([ident({}), 1])",
    "ident(({}, 1))",
    "ident({{'a': {}}})",
    "ident([{} for _ in range(2)])",
    "ident({{'a': {} for _ in range(2)}})",
    "inc({} if flag else 1)",
    "over([{}])",
    "over(over({}))",
    "of.made({})",
    "ident(Box({}))",
    "ident(list([{}]))",
    "wrap(y=[1], x={})",
    "ident([*[{}]])",
]


def test_levels_do_not_multiply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times as deep, the calls are looked at no more than sixteen times as often: doubling gives 256 times."""
    asked: Counter[int] = Counter()
    check = CallChecker.signature

    def counted(self: CallChecker, ctx: FunctionSigContext | MethodSigContext) -> FunctionLike:
        asked[ctx.context.line] += 1
        return check(self, ctx)

    monkeypatch.setattr(CallChecker, "signature", counted)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = merkl_mypy\n")
    found: dict[int, Counter[int]] = {}
    for depth in (4, 12):
        (tmp_path / "deep.py").write_text(PRELUDE + "\n".join(_nested(shape, depth) for shape in SHAPES))
        asked.clear()
        # The cache that other tests of this run have filled, where they ran before.
        cache = tmp_path.parent / "mypy_cache"
        said, _, _ = api.run(["--strict", "--no-error-summary", f"--cache-dir={cache}", "deep.py"])
        assert not said
        found[depth] = Counter(asked)
    first = PRELUDE.count("\n") + 1
    for line, shape in enumerate(SHAPES, first):
        assert 0 < found[12][line] <= 16 * found[4][line], shape


def _nested(shape: str, depth: int) -> str:
    value = "f"
    for _ in range(depth):
        value = shape.format(value)
    return f"out{SHAPES.index(shape)} = {value}"
