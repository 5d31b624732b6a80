"""`functools.partial` and `map` of tasks and of decorators are checked as those of plain functions are."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

DECORATORS = """
import functools
from collections.abc import Callable
from typing import Any, TypeVar
from merkl import Future, batch, pipeline, task
T = TypeVar("T")
def plain(x: int) -> int: return x
def pair(x: int) -> tuple[int, str]: return x, "a"
retrying = functools.partial(task, retries=3)
@retrying
def one(x: int) -> int: return x
reveal_type(one(1))  # T: Future[int]
one("a")  # E: arg-type
@retrying(timeout=1.0)
def two(x: T) -> list[T]: return [x]
reveal_type(two(one(1)))  # T: Future[list[int]]
@functools.partial(task, outs=2)
def three(x: int) -> tuple[int, str]: return x, "a"
reveal_type(three(1))  # T: tuple[Future[int], Future[str]]
reveal_type(functools.partial(task, outs=1)(pair)(1))  # T: Future[tuple[int, str]]
@functools.partial(task, outs=3)  # E: merkl-outs
def four(x: int) -> tuple[int, str]: return x, "a"
@functools.partial(pipeline)
def five(x: int) -> Future[int]: return one(x)
reveal_type(five(1))  # T: Future[int]
@functools.partial(batch, retries=1)
def six(xs: list[int]) -> list[int]: return xs
reveal_type(six([1]))  # T: list[Future[int]]
functools.partial(task, retries="a")  # E: arg-type
functools.partial(task, retry=1)  # E: call-arg
retrying(1)  # E: arg-type
class A:
    @retrying
    def method(self, x: int) -> int: return x
    @staticmethod
    @retrying
    def static(x: int) -> int: return x
reveal_type(A().method(one(1)))  # T: Future[int]
A().method("a")  # E: arg-type
reveal_type(A.static(one(1)))  # T: Future[int]
for made in map(task, [plain]):
    reveal_type(made(one(1)))  # T: Future[int]
for split in map(functools.partial(task, outs=1), [pair]):
    reveal_type(split(one(1)))  # T: Future[tuple[int, str]]
reveal_type([each(1) for each in map(task(retries=1), [plain])])  # T: list[Future[int]]
anything: Any = plain
unknown = task(anything)  # N: merkl-unsupported
reveal_type(functools.partial(task, plain)()(one(1)))  # T: Future[int]
functools.partial(task, plain)(1)  # E: call-arg
functools.partial(task, 1)  # E: arg-type
@functools.partial(batch, one)
def ones(xs: list[int]) -> list[int]: return xs
reveal_type(ones([1]))  # T: list[Future[int]]
@functools.partial(batch, max_size=2)(three)
def threes(xs: list[int]) -> list[tuple[int, str]]: return [(x, "a") for x in xs]
reveal_type(threes([1]))  # T: list[tuple[Future[int], Future[str]]]
functools.partial(batch, one, retries=1)  # E: call-overload
def untyped(fn): return fn  # E: no-untyped-def
@task  # N: merkl-unsupported
@untyped  # E: untyped-decorator
def seven(x: int) -> int: return x
"""

TASKS = """
import functools
from collections.abc import Callable, Sequence
from typing import TypeVar
from merkl import Future, task
T = TypeVar("T")
@task
def one(x: int) -> int: return x
@task
def two(x: int, y: str = "") -> float: return x
@task
def same(x: T) -> T: return x
@task
def first(xs: Sequence[T]) -> T: return xs[0]
class A:
    @task
    def method(self, x: int, y: str) -> int: return x
f = one(1)
s = same("a")
reveal_type(functools.partial(one, f)())  # T: Future[int]
functools.partial(one, s)  # E: arg-type
functools.partial(one, z=f)  # E: call-arg
reveal_type(functools.partial(two, f)(s))  # T: Future[float]
functools.partial(two, f)(f)  # E: arg-type
functools.partial(two, f)(s, s)  # E: call-arg
reveal_type(functools.partial(two, y=s)(f, y="b"))  # T: Future[float]
reveal_type(functools.partial(functools.partial(two, f), s)())  # T: Future[float]
reveal_type(functools.partial(same, f)())  # T: Future[int]
reveal_type(functools.partial(first)([f, 1]))  # T: Future[int]
functools.partial(first)(f)  # E: arg-type
reveal_type(functools.partial(A().method, f)(s))  # T: Future[int]
functools.partial(A().method, f)(f)  # E: arg-type
functools.partial(one, f).func
reveal_type(list(map(one, [f])))  # T: list[Future[int]]
map(one, [s])  # E: arg-type
reveal_type(list(map(two, [f, 1], ["a", s])))  # T: list[Future[float]]
map(two, [f], [f])  # E: arg-type
reveal_type(list(map(same, [f])))  # T: list[Future[int]]
reveal_type(list(map(first, [[f], [1, f]])))  # T: list[Future[int]]
map(first, [f])  # E: arg-type
map(one)  # E: call-overload
def plain(x: int) -> int: return x
making = task(functools.partial)
reveal_type(making(plain, f))  # T: Future[functools.partial[int]]
reveal_type(making(plain, f).eval()())  # T: int
making(plain, s)  # E: arg-type
making(plain, z=1)  # E: call-arg
making()  # E: call-arg
reveal_type(functools.partial(plain, 1)())  # T: int
functools.partial(plain, "a")  # E: arg-type
reveal_type(list(map(plain, [1])))  # T: list[int]
"""


def test_partials_and_maps_of_decorators(tmp_path: Path) -> None:
    """A partial of `task` is a decorator with options, and `map` of a decorator gives tasks; a function of type Any is noted."""
    checked.check(tmp_path, {"decorators.py": DECORATORS})


def test_partials_and_maps_of_tasks(tmp_path: Path) -> None:
    """The arguments may be Futures, of generic tasks too; what is wrong is an error under the code of the plain call."""
    checked.check(tmp_path, {"tasks.py": TASKS})


INSIDE_DECORATORS = """
import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from merkl import Future, task
P = ParamSpec("P")
R = TypeVar("R")
def timed(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
    whole = functools.partial(fn, *args, **kwargs)
    reveal_type(task(whole)())  # T: Future[R]
    task(whole)(1)  # E: arg-type
    named = functools.partial(fn, **kwargs)
    reveal_type(task(named)(*args))  # T: Future[R]
    task(named)(*args, 1)  # E: arg-type
    placed = functools.partial(fn, *args)
    reveal_type(task(placed)(**kwargs))  # T: Future[R]
    task(placed)(x=1, **kwargs)  # E: arg-type
    bare = functools.partial(fn)
    reveal_type(task(bare)(*args, **kwargs))  # T: Future[R]
    task(bare)(*args)  # E: call-arg
"""


def test_partials_of_what_a_decorator_is_given(tmp_path: Path) -> None:
    """The arguments of a ParamSpec that a partial has are not asked for again."""
    checked.check(tmp_path, {"inside.py": INSIDE_DECORATORS})
