"""What a call costs: import, building, keys, memory, cold and warm runs, beside a hand-written floor.

    python benchmarks/bench_calls.py [N] [--cpu]

With `--cpu` it is processor time that counts, that of all threads: for a machine on which other programs run.

The floor is one SHA-256 and one small object for each call, one SQLite row for each result in one transaction, one
lookup when warm; it keeps no history, checks nothing and commits once. Both run in this process, one after the other,
so that their ratio holds when the machine's speed drifts.

What a process takes to start is that of compiled modules: an editable install is compiled when it is first imported, and
never where PYTHONDONTWRITEBYTECODE is set (`python -m compileall merkl` then halves these figures).
"""

from __future__ import annotations

import hashlib
import pickle
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from merkl import Future, Workspace, evaluate, task

ROUNDS = 5


@task
def increment(x: int) -> int:
    return x + 1


class Floor:
    """The least that the same work costs in plain Python and SQLite."""

    def __init__(self, folder: str) -> None:
        self.database = sqlite3.connect(f"{folder}/floor.db")
        self.database.execute("pragma journal_mode=wal")
        self.database.execute("pragma synchronous=normal")
        self.database.execute("create table results(k blob primary key, v blob) without rowid")

    def build(self, n: int) -> list[tuple[bytes, int]]:
        code = hashlib.sha256(increment.fn.__code__.co_code).digest()
        key, calls = b"", []
        for i in range(n):
            key = hashlib.sha256(code + key).digest()
            calls.append((key, i))
        return calls

    def cold(self, calls: list[tuple[bytes, int]]) -> None:
        rows = []
        for key, x in calls:
            if self.database.execute("select v from results where k=?", (key,)).fetchone() is None:
                rows.append((key, pickle.dumps(increment.fn(x), 5)))
        self.database.executemany("insert into results values (?, ?)", rows)
        self.database.commit()

    def warm(self, calls: list[tuple[bytes, int]]) -> None:
        for key, _ in calls:
            pickle.loads(self.database.execute("select v from results where k=?", (key,)).fetchone()[0])


def chain(n: int) -> list[Future[int]]:
    """A chain of calls, each with its key."""
    calls: list[Future[int]] = []
    value: Any = 0
    for _ in range(n):
        value = increment(value)
        calls.append(value)
    for call in calls:
        assert call.hash
    return calls


clock = time.process_time if "--cpu" in sys.argv else time.perf_counter


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    started = clock()
    result = action()
    return clock() - started, result


def one_round(n: int, seen: dict[str, list[float]]) -> None:
    """Time each step once, ours and the floor's, on a fresh cache."""

    def note(name: str, seconds: float) -> None:
        seen.setdefault(name, []).append(seconds / n * 1e6)

    with tempfile.TemporaryDirectory() as folder, Workspace(folder) as workspace:
        floor = Floor(folder)
        increment(-1).eval()
        seconds, rows = timed(lambda: floor.build(n))
        note("floor: build", seconds)
        seconds, calls = timed(lambda: chain(n))
        note("build and key", seconds)
        note("floor: cold", timed(lambda: floor.cold(rows))[0])
        note("cold, last value", timed(calls[-1].eval)[0])
        workspace.cache.flush()
        note("floor: warm, all", timed(lambda: floor.warm(rows))[0])
        again = chain(n)
        note("warm, all values", timed(lambda: evaluate(again))[0])
        note("warm, last value (with building)", timed(lambda: chain(n)[-1].eval())[0])
        floor.database.close()


def memory_of_a_call(n: int) -> float:
    """Bytes that one call of a chain holds."""
    chain(10)
    tracemalloc.start()
    calls = chain(n)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size / len(calls)


def peak_of_a_call(n: int) -> float:
    """Bytes that one of many calls takes while all of them are evaluated, results included."""
    evaluate([increment(-i) for i in range(10)])
    tracemalloc.start()
    evaluate([increment(i) for i in range(n)])
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size / n


def whole_process(*words: str) -> float:
    """Milliseconds of a Python process, the median of several."""
    runs = []
    for _ in range(2 * ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        runs.append(time.perf_counter() - started)
    return statistics.median(runs) * 1e3


def main() -> None:
    n = next((int(word) for word in sys.argv[1:] if word.isdigit()), 1000)
    seen: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        one_round(n, seen)
    print(f"chain of {n} calls, median of {ROUNDS} rounds, µs a call")
    for name, values in seen.items():
        print(f"  {name:<34} {statistics.median(values):7.1f}   ({min(values):.1f} to {max(values):.1f})")
    with tempfile.TemporaryDirectory() as folder, Workspace(Path(folder)):
        print(f"  memory of a call                   {memory_of_a_call(n):7.0f} bytes")
        print(f"  evaluated, at the peak             {peak_of_a_call(n):7.0f} bytes")
    print(f"python -c pass         {whole_process('-c', 'pass'):6.1f} ms")
    print(f"python -c import merkl {whole_process('-c', 'import merkl'):6.1f} ms")
    print(f"merkl --help           {whole_process('-m', 'merkl', '--help'):6.1f} ms")


if __name__ == "__main__":
    main()
