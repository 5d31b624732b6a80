"""Generic tasks: right under all checkers; what a call gives is known to mypy and pyright alone, so it isn't asserted."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from merkl import Future, task

T = TypeVar("T")
K = TypeVar("K")
N = TypeVar("N", int, float)
S = TypeVar("S", bound=str)


@task
def number() -> int:
    return 1


@task
def text(a: int) -> str:
    return str(a)


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
def first(xs: Sequence[T]) -> T:
    return xs[0]


@task
def same(x: T) -> T:
    return x


@task
def group(xs: list[T], by: Callable[[T], K]) -> dict[K, list[T]]:
    return {by(x): [x] for x in xs}


@task
def add(a: N, b: N) -> N:
    return a + b


@task
def shout(s: S) -> list[S]:
    return [s]


@task
def swap(a: T, b: K) -> tuple[K, T]:
    return b, a


text(first([1, 2]))
text(first(numbers(2)))
first([number(), 1])
same(1)
same(text(1))
text(same(1))
group(numbers(3), str)
group([1, 2], str)
add(1, 2)
add(number(), number())
shout("a")
shout(text(1))
left, right = swap(1, "a")
text(right)
swap(number(), text(1))
made: list[Future[int]] = [number()]
first(made)
