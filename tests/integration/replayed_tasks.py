"""One task of every kind, for calls that are run again."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from merkl import (
    DirRef,
    FileRef,
    Future,
    Task,
    arg,
    bash_task,
    batch,
    call_seed,
    file_arg,
    out_file_arg,
    pipeline,
    stdout_arg,
    task,
)


@dataclass(frozen=True)
class Point:
    x: int


class Named(TypedDict):
    a: int
    b: str


@task
def double(x: int) -> int:
    return 2 * x


@batch(double, max_size=2)
def doubled(xs: list[int]) -> list[int]:
    return [2 * x for x in xs]


@batch
def marked(words: list[str], end: str = "!") -> list[str]:
    return [word + end for word in words]


@batch
async def awaited(words: list[str]) -> list[str]:
    await asyncio.sleep(0)
    return [word + "." for word in words]


@task
async def waits(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


echo = bash_task(f"echo {arg('n', int)} | tee {out_file_arg('copy', '.txt')} {stdout_arg(str)}")
shout = bash_task(f"tr a-z A-Z < {file_arg('text')} {stdout_arg(str)}")


class Model:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    @task
    def fit(self, x: int) -> int:
        return self.factor * x

    @staticmethod
    @task
    def plain(x: int) -> int:
        return x


@task
def pair(x: int) -> tuple[int, str]:
    return x, str(x)


@task
def named(x: int) -> Named:
    return {"a": x, "b": str(x)}


@task(outs=3)
def three(x: int) -> Any:
    return x, x + 1, x + 2


@task
def written(text: str) -> FileRef[Literal[".txt"]]:
    file: FileRef[Literal[".txt"]] = FileRef(suffix=".txt")
    file.write_text(text)
    return file


@task(outs=["a.txt", "sub/b.csv"])
def folder(text: str) -> DirRef:
    made = DirRef()
    (made.path / "sub").mkdir(parents=True)
    (made.path / "a.txt").write_text(text)
    (made.path / "sub" / "b.csv").write_text(text)
    return made


@task
def seeded(n: int) -> int:
    return call_seed() + n


@task
def effect(n: int) -> None:
    print(n)


@task
def gathered(lists: dict[str, list[int]]) -> int:
    return sum(sum(values) for values in lists.values())


@task
def varied(point: Point, *rest: int, **others: int) -> int:
    return point.x + sum(rest) + sum(others.values())


def adder(n: int) -> Task[..., Any, Any]:
    @task
    def add(x: int) -> int:
        return x + n

    return add


@pipeline
def piped(n: int) -> Generator[object, None, Future[int]]:
    first = double(n)
    yield first
    return gathered({"all": [first, waits(n)]})
