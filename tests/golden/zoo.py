"""One definition for every piece of syntax that Python 3.11 has, to be digested on every version."""

import functools
import math as m
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Optional, TypedDict, Union

LIMIT = 3
TABLE: dict[str, Callable[[int], int]] = {"inc": lambda x: x + 1, "dec": lambda x: x - 1}
NESTED = {"a": [1, 2.5, (3j, None, ...)], "b": {frozenset({1, 2})}, "c": b"\x00\xff", "d": "é\n"}


def f_strings(x: float, width: int = 8) -> str:
    return f"a{{b" f"{x!r:>{width}.{LIMIT}}" "tail" f"{x=}" f"{x:}" rf"\d{x}" f"{'nested' + f'{x}'}"


def literals() -> tuple[Any, ...]:
    return (1_000, 0xFF, 1e300, -0.0, 1j, "uv", r"\n", b"ab", ..., True, None, "\ud800")


def comprehensions(rows: list[list[int]]) -> object:
    total = [y for row in rows if row for y in row if (last := y) > LIMIT]
    return total, last, {x: y for x, y in enumerate(total)}, {x for x in total}, sum(x for x in total)


def matching(value: object) -> object:
    match value:
        case 0 | 1:
            return "small"
        case [first, *rest] if rest:
            return first, rest
        case {"k": k, **others}:
            return k, others
        case Point(x=0, y=y):
            return y
        case str() as text:
            return text
        case m.pi | None:
            return 1
        case _:
            return None


def statements(n: int, /, *args: int, flag: bool = False, **kwargs: int) -> int:
    """A docstring that is no part of it."""
    global COUNT
    total: int = 0
    COUNT = n
    while n > 0:
        n -= 1
        if n % 2:
            continue
        elif n == 5:
            break
        else:
            total += n
    else:
        total = ~total
    for a, (b, *c) in []:
        del a, b
    try:
        assert total, "no"
        raise ValueError("x") from None
    except (ValueError, TypeError) as error:
        total += len(str(error))
    finally:
        total <<= 1
    return total


def groups() -> int:
    count = 0
    try:
        raise ExceptionGroup("g", [ValueError()])
    except* ValueError as group:
        count = len(group.exceptions)
    return count


COUNT = 0


def with_and_lambda(path: Path) -> object:
    with open(path) as a, open(path) as b:
        first = lambda x, *y, k=LIMIT, **z: (x, y, k, z)  # noqa: E731
    return (
        first(a, b),
        a if b else None,
        not a,
        a is not b,
        1 < 2 <= 3,
        a @ b,
        [*a, *b],
        {**a, "k": 1},
        a[1:2, ::3],
    )


def closures() -> object:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return count

    class Inner(Base):
        total = count

        def __call__(self) -> int:
            return super().total + self.total

    return step, Inner


async def coroutine(xs: Any) -> object:
    async with xs as ys:
        async for y in ys:
            await y
    return [z async for z in ys], (yield_ := 1)


def generator() -> object:
    got = yield 1
    yield from [got]
    return got


def even(n: int) -> bool:
    return n == 0 or odd(n - 1)


def odd(n: int) -> bool:
    return n != 0 and even(n - 1)


class Base:
    total = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)


class Point(NamedTuple):
    x: int = 0
    y: Optional[int] = None


class Options(TypedDict, total=False):
    name: str
    size: Union[int, None]


@dataclass(frozen=True)
class Settings:
    """Docstring."""

    rate: float = 0.1
    """Docstring of a field."""
    layers: list[int] = field(default_factory=list)

    @property
    def double(self) -> float:
        return self.rate * 2

    @functools.cached_property
    def heavy(self) -> Path:
        return Path("x") / str(self.double)

    @classmethod
    def make(cls, **kwargs: Any) -> "Settings":
        return cls(**kwargs)


@functools.lru_cache(maxsize=None)
def cached(n: int) -> int:
    return n


@functools.singledispatch
def dispatched(x: object) -> int:
    return 0


@dispatched.register
def _(x: int) -> int:
    return 1


partial = functools.partial(statements, 3, flag=True)


def everything() -> object:
    return (
        f_strings, literals, comprehensions, matching, statements, groups, with_and_lambda, closures, coroutine,
        generator, even, Base, Point, Options, Settings(), Settings.make, cached, dispatched, partial, TABLE, NESTED,
    )  # fmt: skip
