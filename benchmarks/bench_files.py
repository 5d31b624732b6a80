"""Hashing one large file, and checking many tracked ones, each beside the bare calls that it cannot do without."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import blake3

from merkl.cache.database import Database
from merkl.files.content import hash_file
from merkl.files.status import check_files
from merkl.files.tracker import FileTracker


def best(action: Callable[[], object], times: int = 3) -> float:
    """Return the shortest of some runs, in seconds."""
    spans = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        spans.append(time.perf_counter() - start)
    return min(spans)


def bench_hash(folder: Path, megabytes: int = 1024) -> None:
    """Hash one file."""
    path = folder / "large"
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(block)
    bare = best(lambda: blake3.blake3(max_threads=blake3.blake3.AUTO).update_mmap(str(path)).hexdigest())
    ours = best(lambda: hash_file(path))
    print(f"hash {megabytes} MB: bare {bare:.3f} s, ours {ours:.3f} s, {bare / ours:.0%} of the speed")


def bench_status(folder: Path, count: int = 100_000) -> None:
    """Check tracked files in folders of a thousand."""
    folders = [folder / f"{number:03}" for number in range(count // 1000)]
    tracker = FileTracker(Database(folder / "x.db"))
    for one in folders:
        one.mkdir()
        for number in range(1000):
            (one / f"{number:04}").touch()
    time.sleep(0.1)
    for one in folders:
        for number in range(1000):
            tracker.content_hash(one / f"{number:04}", role="input")

    def scan() -> None:
        for one in folders:
            with os.scandir(one) as entries:
                for entry in entries:
                    entry.stat()

    bare = best(scan)
    ours = best(lambda: check_files(tracker))
    print(f"check {count} files: bare {bare:.3f} s, ours {ours:.3f} s, {ours / bare:.1f} times as long")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        bench_hash(Path(name))
        bench_status(Path(name))
