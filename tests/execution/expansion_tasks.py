"""Tasks and pipelines whose calls are known only while others run; each body leaves a line in `LOG`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from merkl import Future, batch, pipeline, task


def note(line: str) -> None:
    with open(os.environ["EXPANSION_LOG"], "a") as log:
        log.write(f"{line}\n")


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
def square(x: int) -> int:
    note(f"square {x}")
    return x * x


@batch(square)
def squares(xs: list[int]) -> list[int]:
    for x in xs:
        note(f"square {x}")
    return [x * x for x in xs]


@task
def refuse(x: int) -> int:
    note(f"refuse {x}")
    if x == 1:
        raise ValueError("one is refused")
    return x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@pipeline
def written(x: int) -> Future[int]:
    result = square(x)
    result.write(f"square-{x}.txt", sidecar=False)
    return result


@pipeline
def later_stage() -> Iterator[Any]:
    """A call of the second stage is one that the first turns out to need."""
    mapped = square.map(numbers(3))
    yield mapped
    one = square(1)
    yield one
    return [total(mapped), one]
