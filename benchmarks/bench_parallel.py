"""How much of two processes calls get: wall time beside the ideal, for calls of 1 and of 20 milliseconds, cache included.

    python benchmarks/bench_parallel.py [SECONDS]

The ideal is what two bare processes need that only run the bodies, measured in the same run: with other programs on the
machine it is not half of the sum. Each kind of call adds up to SECONDS (2) of work. Beside it, the same without a cache.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time

from merkl import Workspace, evaluate, task

ROUNDS = 3


def burn(seconds: float) -> None:
    """Use the processor for that long."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@task
def work(number: int, seconds: float) -> int:
    burn(seconds)
    return number


def burn_many(count: int, seconds: float) -> None:
    for _ in range(count):
        burn(seconds)


def ideal(count: int, seconds: float) -> float:
    """Wall time of two processes that share the bodies."""
    processes = [
        multiprocessing.get_context("forkserver").Process(target=burn_many, args=(count // 2, seconds))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    started = time.perf_counter()
    for process in processes:
        process.join()
    return time.perf_counter() - started


def ours(count: int, seconds: float, *, with_cache: bool) -> float:
    """Wall time of an evaluation on two processes that are there already."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Workspace(folder, target=2, is_reading=with_cache, is_writing=with_cache),
    ):
        evaluate([work(-i, 0.05) for i in range(1, 9)])
        calls = [work(i, seconds) for i in range(count)]
        started = time.perf_counter()
        evaluate(calls)
        return time.perf_counter() - started


def main() -> None:
    total = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    for seconds in (0.02, 0.001):
        count = int(total / seconds) // 2 * 2
        best = min(ideal(count, seconds) for _ in range(ROUNDS))
        print(f"{count} calls of {seconds * 1e3:g} ms: ideal {best:.3f} s")
        for with_cache in (True, False):
            took = min(ours(count, seconds, with_cache=with_cache) for _ in range(ROUNDS))
            name = "with the cache" if with_cache else "without a cache"
            print(f"  {name:<16} {took:.3f} s, {best / took:.0%} of ideal")


if __name__ == "__main__":
    main()
