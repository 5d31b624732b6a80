"""Pipelines, batches and the other ways to call: no checker refuses what is right."""

from collections.abc import Generator, Iterator
from typing import Any, assert_type

from merkl import Future, batch, evaluate, pipeline, task


@task
def number(n: int) -> int:
    return n


@task
def text(n: int) -> str:
    return str(n)


@task
def show(n: int) -> None:
    print(n)


@pipeline
def both(n: int = 1) -> tuple[Future[int], Future[str]]:
    return number(n), text(number(n))


@pipeline
def one() -> Future[int]:
    return number(1)


@pipeline
def staged(n: int) -> Generator[Future[Any], None, Future[str]]:
    first = number(n)
    yield first
    return text(first)


@pipeline
def ordered() -> Iterator[Future[Any]]:
    yield show(1)
    yield show(2)


@batch
def lengths(words: list[str]) -> list[int]:
    return [len(word) for word in words]


first, second = both(2)
assert_type(first, Future[int])
assert_type(second, Future[str])
assert_type(one(), Future[int])
assert_type(staged(1), Future[str])
text(one())
both(n=3)
ordered()
assert_type(lengths(["a", "b"]), list[Future[int]])
number(lengths(["a"])[0])
lengths([text(1), "a"])

assert_type(evaluate(text(1)), str)
evaluate([text(1), text(2)])
evaluate({"a": text(1)})
text.map([1, 2])
text.grid(n=[1, 2])
text.bind(n=1)()
chain = number | text
chain(1)
assert_type(one() | text, Future[str])
one() | number | text
with_path = text(1) > "out.txt"
assert_type(with_path, Future[str])
text.name
text(1).parents
text(1).in_cache()
