"""A pipeline whose graph is kept beside the run of its body, a map over a list that is not known yet, and batches."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from typing import Any

from merkl import Workspace, batch, evaluate, pipeline, task


@task
def numbers(n: int) -> list[int]:
    """Give the numbers below n."""
    return list(range(n))


@task
def square(x: int) -> int:
    """Square one number."""
    return x * x


@task
def total(xs: list[int]) -> int:
    """Add them up."""
    return sum(xs)


@batch(square)
def squares(xs: list[int]) -> list[int]:
    """Square many numbers."""
    return [x * x for x in xs]


@pipeline
def sum_of_squares(n: int) -> Any:
    """Build a graph of n + 1 calls with one output."""
    return total([square(x) for x in range(n)])


def seconds(action: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main(n: int = 10_000) -> None:
    """Print ratios: machines differ, and so do moments."""
    with tempfile.TemporaryDirectory() as folder, Workspace(folder):
        evaluate(square(0))  # what is loaded at the first call
        built = seconds(lambda: sum_of_squares(n))
        given = seconds(lambda: sum_of_squares(n))
        print(f"pipeline of {n} calls: built in {built * 1000:.0f} ms, given again in {given * 1000:.1f} ms")
    with tempfile.TemporaryDirectory() as folder, Workspace(folder):
        static = seconds(lambda: evaluate(square.map(range(n))))
        building = seconds(lambda: square.map(range(n)))
        later = seconds(lambda: evaluate(square.map(numbers(2 * n))))
        print(f"map: {static / n * 1e6:.0f} µs a call; building alone {building / n * 1e6:.0f} µs")
        print(f"map over a Future of {2 * n}, half of it cached: {later / (2 * n) * 1e6:.0f} µs an item")
    with tempfile.TemporaryDirectory() as folder, Workspace(folder):
        batched = seconds(lambda: evaluate(squares(list(range(n)))))
        print(
            f"batch: {batched / n * 1e6:.0f} µs an item, {static / batched:.2f} times the speed of single calls"
        )


if __name__ == "__main__":
    main()
