"""What the default cache costs: small results, lookups, a large array beside a plain file write.

Run: python benchmarks/bench_cache.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from merkl.cache import SqliteCache, load, store
from merkl.cache.base import Metadata
from merkl.cache.contract import make_key
from merkl.codecs import default_codecs

COUNT = 10_000
CODECS = default_codecs()


def per_item(label: str, action: Callable[[], object], count: int = COUNT) -> None:
    """Print microseconds for each of `count` items, the best of three."""
    best = min(timed(action) for _ in range(3))
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
    caches = iter(SqliteCache(folder / str(number)) for number in range(3))

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
    """Store and load an array of 100 MB, without waiting for the disk, beside a plain write of the same bytes."""
    array = np.random.default_rng(1).random(13_107_200)
    plain = min(
        timed(lambda: (folder / "plain").write_bytes(memoryview(array.view(np.uint8)))) for _ in range(3)
    )
    cache = SqliteCache(folder / "large", fsync=False)
    numbers = iter(range(3))

    def store_one() -> None:
        number = next(numbers)
        array[0] = number
        store(cache, make_key(number), CODECS.encode(array), Metadata())

    stored = min(timed(store_one) for _ in range(3))
    loaded = min(timed(lambda: load(cache, make_key(0), codecs=CODECS)) for _ in range(3))
    print(f"{'array of 100 MB: rate of a plain write':<44}{plain / stored:8.0%}")
    print(f"{'array of 100 MB: load as a map':<44}{loaded * 1e6:8.1f} us")
    cache.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        small(Path(name))
        large(Path(name))
