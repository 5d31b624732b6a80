"""Calls that are right: no checker may refuse one, and each sees what the call gives."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, assert_type

from merkl import Future, evaluate, task


@dataclass(frozen=True)
class Point:
    x: float


class Row(TypedDict):
    a: int


@task
def number() -> int:
    return 1


@task
def text(a: int) -> str:
    return str(a)


@task
def mixed(a: int, b: str = "x") -> float:
    return 1.0


@task
def eight(a: int, b: str, c: float, d: bytes, e: bool, f: list[int], g: dict[str, int], h: Point) -> set[int]:
    return set()


@task
def ten(
    a: int, b: str, c: float, d: bytes, e: bool, f: list[int], g: dict[str, int], h: Point, i: int, j: str
) -> int:
    return 1


@task
def total(xs: Sequence[float]) -> float:
    return sum(xs)


@task
def keywords(a: int, *, b: str, c: int = 0) -> int:
    return a


@task
def numbers(*xs: int) -> int:
    return sum(xs)


@task
def first_and_rest(name: str, *xs: float, **more: int) -> list[float]:
    return list(xs)


@task
def named(**xs: int) -> int:
    return 1


@task
def optional(a: int | None, *, b: str | None = None) -> int | None:
    return a


@task
def mode(m: Literal["a", "b"], n: int = 0) -> int:
    return n


@task
def apply(f: Callable[[int], str], row: Row, rows: Iterable[Row] = ()) -> list[Row]:
    return []


@task
def key(f: Callable[[int], str], n: int = 0) -> str:
    return f(n)


@task
def wide(x: float, y: complex = 0j, m: Mapping[str, float] | None = None) -> float:
    return x


@task
def untyped(a, b=None):  # type: ignore[no-untyped-def]
    return a


@task
def positional(a: int, b: str, /) -> bool:
    return True


assert_type(number(), Future[int])
assert_type(text(1), Future[str])
assert_type(text(number()), Future[str])
assert_type(text(a=number()), Future[str])
assert_type(mixed(number()), Future[float])
assert_type(mixed(number(), text(1)), Future[float])
assert_type(mixed(1, text(1)), Future[float])
assert_type(mixed(number(), b=text(1)), Future[float])
assert_type(mixed(a=number(), b="x"), Future[float])
assert_type(mixed(1, "x"), Future[float])
assert_type(mixed(b="x", a=1), Future[float])
assert_type(
    eight(number(), "a", mixed(1), b"", True, [number(), 1], {"a": number()}, Point(1.0)), Future[set[int]]
)
assert_type(eight(number(), text(1), 1, b"", True, [1], {}, h=Point(1.0)), Future[set[int]])
assert_type(
    ten(number(), text(1), mixed(1), b"", True, [number()], {}, Point(1.0), number(), text(2)), Future[int]
)
assert_type(ten(1, "", 1.0, b"", True, [1], {}, Point(1.0), number(), j=text(1)), Future[int])
assert_type(total([1.0, mixed(1)]), Future[float])
assert_type(total([number(), 1]), Future[float])
assert_type(total((number(), mixed(1))), Future[float])
assert_type(total([mixed(i) for i in range(3)]), Future[float])
assert_type(keywords(1, b="x"), Future[int])
assert_type(keywords(number(), b=text(1), c=number()), Future[int])
assert_type(numbers(), Future[int])
assert_type(numbers(1, number(), 2), Future[int])
assert_type(numbers(*[1, 2]), Future[int])
assert_type(first_and_rest("n", 1, number(), mixed(1), size=number()), Future[list[float]])
assert_type(named(x=1, y=number()), Future[int])
assert_type(optional(None), Future[int | None])
assert_type(optional(number(), b=text(1)), Future[int | None])
assert_type(optional(optional(1)), Future[int | None])
assert_type(mode("a"), Future[int])
assert_type(mode("a", number()), Future[int])
assert_type(key(lambda x: str(x + 1), number()), Future[str])
assert_type(apply(str, {"a": number()}, [{"a": 1}]), Future[list[Row]])
assert_type(wide(number(), number()), Future[float])
assert_type(wide(1, 2.0, {"a": number()}), Future[float])
assert_type(positional(number(), text(1)), Future[bool])
untyped(1, text(1))
untyped(text(1), b=number())

arguments = {"a": 1}
assert_type(text(**arguments), Future[str])

assert_type(text(1).eval(), str)
assert_type(text(1).v, str)
assert_type(text.fn(1), str)
assert_type(text.run(1), str)
assert_type(text(1) > "text.txt", Future[str])
assert_type(text(1).write("text.txt"), Future[str])
assert_type(text(1).hash, str)
assert_type(evaluate(text(1)), str)


def plain(x: int) -> str:
    return str(x)


made = task(plain)
assert_type(made(number()), Future[str])


class Model:
    @task
    def fit(self, xs: list[float], rate: float = 0.1) -> float:
        return rate

    @staticmethod
    @task
    def score(x: float) -> float:
        return x

    @classmethod
    @task
    def load(cls, n: int, name: str = "") -> list[float]:
        return []


assert_type(Model().fit([1.0], mixed(1)), Future[float])
assert_type(Model.fit(Model(), [1.0]), Future[float])
assert_type(Model.score(mixed(1)), Future[float])
assert_type(Model().score(mixed(1)), Future[float])
Model.load(number(), text(1))
Model().load(1)
Model().fit(Model.load(1))

ready: Future[int] | int = number()
assert_type(text(ready), Future[str])


def either(x: bool) -> int | Future[int]:
    return 1 if x else number()


assert_type(text(either(True)), Future[str])


def anything() -> Any:
    return 1


text(anything())
mixed(anything(), anything())
handles: list[Future[str]] = [text(i) for i in range(3)]


@task
def join(xs: list[str], sep: str = ",") -> str:
    return sep.join(xs)


assert_type(join(handles), Future[str])
assert_type(join(handles, sep="-"), Future[str])
assert_type(join([text(1), "a"], text(2)), Future[str])
