"""Arguments of odd shapes: recursive aliases, unpacked, named on the spot, picked from a display."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

PRELUDE = """
from dataclasses import dataclass
from typing import Any, Callable, Generic, NamedTuple, Required, Sequence, TypedDict, TypeVar, Union, Unpack
from merkl import Future, task
T = TypeVar("T")
S = TypeVar("S")
Nested = Union[int, list["Nested"]]
Json = Union[None, bool, int, str, list["Json"], dict[str, "Json"]]
@dataclass
class Item(Generic[T]):
    item: T
class Row(NamedTuple):
    a: int
class Point(TypedDict):
    x: int
    y: str
class Loose(TypedDict, total=False):
    x: int
    y: str
    z: str
class Scale(Generic[T]):
    def __init__(self, by: T) -> None: ...
    def __call__(self, x: T, xs: Sequence[T] = ()) -> T: return x
@task
def inc(x: int) -> int: return x
@task
def text(x: int) -> str: return "a"
@task
def json(x: Json, y: object = 1) -> int: return 1
@task
def nested(x: Nested, y: object = 1) -> int: return 1
@task
def items(x: Item[int], xs: list[int] = [], p: Point | None = None) -> int: return 1
@task
def row(x: Row, *more: Row) -> int: return 1
@task
def loose(**options: Unpack[Loose]) -> int: return 1
@task
def first(x: Item[T]) -> T: return x.item
f, s = inc(1), text(1)
"""

RECURSIVE = """
class Of(Generic[T]):
    def __init__(self, x: T) -> None: ...
    @task
    def made(self, a: type[S], *, x: Json) -> S | None: return None
    @task
    def kept(self, x: Nested, xs: list[Json]) -> Nested: return x
@task
def a_json() -> Json: return 1
@task
def a_nested() -> Nested: return 1
of, j, n = Of(1), a_json(), a_nested()
reveal_type(of.made(int, x=[2, None]))  # T: Future[int | None]
reveal_type(of.made(int, x={"a": j, "b": [f, s]}))  # T: Future[int | None]
of.made(int, x={"a": f, "b": {f, s}})  # E: dict-item
of.kept([n, 1, [f]], [j, f, [s, None]])
of.kept([s], [])  # E: list-item
of.kept(1, [[f, object()]])  # E: list-item
json([f, {"a": j}])
nested([f, [n]])
nested([f, [s]])  # E: list-item
nested(j)  # E: arg-type
for each in [n, n]:
    nested(each)
for one in [j, s]:
    json(one)
nested((kept := [n, 1]))
"""

PLACES = """
items(Item[int](f))
items(Item[int](s))  # E: arg-type
reveal_type(first(Item[int](f)))  # T: Future[int]
items(Item[int](1), list[int]([f]))
items(Item[int](1), list[int]([s]))  # E: list-item
items((one := Item(f)))
items((two := Item(s)))  # E: arg-type
items(Item(1), (numbers := [f, 1]))
items(Item(1), numbers)
items(Item(1), [], (point := Point(x=f, y=s)))
items(Item(1), [], (other := Point(x=f, y=f)))  # E: typeddict-item
items(Item(1), [], (shown := {"x": 1, "y": "a"}))  # E: arg-type
row([Row(f), Row(1)][0])
row((Row(f), 2)[0])
row({"a": Row(s)}["a"])  # E: arg-type
row(*[Row(f)])
row(*(Row(f), Row(2)))
row(*[Row(s)])  # E: arg-type
row(Row(1), *[Row(f) for _ in range(2)])
[row(*[Row(f)]) for _ in range(2)]
loose(**Point(x=f, y=s))
loose(**Point(x=s, y=s))  # E: typeddict-item
[loose(**Point(x=f, y="a")) for _ in range(2)]
"""

CONTEXTS = """
def said(x: int) -> str: return "a"
@task
def maybe(fn: Callable[[T], str]) -> T | None: return None
@task
def both(a: tuple[T, T], b: dict[str, T]) -> T | None: return a[0]
one: Future[int | None] = maybe(said)
def two() -> Future[int | None]: return both((1, "a"), {"a": f})  # E: misc
three: Future[int | None] | None = maybe(said)
scale = task(Scale(2))
reveal_type(scale(f, [f, 1]))  # T: Future[int]
scale("a")  # E: arg-type
reveal_type(task(Scale("a"))(s))  # T: Future[str]
"""


INSIDE = """
@task
def wrap(x: T) -> list[T]: return [x]
class Of(Generic[T]):
    @task
    def wrapped(self, x: S) -> list[S]: return [x]
    def go(self, x: T) -> None:
        items(Item(1), *[wrap(x)])  # E: arg-type
@task
def sequences(xs: list[Sequence[float]], y: tuple[list[float], list[object]] | None = None) -> int: return 1
of: Of[int] = Of()
nested([f, wrap(f)])
nested([1, wrap(wrap(f)), of.wrapped(f)])
nested([1, wrap(s)])  # E: arg-type
sequences([wrap(f), wrap(1.0)], (wrap(f), of.wrapped(f)))
sequences([wrap("a"), wrap(1)])  # E: arg-type
sequences([text(1)])  # E: list-item
nested([(named := f), (named := 1)])  # E: assignment
nested([(kept := f), [(kept := s)]])  # E: assignment # E: list-item
json({"a": (both := f), "b": [(both := inc(1))]})
wrap(*[missing], 1)  # E: call-arg # E: name-defined
wrap(*[missing])  # E: name-defined
"""


def test_recursive_aliases(tmp_path: Path) -> None:
    """In methods of generic classes too, where mypy opens the alias; and where values and Futures are joined."""
    checked.check(tmp_path, {"recursive.py": PRELUDE + RECURSIVE})


def test_displays_and_objects_in_odd_places(tmp_path: Path) -> None:
    """`Item[int](f)`, what a walrus names, an item of a display, and what is unpacked on the spot."""
    checked.check(tmp_path, {"places.py": PRELUDE + PLACES})


def test_what_is_wanted_of_a_call(tmp_path: Path) -> None:
    """The context of a call settles type variables as it does for the plain function, and so does `task(Scale(2))`."""
    checked.check(tmp_path, {"contexts.py": PRELUDE + CONTEXTS})


def test_what_is_wanted_inside_of_displays(tmp_path: Path) -> None:
    """A generic call in a display is inferred as its plain function; what a `:=` and a star have in them is looked at."""
    checked.check(tmp_path, {"inside.py": PRELUDE + INSIDE})
