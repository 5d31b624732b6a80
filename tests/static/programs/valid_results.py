"""What a call gives: one Future, a tuple of them, or one for each key."""

import collections
from collections.abc import Mapping
from typing import Any, NamedTuple, NotRequired, TypedDict, assert_type

from merkl import Future, task


class Row(TypedDict):
    a: int
    b: NotRequired[str]


class Pair(NamedTuple):
    x: int
    y: str


@task
def text(a: int) -> str:
    return str(a)


@task
def single(a: int) -> tuple[int]:
    return (a,)


@task
def split(a: int) -> tuple[int, str]:
    return a, ""


@task(validate="all", retries=2)
def split_with_options(a: int) -> tuple[int, str, float]:
    return a, "", 1.0


@task
def eight(a: int) -> tuple[int, str, int, str, int, str, int, bytes]:
    return a, "", a, "", a, "", a, b""


@task
def many(a: int) -> tuple[int, ...]:
    return (a,)


@task
def pair(a: int) -> Pair:
    return Pair(a, "")


@task
def row(a: int) -> Row:
    return {"a": a}


@task(cache_in_memory=True)
def row_with_options(a: int) -> Row:
    return {"a": a}


@task
def table(a: int) -> dict[str, int]:
    return {"a": a}


@task
def ordered(a: int) -> collections.OrderedDict[str, int]:
    return collections.OrderedDict(a=a)


@task
def mapping(a: int) -> Mapping[str, int]:
    return {"a": a}


@task
async def later(a: int) -> bytes:
    return b""


@task
def nothing(a: int) -> None:
    return None


@task
def union(a: int) -> int | str | None:
    return a


@task
def nested(a: int) -> list[tuple[int, str]]:
    return [(a, "")]


@task(outs=1)
def kept(a: int) -> tuple[int, str]:
    return a, ""


@task(outs=2)
def counted(a: int) -> Any:
    return a, ""


@task(outs=["left", "right"])
def sides(a: int) -> Any:
    return {"left": a, "right": a}


assert_type(single(1), tuple[Future[int]])
assert_type(split(1), tuple[Future[int], Future[str]])
assert_type(split_with_options(1), tuple[Future[int], Future[str], Future[float]])
assert_type(eight(1)[7], Future[bytes])
assert_type(many(1), Future[tuple[int, ...]])
assert_type(pair(1), Future[Pair])
assert_type(table(1), Future[dict[str, int]])
assert_type(ordered(1), Future[collections.OrderedDict[str, int]])
assert_type(mapping(1).eval(), Mapping[str, int])
assert_type(later(1), Future[bytes])
assert_type(nothing(1), Future[None])
assert_type(union(1), Future[int | str | None])
assert_type(nested(1), Future[list[tuple[int, str]]])
assert_type(kept(1), Future[tuple[int, str]])

number, word = split(1)
assert_type(number, Future[int])
assert_type(word, Future[str])
text(number)
text(split(1)[0])
text(row(1)["a"])
text(row_with_options(1)["a"])
for handle in counted(1):
    text(handle)
text(sides(1)["left"])
