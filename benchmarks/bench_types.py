"""What the type checks cost: `python benchmarks/bench_types.py`; each number is in microseconds."""

from __future__ import annotations

import functools
import subprocess
import sys
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from typeguard import CollectionCheckStrategy, check_type

from merkl.assignability import relate
from merkl.graph.checks import compile_argument_check
from merkl.validation import compile_validator


class _Handle:
    type: Any = int

    def __merkl_key__(self) -> bytes:
        return b""


def _time(label: str, action: Callable[[], Any], number: int) -> None:
    print(f"{label:58} {timeit.timeit(action, number=number) / number * 1e6:12.3f}")


@dataclass
class _Point:
    x: int
    y: float


def _beside_others(count: int) -> None:
    """Values looked at in full, beside msgspec, which copies them, and typeguard."""
    cases: list[tuple[Any, Any]] = [
        (list[int], list(range(count))),
        (dict[str, float], {str(i): 1.0 for i in range(count)}),
        (list[list[float]], [[1.0] * 10 for _ in range(count // 10)]),
        (list[tuple[int, str]], [(i, "a") for i in range(count)]),
        (list[_Point], [_Point(i, 1.0) for i in range(count)]),
    ]
    for hint, values in cases:
        whole, label = compile_validator(hint, items="all"), str(hint).replace("__main__.", "")
        assert whole(values) is None
        _time(f"{label} of {count:,}: MerkL", functools.partial(whole, values), 5)
        convert = functools.partial(msgspec.convert, values, hint, from_attributes=True)
        _time(f"{label}: msgspec.convert", convert, 5)
        every = CollectionCheckStrategy.ALL_ITEMS
        by_typeguard = functools.partial(check_type, values, hint, collection_check_strategy=every)
        _time(f"{label}: typeguard", by_typeguard, 1)


def main() -> None:
    """Time the checks on the path of each call, then what happens once."""
    argument, whole, handle = (
        compile_argument_check(int),
        compile_validator(list[int], items="all"),
        _Handle(),
    )
    million = list(range(1_000_000))
    _time("an empty call, for comparison", lambda: None, 1_000_000)
    _time("argument check: int for int", lambda: argument(3, False), 1_000_000)
    _time("argument check: Future[int] for int", lambda: argument(handle, False), 1_000_000)
    _time("relate: remembered pair", lambda: relate(list[int], Sequence[int]), 200_000)
    _time("validate all of a list of a million ints", lambda: whole(million), 5)
    _beside_others(200_000)
    names = "from collections.abc import *; from merkl.assignability import relate"
    for pair in (
        "bool, int",
        "list[int], Sequence[float]",
        "dict[str, int], Mapping[str, object]",
        "range, Reversible[int]",
    ):
        code = (
            f"{names}; import time; t = time.perf_counter(); relate({pair}); print(time.perf_counter() - t)"
        )
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        print(f"{'first in a process: ' + pair:58} {float(out) * 1e6:12.0f}")


if __name__ == "__main__":
    main()
