"""What the type checks cost: `python benchmarks/bench_types.py`; each number is in microseconds."""

from __future__ import annotations

import subprocess
import sys
import timeit
from collections.abc import Callable, Sequence
from typing import Any

from merkl.assignability import relate
from merkl.graph.checks import compile_argument_check
from merkl.validation import compile_validator


class _Handle:
    type: Any = int

    def __merkl_key__(self) -> bytes:
        return b""


def _time(label: str, action: Callable[[], Any], number: int) -> None:
    print(f"{label:58} {timeit.timeit(action, number=number) / number * 1e6:12.3f}")


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
