"""`@pipeline` gives what its body returns, `@batch` a list with what a single call gives for each item."""

from __future__ import annotations

from pathlib import Path

import merkl_mypy
import pytest

from tests.typecheck import checked

PRELUDE = """
from collections.abc import Generator, Iterator, Sequence
from typing import Any
from merkl import Future, batch, evaluate, pipeline, task
@task
def square(x: int) -> int: return x * x
@task
def halves(x: int, y: float = 0) -> tuple[int, str]: return x, ""
fi: Future[int]
fs: Future[str]
fl: Future[list[int]]
"""

BATCHES = """
@batch
def squares(xs: list[int], scale: float = 1.0) -> list[int]: return xs
reveal_type(squares([1, fi], scale=fi))  # T: list[Future[int]]
squares([fs])  # E: list-item
squares(fl)  # E: arg-type
@batch(max_size=3)
def limited(xs: list[int]) -> list[str]: return [""]
reveal_type(limited([1, fi]))  # T: list[Future[str]]
@batch(halves)
def of_single(xs: list[int], y: float = 0.0) -> list[tuple[int, str]]: return []
reveal_type(of_single([fi]))  # T: list[tuple[Future[int], Future[str]]]
@batch  # E: merkl-outs
def no_list(xs: list[int]) -> int: return 1
"""

PIPELINES = """
@pipeline
def plain(x: int) -> Future[int]: return square(x)
reveal_type(plain(fi))  # T: Future[int]
plain(fs)  # E: arg-type
@pipeline(code_version="1")
def keyed(x: int) -> dict[str, Future[int]]: return {"a": square(x)}
reveal_type(keyed(1))  # T: dict[str, Future[int]]
reveal_type(evaluate(keyed(1)))  # T: dict[str, int]
reveal_type(plain.run(1))  # T: int
@pipeline
def ordered(x: int) -> Generator[Future[Any], None, tuple[Future[int], Future[str]]]:
    a = square(x)
    yield a
    return halves(a)
reveal_type(ordered(1))  # T: tuple[Future[int], Future[str]]
class C:
    @pipeline
    def method(self, x: int) -> Future[int]: return square(x)
reveal_type(C().method(fi)); C().method("")  # E: arg-type # T: Future[int]
"""


def test_batches(tmp_path: Path) -> None:
    """The items may be Futures; the list may not."""
    checked.check(tmp_path, {"batches.py": PRELUDE + BATCHES})


def test_pipelines(tmp_path: Path) -> None:
    """Plain ones and generators, on methods too."""
    checked.check(tmp_path, {"pipelines.py": PRELUDE + PIPELINES})


def test_an_unsupported_mypy_is_refused_in_one_line() -> None:
    """Before anything of it is imported."""
    with pytest.raises(
        SystemExit, match=r"^merkl_mypy: mypy 1\.17\.1 is not supported; install mypy 1\.18 or newer$"
    ):
        merkl_mypy.plugin("1.17.1")
