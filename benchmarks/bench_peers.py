"""MerkL beside joblib, redun, pipefunc, Dask and a hand-written floor: building, cold, warm, storing, hashing.

    make bench            or: python benchmarks/bench_peers.py [--rounds 3] [--only merkl_,joblib_]

Every figure comes from a fresh process, warm ones from another process than cold ones. A round takes all frameworks
one after the other, and a figure is the median of its rounds. A framework that is too slow for a thousand calls is
measured with a hundred. What is imported, opened and set up first is not in the figures.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from peers.base import Adapter
from peers.work import make_value

#: Seconds after which a measurement is given up and shows as a dash.
TOO_LONG = 60
PEERS = ("floor", "merkl_", "joblib_", "redun_", "pipefunc_", "dask_")
VALUES = ("dict", "dataclass", "a million ints", "array of 100 MB", "frame of 1e6 x 5")
#: A column: its title, what a measurement is called, how many calls it makes, and what its seconds are multiplied by.
CALLS = (
    ("build, µs", "build", 1_000, 1e6),
    ("cold, µs", "cold", 1_000, 1e6),
    ("warm, µs", "warm", 1_000, 1e6),
    ("store 100 B, µs", "store", 1_000, 1e6),
    ("load 100 B, µs", "load", 1_000, 1e6),
    ("store 100 MB, ms", "store big", 1, 1e3),
    ("load 100 MB, ms", "load big", 1, 1e3),
)


def measure(adapter: Adapter, what: str, n: int) -> float:
    """Return the seconds of one measurement, a call."""
    work: dict[str, Callable[[], Any]] = {
        "build": lambda: adapter.build(n),
        "cold": lambda: adapter.run(n),
        "warm": lambda: adapter.run(n),
        "store": lambda: adapter.run_all(n),
        "load": lambda: adapter.run_all(n),
        "store big": adapter.run_big,
        "load big": adapter.run_big,
    }
    adapter.open()
    value = make_value(what) if what in VALUES else None
    run = work[what] if value is None else lambda: adapter.hash(value)
    gc.collect()
    if what in ("dict", "dataclass"):
        return _time_many(run)
    start = time.perf_counter()
    run()
    adapter.close()
    return (time.perf_counter() - start) / n


def _time_many(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(2_000):
            run()
        times.append((time.perf_counter() - start) / 2_000)
    return statistics.median(times)


def measure_in_process(peer: str, what: str, n: int, folder: str) -> float | None:
    """Return the same, measured in a process of its own; None where the framework does not have it or takes too long."""
    command = [sys.executable, __file__, "--measure", peer, what, str(n), folder]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOO_LONG, env=environment)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise SystemExit(f"{peer}: {what} failed:\n{done.stderr}")
    found: float | None = json.loads(done.stdout.splitlines()[-1])
    return found


def is_keeping(peer: str) -> bool:
    """Say whether a framework keeps results between processes."""
    return peer != "dask_"


def run_round(peers: list[str], figures: dict[tuple[str, str], list[float]]) -> None:
    """Take every figure of every framework once."""
    for peer in peers:
        most = importlib.import_module(f"peers.{peer}").Peer.most
        with tempfile.TemporaryDirectory() as folder:
            for title, what, n, scale in CALLS:
                if what in ("warm", "load", "load big") and not is_keeping(peer):
                    continue
                seconds = measure_in_process(peer, what, min(n, most), folder)
                if seconds is not None:
                    figures.setdefault((peer, title), []).append(seconds * scale)
            for value in VALUES:
                scale = 1e6 if value in ("dict", "dataclass") else 1e3
                seconds = measure_in_process(peer, value, 1, folder)
                if seconds is not None:
                    figures.setdefault((peer, value), []).append(seconds * scale)
        print(f"{peer} done", file=sys.stderr)


def print_table(peers: list[str], titles: list[str], figures: dict[tuple[str, str], list[float]]) -> None:
    """Print one Markdown table."""
    print("| |", " | ".join(titles), "|")
    print("|---|" + "---:|" * len(titles))
    for peer in peers:
        cells = [figures.get((peer, title)) for title in titles]
        shown = ["–" if cell is None else f"{statistics.median(cell):.3g}" for cell in cells]
        print(f"| {peer.rstrip('_')} | {' | '.join(shown)} |")
    print()


def main() -> None:
    """Measure all, and print two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PEERS), help="names, with commas between them")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        peer, what, n, folder = options.measure
        try:
            print(json.dumps(measure(importlib.import_module(f"peers.{peer}").Peer(folder), what, int(n))))
        except NotImplementedError:
            print("null")
        return
    peers = options.only.split(",")
    figures: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.rounds):
        run_round(peers, figures)
    print_table(peers, [title for title, *_ in CALLS], figures)
    titles = [f"{value}, {'µs' if value in ('dict', 'dataclass') else 'ms'}" for value in VALUES]
    renamed = {
        (p, t): figures[p, v] for p in peers for v, t in zip(VALUES, titles, strict=True) if (p, v) in figures
    }
    print_table(peers, titles, renamed)
    for peer in peers:
        note = importlib.import_module(f"peers.{peer}").Peer.note
        if note:
            print(f"- {peer.rstrip('_')}: {note}")


if __name__ == "__main__":
    main()
