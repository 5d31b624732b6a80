"""Tasks that are used before mypy comes to their definition have their types all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.typecheck import checked

FIRST = """
from merkl import pipeline, task, Future
import second
@task
def double(x: int) -> int: return 2 * x
reveal_type(second.text(1))  # T: Future[str]
second.text("a")  # E: arg-type
class K:
    shared = second.C().method([second.text(1)])
    reveal_type(shared)  # T: Future[int]
def use() -> None:
    reveal_type(later(1))  # T: Future[int]
@task(retries=1)
def later(x: int) -> int: return x
"""

SECOND = """
from merkl import task
import first
@task
def text(x: int) -> str: return "a"
class C:
    @task
    def method(self, xs: list[str]) -> int: return 1
reveal_type(first.double(1))  # T: Future[int]
first.double("a")  # E: arg-type
def use() -> None:
    reveal_type(first.later(1))  # T: Future[int]
"""

MADE = """
from merkl import batch, task
import used
def plain(x: int) -> int: return x
def each(xs: list[int]) -> list[str]: return ["a" for _ in xs]
made = task(plain)
retrying = task(retries=1)(plain)
class C:
    def method(self, x: int) -> str: return "a"
    of_method = task(method)
    of_other = staticmethod(task(used.other))
"""

USED = """
from merkl import task
import made
def other(x: str) -> str: return x
class D:
    kept = made.made(1)
    reveal_type(kept)  # T: Future[int]
    made.made("a")  # E: arg-type
reveal_type(made.made(made.retrying(1)))  # T: Future[int]
reveal_type(made.C().of_method(made.made(1)))  # T: Future[str]
made.C().of_method("a")  # E: arg-type
"""

UNTYPED = """
from merkl import task
a: "Derived"
reveal_type(a.method(1))  # T: Future[Any] # E: no-untyped-call
class Base:
    @task
    def method(self, x): return x  # E: no-untyped-def
class Derived(Base): ...
"""


INSIDE = """
from typing import Any, Callable, TypeVar, overload
from merkl import Future, task
T = TypeVar("T", int, str)
S = TypeVar("S")
@task
def kept(x: S) -> S: return x
class A:
    def __init__(self) -> None:
        self.made = self.either(kept(1))
        reveal_type(self.made)  # T: Future[str]
        self.either(2.5)  # E: call-overload
    @overload
    def either(self, x: int) -> str: ...
    @overload
    def either(self, x: str) -> int: ...
    @task
    def either(self, x: Any) -> Any: return x
def outer(flag: bool) -> None:
    def early() -> None:
        reveal_type(either(kept("a")))  # T: Future[int]
        reveal_type(later(kept(1)))  # T: Future[float]
        later("a")  # E: arg-type
    if flag:
        @overload
        def either(x: int) -> str: ...
        @overload
        def either(x: str) -> int: ...
        @task
        def either(x: Any) -> Any: return x
    @task
    def later(x: int) -> float: return x
    reveal_type(either(kept(1)))  # T: Future[str]
def of_values(x: T) -> T:
    def early(y: T) -> None:
        reveal_type(later(kept(y)))  # T: Future[int] # T: Future[str]
        later(kept(b""))  # E: arg-type
    @task
    def later(y: T) -> T: return y
    return x
"""


@pytest.mark.parametrize("order", [("first.py", "second.py"), ("second.py", "first.py")])
def test_modules_that_import_each_other(order: tuple[str, str], tmp_path: Path) -> None:
    """Whichever mypy checks first: a plain function's type would be known by its annotations alone."""
    checked.check(tmp_path, {"first.py": FIRST, "second.py": SECOND}, *order)


@pytest.mark.parametrize("order", [("made.py", "used.py"), ("used.py", "made.py")])
def test_tasks_that_are_assigned_in_modules_that_import_each_other(
    order: tuple[str, str], tmp_path: Path
) -> None:
    """Whichever mypy checks first: `made = task(plain)` is what a decorated function would be."""
    checked.check(tmp_path, {"made.py": MADE, "used.py": USED}, *order)


def test_methods_without_annotations_above_their_class(tmp_path: Path) -> None:
    """Their type is known as that of any function without annotations is."""
    checked.check(tmp_path, {"untyped.py": UNTYPED})


def test_tasks_inside_of_functions_and_overloads(tmp_path: Path) -> None:
    """Of these mypy knows less, or another type, until it comes to their definition."""
    checked.check(tmp_path, {"inside.py": INSIDE})


UNTYPED_ITEMS = """
from typing import overload
from merkl import Future, task
@overload
def later(x): ...  # E: no-untyped-def
@overload
def later(x, y): ...  # E: no-untyped-def
@task
def later(x, y=1): return x  # E: no-untyped-def
@unknown  # E: name-defined
def wrong(x: int) -> int: ...
@task  # E: no-redef
def wrong(x: str) -> str: return x
reveal_type(later(1))  # T: Future[Any]
later(1, 2, 3)  # E: call-overload
class Early:
    def __init__(self) -> None:
        self.made = after(later(1, "a"))
@task
def after(x: int) -> int: return x
"""


def test_overloads_without_annotations_or_under_an_unknown_name(tmp_path: Path) -> None:
    """What is written there counts, and what stands behind it in the module is known all the same."""
    checked.check(tmp_path, {"items.py": UNTYPED_ITEMS})
