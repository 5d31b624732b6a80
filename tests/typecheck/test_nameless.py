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

MANY_WAYS = """
from typing import Any, Callable, Self, TypeVar, overload
from merkl import Future, task
C = TypeVar("C", bound=Callable[..., Any])
A = TypeVar("A", bound="Made")
@task
def inc(x: int) -> int: return x
class Made:
    @overload
    def __init__(self, x: int) -> None: ...
    @overload
    def __init__(self, x: str) -> None: ...
    def __init__(self, x: Any) -> None: ...
    @staticmethod
    @task
    def static(xs: list[int]) -> int: return 1
    @classmethod
    @task
    def of_class(cls, xs: list[int]) -> int: return 1
    @task
    def method(self, xs: list[int]) -> int: return 1
    @overload
    def register(self, x: C, *, n: int = 0) -> C: ...
    @overload
    def register(self, x: None = None, *, n: int = 0) -> int: ...
    @task
    def register(self, x: Any = None, *, n: int = 0) -> Any: return x
    def others(self, other: Self, f: Future[Callable[[int], str]]) -> Self:
        reveal_type(other.register(f))  # T: Future[def (int) -> str]
        other.register(inc(1))  # E: call-overload
        return self
class Meta(type):
    @task
    def of_meta(cls, x: int) -> int: return x
class K(metaclass=Meta): ...
@task
def made(x: int) -> Made: return Made(x)
@task
def class_of(x: int) -> type[K]: return K
reveal_type(Made.static([1, inc(2)]))  # T: Future[int]
reveal_type(Made.of_class([1, inc(2)]))  # T: Future[int]
reveal_type(Made.method(made(1), [1, inc(2)]))  # T: Future[int]
Made.static([1, "a"])  # E: list-item
Made.of_class([1, "a"])  # E: list-item
Made.method(made(1), [inc(1), "a"])  # E: list-item
Made.method(inc(1), [1])  # E: arg-type
reveal_type(Meta.of_meta(class_of(1), inc(1)))  # T: Future[int]
Meta.of_meta(class_of(1), "a")  # E: arg-type
def through(one: A, f: Callable[[int], str], g: Future[Callable[[int], str]]) -> None:
    reveal_type(one.register(f))  # T: Future[def (int) -> str]
    reveal_type(one.register(g, n=inc(1)))  # T: Future[def (int) -> str]
    one.register(g, n="a")  # E: call-overload
"""


def test_calls_of_tasks_without_a_name(tmp_path: Path) -> None:
    """What is called may be any expression, or be reached through `super()`, `Self` or a type variable."""
    checked.check(tmp_path, {"nameless.py": NAMELESS})


def test_classes_that_are_made_in_several_ways_and_overloaded_methods_of_variables(tmp_path: Path) -> None:
    """mypy has no name for what is read off a class with an overloaded constructor, such as any metaclass."""
    checked.check(tmp_path, {"ways.py": MANY_WAYS})


ONLY_CALLS = """
from typing import TypeVar
from merkl import Future, task
T = TypeVar("T")
def same(x: T) -> T: raise NotImplementedError
def calls(f: Future[bytes]) -> None:
    task(same)(f).v.upper()
    task(same)(f, 1)  # E: call-arg
def reveals(f: Future[bytes]) -> None:
    reveal_type([task(same)][0]([f]))  # T: Future[list[bytes]]
"""


def test_functions_in_which_there_are_nothing_but_calls(tmp_path: Path) -> None:
    """The first thing that mypy asks about in such a module is what has to be named by then."""
    checked.check(tmp_path, {"calls.py": ONLY_CALLS})
