"""Calls of tasks that have no name are checked as other calls are."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

NAMELESS = """
from enum import Enum
from typing import Any, Literal, Self, Sequence, TypeVar, overload
from merkl import Future, Task, task
T = TypeVar("T")
S = TypeVar("S")
@task
def inc(x: int) -> int: return x
@task
def first(xs: Sequence[T]) -> T: return xs[0]
@task
def nested(xs: list[list[int]]) -> int: return 1
@task
def named(xs: list[list[int]]) -> str: return "a"
def plain(xs: Sequence[T]) -> T: return xs[0]
def same(x: S) -> S: return x
@overload
def either(xs: list[int]) -> int: ...
@overload
def either(xs: list[str]) -> str: ...
@task
def either(xs: Any) -> Any: return xs[0]
class A:
    @task
    def generic(self, xs: Sequence[T]) -> T: return xs[0]
    @task
    def method(self, xs: list[list[int]]) -> int: return 1
    @classmethod
    @task
    def of_class(cls, xs: list[list[int]]) -> int: return 1
    @staticmethod
    @task
    def static(xs: list[list[int]]) -> int: return 1
    def itself(self) -> Self:
        reveal_type(self.method([[f]]))  # T: Future[int]
        self.method([["a"]])  # E: list-item
        return self
class AA(A): ...
class AB(A): ...
W = TypeVar("W", bound=AA | AB)
def through(cls: type[W], one: W) -> None:
    reveal_type(cls.method(one, [[f]]))  # T: Future[int]
    reveal_type(cls.method(held(one), [[f]]))  # T: Future[int]
    cls.method(f, [[f]])  # E: arg-type
def held(x: T) -> Future[T]: raise NotImplementedError
f = inc(1)
def use(flag: bool) -> None:
    reveal_type((first, inc)[0]([f]))  # T: Future[int]
    reveal_type((nested, 1)[0]([[f]]))  # T: Future[int]
    (nested, 1)[0]([["a"]])  # E: list-item
    reveal_type((first if flag else first)([f]))  # T: Future[int]
    reveal_type((nested if flag else named)([[f]]))  # T: Future[int] | Future[str]
    (nested if flag else nested)([["a"]])  # E: list-item
    reveal_type(task(plain)([f]))  # T: Future[int]
    reveal_type(same(nested)([[f]]))  # T: Future[int]
    reveal_type({"a": nested}["a"]([[f]]))  # T: Future[int]
    reveal_type((kept := nested)([[f]]))  # T: Future[int]
    reveal_type((either, 1)[0]([f]))  # T: Future[int]
    (either, 1)[0]([b"a"])  # E: list-item
    (either, 1)[0](f)  # E: call-overload
    reveal_type([task(plain)][0]([f]))  # T: Future[int]
    reveal_type(list[int]())  # T: list[int]
    chosen = nested if flag else named
    reveal_type(chosen([[f]]))  # T: Future[int] | Future[str]
    chosen([["a"]])  # E: list-item
    number = 1 if flag else 2
    number()  # E: operator
async def later(made: Any) -> None:
    async def make() -> Task[[list[list[int]]], int, Future[int]]: return nested
    reveal_type((await make())([[f]]))  # T: Future[int]
    reveal_type((await make())([[f]]).eval())  # T: int
class Colour(Enum):
    RED = 1
@task
def red(name: Literal["RED"], value: Literal[1]) -> int: return 1
red(Colour.RED.name, Colour.RED.value)
U = TypeVar("U", bound=A)
def of_variables(x: U, cls: type[U]) -> None:
    reveal_type(x.generic([f]))  # T: Future[int]
    reveal_type(x.method([[f]]))  # T: Future[int]
    reveal_type(cls.of_class([[f]]))  # T: Future[int]
    reveal_type(cls.static([[f]]))  # T: Future[int]
    x.method([["a"]])  # E: list-item
    cls.of_class([["a"]])  # E: list-item
class Other:
    @task
    def method(self, xs: list[list[int]]) -> str: return "a"
V = TypeVar("V", bound=A | Other)
def of_unions(x: V, y: A | Other) -> None:
    reveal_type(x.method([[f]]))  # T: Future[int] | Future[str]
    reveal_type(y.method([[f]]))  # T: Future[int] | Future[str]
    x.method([["a"]])  # E: list-item
class B(A):
    def use(self) -> None:
        reveal_type(super().method([[f]]))  # T: Future[int]
        reveal_type(super().generic([f]))  # T: Future[int]
        super().method([["a"]])  # E: list-item
    @classmethod
    def build(cls) -> None:
        reveal_type(super().of_class([[f]]))  # T: Future[int]
        reveal_type(cls.of_class([[f]]))  # T: Future[int]
"""


def test_calls_of_tasks_without_a_name(tmp_path: Path) -> None:
    """What is called may be any expression, or be reached through `super()`, `Self` or a type variable."""
    checked.check(tmp_path, {"nameless.py": NAMELESS})
