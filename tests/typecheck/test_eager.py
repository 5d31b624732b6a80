"""Inside `with Eval():` calls run at once: mypy sees their values."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

SOURCE = """
from merkl import Eval, Future, task
import merkl

@task
def square(x: int) -> int: return x * x
@task
def both(x: int) -> tuple[int, str]: return x, ""

with Eval():
    reveal_type(square(1))  # T: int
    v = square(square(2)) + 1

def use(f: Future[int]) -> None:
    with merkl.Eval() as _, open("x"):
        reveal_type(both(1))  # T: tuple[int, str]
        reveal_type(square.map([1]))  # T: list[int]
        reveal_type(square(f))  # T: int
        square("a")  # E: arg-type
        def later() -> None:
            reveal_type(square(1))  # T: Future[int]
    reveal_type(square(1))  # T: Future[int]
"""


def test_calls_in_an_eval_block_give_values(tmp_path: Path) -> None:
    """Only those that run inside it, not those of functions that are defined there."""
    checked.check(tmp_path, {"use.py": SOURCE})
