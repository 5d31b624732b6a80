"""What the default cache costs: small results, large arrays beside a plain write, streams, and a cache of millions of rows.

Run: python benchmarks/bench_cache.py [small] [large] [stream] [millions]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from merkl.cache import SqliteCache, load, store
from merkl.cache.base import Metadata
from merkl.cache.contract import make_key
from merkl.cache.sqlite_index import encode_metadata
from merkl.codecs import default_codecs

COUNT = 10_000
CODECS = default_codecs()
STREAM = Path(__file__).parent.parent / "tests" / "cache" / "stream_results.py"


def per_item(label: str, action: Callable[[], object], count: int = COUNT) -> None:
    """Print microseconds for each of `count` items, the best of five."""
    best = min(timed(action) for _ in range(5))
    print(f"{label:<44}{best / count * 1e6:8.1f} us")


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def small(folder: Path) -> None:
    """Store, load and look up small results."""
    keys = [make_key(number) for number in range(COUNT)]
    others = [make_key(-1 - number) for number in range(COUNT)]
    metadata = Metadata(task="mod.task", created=time.time(), duration=0.001, run="r", location="mod.py:1")
    caches = iter(SqliteCache(folder / str(number)) for number in range(5))

    def store_all() -> None:
        cache = next(caches)
        for number, key in enumerate(keys):
            store(cache, key, CODECS.encode(f"{number:0100}"), metadata)
        cache.flush()

    per_item("encode, hash and store 100 bytes", store_all)
    cache = SqliteCache(folder / "0")
    per_item("load and decode 100 bytes", lambda: [load(cache, key, codecs=CODECS) for key in keys])
    per_item("lookup, there", lambda: [cache.lookup(key) for key in keys])
    per_item("lookup, not there", lambda: [cache.lookup(key) for key in others])
    cache.close()


def large(folder: Path) -> None:
    """Store an array of 100 MB and write the same bytes to a plain file, in turns; then load it."""
    array = np.random.default_rng(1).random(13_107_200)
    cache = SqliteCache(folder / "large", fsync=False)
    ratios = []
    for number in range(9):
        array[0] = number
        plain = timed(lambda: (folder / "plain").write_bytes(memoryview(array.view(np.uint8))))
        (folder / "plain").unlink()
        key = make_key(number)
        stored = timed(lambda key=key: store(cache, key, CODECS.encode(array), Metadata()))
        ratios.append(plain / stored)
        if number:
            cache.drop(make_key(number))
    loaded = min(timed(lambda: load(cache, make_key(0), codecs=CODECS)) for _ in range(5))
    spread = f"({min(ratios):.0%} to {max(ratios):.0%})"
    print(f"{'array of 100 MB: rate of a plain write':<44}{statistics.median(ratios):8.0%}  {spread}")
    print(f"{'array of 100 MB: load as a map':<44}{loaded * 1e6:8.1f} us")
    cache.close()


def stream(folder: Path) -> None:
    """Pass results of 2 GB through a process of their own, as iterators, open files and FileRefs."""
    (folder / "stream").mkdir()
    command = [sys.executable, str(STREAM), str(folder / "stream"), "2048"]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    print(f"{'streams of 2 GB: memory at most':<44}{int(done.stdout):8} MB")
    print(f"{'streams of 2 GB: ten of them stored or read':<44}{seconds:8.1f} s")


def millions(folder: Path) -> None:
    """Look up keys in a cache of a thousand rows and in one of ten million, made directly as rows."""
    figures = []
    for count in (1_000, 10_000_000):
        cache = SqliteCache(folder / f"rows{count}")
        fill(cache, count)
        step = count // 1_000
        keys = [make_row_key(number).hex() for number in range(0, count, step)]
        for key in keys:
            cache.lookup(key)
        best = min(
            timed(lambda cache=cache, keys=keys: [cache.lookup(key) for key in keys]) for _ in range(9)
        )
        figures.append(best / len(keys))
        print(f"{f'lookup among {count:,} rows':<44}{best / len(keys) * 1e6:8.1f} us")
        cache.close()
    print(f"{'ten million to a thousand':<44}{figures[1] / figures[0]:8.2f} x")


def make_row_key(number: int) -> bytes:
    """Return a key as random as a real one, cheaply."""
    return (number * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8, "big") * 4


def fill(cache: SqliteCache, count: int) -> None:
    """Insert that many rows at once, in the order of their keys, which is quicker than as they come."""
    cache.has("0" * 64)
    document = encode_metadata(Metadata(task="mod.task", created=1.0))
    order = sorted(range(count), key=lambda number: number * 0x9E3779B97F4A7C15 % (1 << 64))
    with cache.database.transaction() as connection:
        connection.executemany(
            "INSERT INTO entries (key, content, size, codec, codec_version, decode_type, extra, seal, origin, created, used,"
            " inline, task, run, document) VALUES (?, ?, 3, 'bytes', 1, '', '', '', '', 1.0, 1.0, x'616263', '', '', ?)",
            ((make_row_key(number), make_row_key(number), document) for number in order),
        )


PARTS = {"small": small, "large": large, "stream": stream, "millions": millions}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
            PARTS[part](Path(name))
