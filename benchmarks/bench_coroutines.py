"""What an `async def` call costs, beside a plain call of MerkL and a bare coroutine, in the same run.

Run it as `python benchmarks/bench_coroutines.py [CALLS]`; figures are µs a call of processor time, medians of five rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from merkl import Workspace, evaluate, task

ROUNDS = 5


@task
async def waiting(x: int) -> int:
    await asyncio.sleep(0)
    return x


@task
def plain(x: int) -> int:
    return x


async def _bare(count: int) -> list[int]:
    limit = asyncio.Semaphore(500)

    async def one(x: int) -> int:
        async with limit:
            return await waiting.fn(x)

    return await asyncio.gather(*(one(x) for x in range(count)))


def _cold(make: Callable[[int], Any], count: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Workspace(folder):
        evaluate([make(x) for x in range(count)])


def _microseconds(run: Callable[[], Any], count: int) -> float:
    started = time.process_time()
    run()
    return (time.process_time() - started) / count * 1e6


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    runs: dict[str, Callable[[], Any]] = {
        "a bare coroutine": lambda: asyncio.run(_bare(count)),
        "a plain call, cold": lambda: _cold(plain, count),
        "a coroutine call, cold": lambda: _cold(waiting, count),
    }
    figures: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            figures[name].append(_microseconds(run, count))
    for name, taken in figures.items():
        sys.stdout.write(f"{name:24} {statistics.median(taken):7.1f} µs\n")


if __name__ == "__main__":
    main()
