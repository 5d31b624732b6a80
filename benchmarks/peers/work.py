"""The bodies that every framework wraps, and the values whose keys are taken."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["Point", "add_up", "big", "increment", "leaf", "make_value", "small"]


def increment(x: int) -> int:
    return x + 1


def leaf(i: int) -> int:
    return i + 1


def add_up(xs: list[int]) -> int:
    return sum(xs)


def small(i: int) -> bytes:
    return (b"%d" % i).ljust(100, b".")


def big(i: int) -> Any:
    import numpy as np

    return np.random.default_rng(i).random(12_500_000)


@dataclasses.dataclass
class Point:
    x: int
    y: float
    label: str
    tags: list[str]


def make_value(kind: str) -> Any:
    """Return a value to be hashed."""
    if kind == "dict":
        return {
            "lr": 0.1,
            "layers": [1, 2, 3],
            "name": "resnet",
            "flag": True,
            "opt": {"b1": 0.9, "b2": None},
        }
    if kind == "dataclass":
        return Point(1, 2.5, "a", ["p", "q"])
    if kind == "a million ints":
        return list(range(1_000_000))
    if kind == "array of 100 MB":
        return big(0)
    return _make_frame(1_000_000)


def _make_frame(rows: int) -> Any:
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "i": draw.integers(0, 1 << 40, rows),
            "f": draw.standard_normal(rows),
            "b": draw.integers(0, 2, rows).astype(bool),
            "s": np.char.add("name-", draw.integers(0, 100_000, rows).astype(str)).astype(object),
            "t": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 10**9, rows), unit="s"),
        }
    )
