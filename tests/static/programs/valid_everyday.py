"""What users write day to day: every line is right, and no checker refuses one."""

import functools
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, NewType, Protocol, TypedDict, TypeVar

from merkl import Future, batch, evaluate, pipeline, task

T = TypeVar("T")
U = TypeVar("U")
B = TypeVar("B", bound="Base")
UserId = NewType("UserId", int)


class Base: ...


class Child(Base): ...


class Color(Enum):
    RED = 1


@dataclass(frozen=True)
class Settings:
    rate: float = 0.1
    layers: tuple[int, ...] = (1, 2)


class Point(NamedTuple):
    x: float
    y: float


class Options(TypedDict, total=False):
    a: int
    b: str


class Named(Protocol):
    @property
    def name(self) -> str: ...


class Thing:
    name: str = "x"


@task
def number(x: int = 0) -> int:
    return x


@task
def real(x: float | None = None, y: list[int] | None = None) -> float:
    return 0


@task
def text(x: int = 0) -> str:
    return ""


@task
def child() -> Child:
    return Child()


@task
def children() -> list[Child]:
    return []


@task
def user() -> UserId:
    return UserId(1)


@task
def load(path: str | Path, limit: int | None = None, *, sep: str = ",") -> list[dict[str, float]]:
    return []


@task
def merge(*parts: list[dict[str, float]], how: Literal["inner", "outer"] = "inner") -> list[dict[str, float]]:
    return []


@task
def fit(
    rows: Sequence[Mapping[str, float]], settings: Settings = Settings(), seed: int = 0, **extra: float
) -> Point:
    return Point(0, 0)


@task
def score(model: Point, rows: Iterable[Mapping[str, float]], color: Color = Color.RED) -> float:
    return 0.0


@task
def report(scores: dict[str, float], title: str = "t", options: Options | None = None) -> str:
    return ""


@task
def pick(xs: Sequence[T], index: int = 0) -> T:
    return xs[index]


@task
def pair(x: T, y: U) -> tuple[T, U]:
    return x, y


@task
def apply(f: Callable[[T], U], xs: Iterable[T]) -> list[U]:
    return [f(x) for x in xs]


@task
def bound(x: B) -> list[B]:
    return [x]


@task
def take_base(b: Base) -> Base:
    return b


@task
def take_bases(b: Sequence[Base]) -> int:
    return 0


@task
def take_mapping(m: Mapping[str, Base]) -> int:
    return 0


@task
def take_set(m: Set[int]) -> int:
    return 0


@task
def take_objects(*m: object) -> int:
    return 0


@task
def take_union(x: int | str | list[int] | None = None) -> int:
    return 0


@task
def take_pair(x: tuple[int, str], y: tuple[int, ...] = ()) -> int:
    return 0


@task
def take_nested(x: dict[str, list[tuple[int, float]]]) -> int:
    return 0


@task
def take_named(x: Named) -> str:
    return x.name


@task
def take_queue(d: deque[int]) -> int:
    return 0


@task
def take_counts(d: defaultdict[str, int]) -> int:
    return 0


@task
def make(kind: type[Thing]) -> Thing:
    return kind()


@task
async def fetch(url: str, retries: int = 3) -> bytes:
    return b""


@task(outs=["a", "b"])
def sides(x: int) -> dict[str, int]:
    return {}


@batch
def lengths(xs: list[str], scale: int = 1) -> list[int]:
    return []


@batch(max_size=10, retries=2)
async def fetched(xs: list[str]) -> list[int]:
    return []


def lengths_of(xs: list[str]) -> list[Future[int]]:
    return [*lengths(xs), *fetched(xs)]


@pipeline
def whole(paths: list[str], settings: Settings = Settings()) -> Future[float]:
    return score(fit(merge(*[load(p) for p in paths]), settings), load(paths[0]))


def study(paths: list[str]) -> Future[str]:
    parts = [load(p) for p in paths]
    rows = merge(*parts, how="outer")
    more = merge(load(Path("x")), load("y", 3), load("z", limit=None, sep=";"))
    model = fit(rows)
    other = fit(more, Settings(0.2), 3, alpha=1.0)
    third = fit(more, settings=Settings(), seed=number())
    scores = [score(model, rows), score(other, rows, Color.RED), score(model=third, rows=rows)]
    return report({"a": scores[0], "b": scores[1], "c": 1.0}, options={"a": number()})


take_base(child())
take_base(Child())
take_bases([child(), Base()])
take_bases(children())
take_bases((child(), Child()))
take_bases(bound(child()))
take_mapping({"a": child()})
take_mapping(OrderedDict(a=Child()))
take_set({1, 2})
take_set({number()})
take_set(frozenset({1}))
take_objects(1, "a", number(), [number()])
take_objects(*[1, 2])
take_union()
take_union(number())
take_union([number()])
take_union(apply(len, ["a"]))
take_pair((1, "a"), (1, 2))
take_pair((number(), text()))
take_nested({"a": [(number(), real())]})
take_nested({})
take_named(Thing())
take_named(make(Thing))
take_queue(deque([1]))
take_counts(defaultdict(int))
number(user())
number(UserId(1))
number(True)
real(number())
real(1, [number()])
real(None)
real(y=[number(), 2])
pick([1, 2], 1)
number(pick([number(), number()]))
pick(index=0, xs=[1])
number(pair(1, "x")[0])
left, right = pair(number(), 1.5)
real(right)
apply(str, [1, 2])
apply(float, [1, 2])
fetch("u", retries=number())
number(sides(1)["a"])
number(lengths(["a", text()], scale=2)[0])
real(whole(["a"]))
real(number() if Settings().rate else 2.0)
real({"a": number()}["a"])
real([number()][0])

models = [fit(load(p), seed=i) for i, p in enumerate(["a", "b"])]
scores = {p: score(m, load(p)) for p, m in zip(["a", "b"], models, strict=True)}
report(scores)
report({**scores, "z": 1.0}, "title")
handles: dict[str, Future[float]] = {}
for name in ["a", "b"]:
    handles[name] = score(models[0], load(name))
report(handles, title=name)
keywords: dict[str, Any] = {"sep": ";"}
load("a", **keywords)
value: float = evaluate(score(models[0], []))
values: list[float] = evaluate([score(models[0], [])])
functools.partial(fit, settings=Settings())(load("a"))
fit.bind(seed=3)(load("a"))
fit.map([load("a"), load("b")])
fit.grid(settings=[Settings(0.1), Settings(0.2)], rows=[load("a")])
ready: Future[int] | None = number() if models else None
if ready is not None:
    real(ready)
functools.reduce(lambda total, i: real(total), [1, 2], real(1))
chosen = {"n": number}["n"]
chosen(1)


def through(f: Callable[[int], Future[int]], n: int) -> Future[int]:
    return f(n)


through(number, 3)
through(lambda n: number(n), 3)


@functools.lru_cache
def cached(n: int) -> Future[int]:
    return number(n)


real(cached(3))


class Trainer(Generic[T]):
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @task
    def train(self, xs: list[float], *, epochs: int = 1) -> Point:
        return Point(0, 0)

    @task(retries=1)
    def judge(self, model: Point, xs: list[float]) -> dict[str, float]:
        return {}

    @staticmethod
    @task
    def load(n: int = 3) -> list[float]:
        return []

    def run(self) -> Future[dict[str, float]]:
        xs = self.load()
        return self.judge(self.train(xs, epochs=3), self.load(number()))


trainer: Trainer[int] = Trainer(Settings())
report(trainer.run())
report(trainer.judge(trainer.train([1.0]), [real(), 2.0]))
pick(trainer.load())
