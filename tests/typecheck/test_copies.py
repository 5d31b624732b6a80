"""Functions whose type variables have values: mypy checks a copy of them for each, in which calls are other nodes."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

COPIED = """
from typing import AnyStr, Callable, Generic, Pattern, TypeVar
from merkl import Eval, task
S = TypeVar("S")
T = TypeVar("T", int, str)
@task
def same(x: AnyStr) -> AnyStr: return x
@task
def kept(x: S) -> S: return x
class Base(Generic[T]):
    @task
    def method(self, x: T) -> T: return x
    def plain(self, x: int) -> bytes: return b""
    def chosen(self, x: T) -> T:
        tasks = [self.method, self.method]
        reveal_type(tasks[0](kept(x)))  # T: Future[int] # T: Future[str]
        tasks[0](kept(b""))  # E: arg-type
        both = [x, x]
        return both  # E: return-value
class Derived(Base[T]):
    def plain(self, x: int) -> bytes:
        reveal_type(super().plain(x))  # T: bytes
        return super().plain("a")  # E: arg-type
def displays(x: AnyStr) -> AnyStr:
    both = [x, x]
    reveal_type(both)  # T: list[str] # T: list[bytes]
    for one in {"a": x, "b": x}.values():
        reveal_type(one)  # T: str # T: bytes
    reveal_type((same, same)[0](kept(x)))  # T: Future[str] # T: Future[bytes]
    if same(x):  # E: merkl-future-bool
        print(f"{same(x)}")  # E: merkl-future-format
    with Eval():
        reveal_type(same(x))  # T: str # T: bytes
    return both  # E: return-value
def inline(pattern: Pattern[AnyStr], text: AnyStr) -> None:
    reveal_type(task(pattern.search)(kept(text)))  # T: Future[re.Match[str] | None] # T: Future[re.Match[bytes] | None]
@task
def body(x: AnyStr) -> AnyStr:
    same(x)  # E: merkl-task-in-task
    return x
"""


def test_misuse_displays_and_calls_without_a_name_in_copies(tmp_path: Path) -> None:
    """All is checked there as elsewhere; what is no task has the type that mypy gives it, and not Any."""
    checked.check(tmp_path, {"copied.py": COPIED})
