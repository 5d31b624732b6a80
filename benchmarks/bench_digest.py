"""Time canonical digests beside raw hashing of the same bytes: `python benchmarks/bench_digest.py`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import blake3
import msgspec
import numpy as np
import pandas as pd
import pydantic
from merkl_serializers import default_registry, encode_scalar

digest = default_registry.digest


@dataclass
class Settings:
    """A small dataclass."""

    name: str
    rate: float
    epochs: int
    layers: list[int]


class Model(pydantic.BaseModel):
    """A small pydantic model."""

    name: str
    rate: float
    epochs: int
    layers: list[int]


def best(function: Callable[[], object], *, rounds: int = 7, times: int = 1) -> float:
    """Return the seconds of one call, the best of several rounds."""
    result = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(times):
            function()
        result = min(result, (time.perf_counter() - start) / times)
    return result


def mixed_frame(rows: int) -> pd.DataFrame:
    """Return a frame of five columns of five types."""
    rng = np.random.default_rng(0)
    words = np.array([f"word {i}" for i in range(rows)], dtype=object)
    return pd.DataFrame(
        {
            "i": rng.integers(0, 1000, rows),
            "f": rng.random(rows),
            "b": rng.random(rows) < 0.5,
            "o": pd.Series(words, dtype=object),
            "t": pd.date_range("2020", periods=rows, freq="s"),
        }
    )


def main() -> None:
    """Print one line per measurement, with what it is measured against."""
    fields = {"name": "run", "rate": 0.1, "epochs": 30, "layers": [64, 32]}
    settings, model = Settings(**fields), Model(**fields)
    data = msgspec.msgpack.encode(fields)
    raw_small = best(lambda: hashlib.sha256(data).hexdigest(), times=5000)
    small: list[tuple[str, Callable[[], object]]] = [
        ("scalar (encode_scalar)", lambda: encode_scalar(12345)),
        ("dict of 4, a list in it", lambda: digest(fields)),
        ("dataclass of 4", lambda: digest(settings)),
        ("pydantic model of 4", lambda: digest(model)),
        ("tuple of 3 scalars", lambda: digest((1, "a", 2.5))),
    ]
    print(f"{'sha256 of 50 bytes':28} {raw_small * 1e6:8.2f} µs")
    for name, function in small:
        print(f"{name:28} {best(function, times=5000) * 1e6:8.2f} µs")

    ints = list(range(1_000_000))
    raw_ints = best(lambda: msgspec.msgpack.encode(ints))
    print(f"{'msgspec alone, 1e6 ints':28} {raw_ints * 1e3:8.2f} ms")
    for name, values in (
        ("list of 1e6 ints", ints),
        ("list of 1e6 floats", [i + 0.5 for i in ints]),
        ("list of 1e6 strs", [str(i) for i in ints]),
    ):
        print(f"{name:28} {best(lambda values=values: digest(values)) * 1e3:8.2f} ms")

    array = np.random.default_rng(0).random(100_000_000 // 8)
    view = memoryview(array).cast("B")
    raw = best(lambda: blake3.blake3(view, max_threads=blake3.blake3.AUTO).digest())
    ours = best(lambda: digest(array))
    print(f"{'blake3 alone, 100 MB':28} {raw * 1e3:8.2f} ms")
    print(f"{'array of 100 MB':28} {ours * 1e3:8.2f} ms  ({raw / ours:.0%} of the raw rate)")

    frame = mixed_frame(1_000_000)
    print(f"{'frame of 1e6 x 5':28} {best(lambda: digest(frame), rounds=3) * 1e3:8.2f} ms")


if __name__ == "__main__":
    main()
