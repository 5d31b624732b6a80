"""Every way to make a task, and every place from which one is called: its calls are checked, and give Futures."""

from __future__ import annotations

import pytest

from tests.typecheck import checked

LIBRARY = {
    "lib.py": """
from merkl import task
@task
def inc(x: int, y: str = "") -> float: return x
""",
    "reexp.py": """
from lib import inc as inc
from lib import inc as renamed
import lib as library
__all__ = ["inc", "renamed", "library"]
""",
    "star.py": "from reexp import *\n",
    "stubbed.py": "",
    "stubbed.pyi": """
from typing import overload
from merkl import Future, Task, task
@task
def inc(x: int, y: str = ...) -> float: ...
@overload
@task
def over(x: int) -> int: ...
@overload
@task
def over(x: str) -> str: ...
as_task: Task[[int], float, Future[float]]
class S:
    @task
    def m(self, x: int) -> float: ...
""",
}

PRELUDE = """from __future__ import annotations

import functools
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar, overload

import lib
import merkl
import reexp
import star
import stubbed
from merkl import Future, Task, task
from merkl import task as also_task
from star import inc as inc3, library, renamed

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
fi: Future[int]
fs: Future[str]
ff: Future[float]
fl: Future[list[int]]


def timed(fn: Callable[P, R]) -> Callable[P, R]: return fn
def listed(fn: Callable[P, R]) -> Callable[P, list[R]]: raise NotImplementedError
def keeps(fn: F) -> F: return fn
@task
def kept(x: int) -> float: return x
@task
def same(x: T) -> T: return x


"""

WAYS = {
    "imported": """
reveal_type(lib.inc(fi)); lib.inc(fs)  # E: arg-type # T: Future[float]
reveal_type(reexp.inc(fi)); reexp.inc(fs)  # E: arg-type # T: Future[float]
reveal_type(reexp.renamed(fi)); renamed(fs)  # E: arg-type # T: Future[float]
reveal_type(star.library.inc(fi)); library.inc(fs)  # E: arg-type # T: Future[float]
reveal_type(inc3(fi)); inc3(fs)  # E: arg-type # T: Future[float]
""",
    "stubs": """
reveal_type(stubbed.inc(fi)); stubbed.inc(fs)  # E: arg-type # T: Future[float]
reveal_type(stubbed.over(fi)); stubbed.over(ff)  # E: call-overload # T: Future[int]
reveal_type(stubbed.as_task(fi)); stubbed.as_task(fs)  # E: arg-type # T: Future[float]
reveal_type(stubbed.S().m(fi)); stubbed.S().m(fs)  # E: arg-type # T: Future[float]
""",
    "decorated": """
@merkl.task
def dotted(x: int) -> float: return x
reveal_type(dotted(fi)); dotted(fs)  # E: arg-type # T: Future[float]
@merkl.task(retries=1)
def dotted2(x: int) -> float: return x
reveal_type(dotted2(fi)); dotted2(fs)  # E: arg-type # T: Future[float]
@also_task()
def aliased(x: int) -> float: return x
reveal_type(aliased(fi)); aliased(fs)  # E: arg-type # T: Future[float]
my_task = task(retries=3)
@my_task
def mine(x: int) -> float: return x
reveal_type(mine(fi)); mine(fs)  # E: arg-type # T: Future[float]
""",
    "stacked": """
@task
@timed
def stacked(x: int) -> float: return x
reveal_type(stacked(fi)); stacked(fs)  # E: arg-type # T: Future[float]
@task
@listed
def stacked2(x: int) -> float: return x
reveal_type(stacked2(fi)); stacked2(x=fs)  # E: arg-type # T: Future[list[float]]
@timed
@task
def outside(x: int) -> float: return x
reveal_type(outside(fi)); outside(fs)  # E: arg-type # T: Future[float]
@keeps
@task
def outside2(x: int) -> float: return x
reveal_type(outside2(fi)); outside2(fs)  # E: arg-type # T: Future[float]
@task
@functools.wraps(timed)
def wrapped(x: int) -> float: return x
reveal_type(wrapped(fi)); wrapped(fs)  # E: arg-type # T: Future[float]
""",
    "partials": """
part = task(functools.partial(lib.inc.fn, y="a"))
reveal_type(part(fi)); part(fs)  # E: arg-type # T: Future[float]
part2 = functools.partial(lib.inc, y="a")
reveal_type(part2(fi)); part2(fs)  # E: arg-type # T: Future[float]
part3 = functools.partial(lib.inc, y=fs)
reveal_type(part3(fi)); part3(fs)  # E: arg-type # T: Future[float]
part4 = functools.partial(lib.inc, y=fi)  # E: arg-type
""",
    "dispatched": """
@task
@functools.singledispatch
def dispatched(x: float, y: int = 0) -> float: return x
reveal_type(dispatched(fi, fi)); dispatched(fs)  # E: arg-type # T: Future[float]
dispatched(fi, z=1)  # E: call-arg
@functools.singledispatch
def also(x: float, y: int = 0) -> float: return x
reveal_type(task(also)(fi)); task(also)(fi, fs)  # E: arg-type # T: Future[float]
class Whole:
    def __init__(self, x: int = 0) -> None: ...
class Part:
    def __init__(self, x: int, y: int = 0) -> None: ...
K = TypeVar("K", bound=Whole | Part)
def of_class(kind: type[K]) -> None:
    reveal_type(task(kind)(fi)); task(kind)(fs)  # E: arg-type # T: Future[K]
    task(kind)()  # E: call-arg
class Shape(Protocol):
    def area(self) -> float: ...
class Open(ABC):
    @abstractmethod
    def area(self) -> float: ...
class Closed(Open):
    def area(self) -> float: return 1.0
def of_open(kind: type[Open]) -> None:
    reveal_type(task(kind)())  # T: Future[dispatched.Open]
reveal_type(task(Closed)())  # T: Future[dispatched.Closed]
task(Open)()  # E: abstract
task(Shape)()  # E: misc
""",
    "conditions": """
if sys.platform == "linux":
    @task
    def cond(x: int) -> float: return x
else:
    @task
    def cond(x: str) -> float: return 1
reveal_type(cond(fi)); cond(fs)  # E: arg-type # T: Future[float]
try:
    @task
    def tried(x: int) -> float: return x
except ImportError:
    @task
    def tried(x: int) -> float: return x
reveal_type(tried(fi)); tried(fs)  # E: arg-type # T: Future[float]
both = lib.inc if sys.argv else kept
reveal_type(both(fi)); both(fs)  # E: arg-type # T: Future[float]
def factory(n: int) -> Task[[int], float, Future[float]]:
    @task
    def inner(x: int) -> float: return x
    reveal_type(inner(fi)); inner(fs)  # E: arg-type # T: Future[float]
    return inner
reveal_type(factory(1)(fi)); factory(1)(fs)  # E: arg-type # T: Future[float]
""",
    "containers": """
tasks = [lib.inc, lib.inc]
reveal_type(tasks[0](fi)); tasks[0](fs)  # E: arg-type # T: Future[float]
by_name = {"a": lib.inc, "b": kept}
reveal_type(by_name["a"](fi)); by_name["a"](fs)  # E: arg-type # T: Future[float]
generic = {"a": same}
reveal_type(generic["a"](fi)); generic["b"](1, 2)  # E: call-arg # T: Future[int]
pair = (lib.inc, kept)
reveal_type(pair[0](fi)); pair[1](fs)  # E: arg-type # T: Future[float]
for one in tasks:
    reveal_type(one(fi)); one(fs)  # E: arg-type # T: Future[float]
reveal_type(list(map(lib.inc, [1, 2])))  # T: list[Future[float]]
reveal_type([lib.inc(x) for x in [fi, fi]])  # T: list[Future[float]]
""",
    "parameters": """
def param(a: Task[[int], float, Future[float]], b: Callable[[int], Future[float]]) -> None:
    reveal_type(a(fi)); a(fs)  # E: arg-type # T: Future[float]
    reveal_type(b(1))  # T: Future[float]
param(lib.inc, lib.inc); param(kept, kept)
def through(a: Task[P, R, Future[R]], *args: P.args, **kwargs: P.kwargs) -> R: return a.run(*args, **kwargs)
reveal_type(through(lib.inc, 1)); through(lib.inc, "a")  # E: arg-type # T: float
""",
    "methods": """
class C(Generic[T]):
    @task
    def m(self, x: T) -> list[T]: return [x]
    @classmethod
    @task
    def c(cls, x: int) -> float: return x
    @staticmethod
    @task
    def s(x: int) -> float: return x
    @task
    @classmethod
    def c2(cls, x: int) -> float: return x
    @task
    @staticmethod
    def s2(x: int) -> float: return x
    @property
    def prop(self) -> Task[[int], float, Future[float]]: return kept
    declared: Task[[int], float, Future[float]]
reveal_type(C[int]().m(fi)); C[int]().m(fs)  # E: arg-type # T: Future[list[int]]
reveal_type(C.m(C[int](), fi)); C.m(C[int](), fs)  # E: misc # T: Future[list[int]]
reveal_type(C[int].c(fi)); C[int].c(fs)  # E: arg-type # T: Future[float]
reveal_type(C[int].s(fi)); C[int].s(fs)  # E: arg-type # T: Future[float]
reveal_type(C[int]().s(fi)); C[int]().s(fs)  # E: arg-type # T: Future[float]
reveal_type(C[int].c2(fi)); C[int].c2(fs)  # E: arg-type # T: Future[float]
reveal_type(C[int].s2(fi)); C[int].s2(fs)  # E: arg-type # T: Future[float]
reveal_type(C[int]().prop(fi)); C[int]().prop(fs)  # E: arg-type # T: Future[float]
reveal_type(C[int]().declared(fi)); C[int]().declared(fs)  # E: arg-type # T: Future[float]
""",
    "callables": """
class Callme:
    def __call__(self, x: int) -> float: return x
called = task(Callme())
reveal_type(called(fi)); called(fs)  # E: arg-type # T: Future[float]
class K:
    def __init__(self, x: int) -> None: ...
made = task(K)
reveal_type(made(fi)); made(fs)  # E: arg-type # T: Future[callables.K]
def of_class(cls: type[K]) -> None:
    again = task(cls)
    reveal_type(again(fi)); again(fs)  # E: arg-type # T: Future[callables.K]
class Overloaded:
    @overload
    def __call__(self, x: int) -> int: ...
    @overload
    def __call__(self, x: str) -> str: ...
    def __call__(self, x: Any) -> Any: return x
several = task(Overloaded())
reveal_type(several(fi)); several(ff)  # E: call-overload # T: Future[int]
root = task(math.sqrt)
reveal_type(root(ff)); root(fs)  # E: arg-type # T: Future[float]
ordered = task(sorted)
reveal_type(ordered(fl)); ordered(fi)  # E: call-overload # T: Future[list[int]]
async def coroutine(x: int) -> float: return x
waited = task(coroutine)
reveal_type(waited(fi)); waited(fs)  # E: arg-type # T: Future[float]
task(3)  # E: arg-type
class Several(NamedTuple):
    size: int
    def __call__(self, x: int) -> float: return x
B = TypeVar("B", bound=Callable[[int], float])
def of_values(fn: B, of: type[list[int]], each: type[list[int]] | type[set[int]], row: Several) -> None:
    bound = task(fn)
    reveal_type(bound(fi)); bound(fs)  # E: arg-type # T: Future[float]
    overloaded = task(of)
    reveal_type(overloaded([1, fi])); overloaded([fs])  # E: list-item # T: Future[list[int]]
    reveal_type(task(each)([1, fi]))  # T: Future[list[int]] | Future[set[int]]
    reveal_type(task(row)(fi)); task(row)(fs)  # E: arg-type # T: Future[float]
def of_any(kind: type[Any]) -> None:
    task(kind)(fi)  # N: merkl-unsupported
""",
    "overloads_here_and_there": """
if sys.argv:
    @overload
    def f(x: int) -> int: ...
    @overload
    def f(x: str) -> str: ...
    @task
    def f(x: int | str) -> int | str: return x
else:
    @overload  # E: no-redef
    def f(x: int) -> int: ...
    @overload
    def f(x: str) -> str: ...
    @task
    def f(x: int | str) -> int | str: return x
reveal_type(f(f("")))  # T: Future[str]
f(b"")  # E: call-overload
@overload
def untyped(x: int) -> int: ...
@overload
def untyped(x: str, y: int) -> str: ...
@task
def untyped(x, y=None): return x  # E: no-untyped-def
reveal_type(untyped(f(""), f(1)))  # T: Future[str]
""",
    "decorated_items": """
from typing_extensions import deprecated
@overload
@deprecated("no more")
def f(x: int) -> int: ...
@overload
def f(x: str) -> str: ...
@task
def f(x: int | str) -> int | str: return x
reveal_type(f(f("")))  # T: Future[str]
reveal_type(f(f(1)))  # E: deprecated # T: Future[int]
f(b"")  # E: call-overload
class A:
    @overload
    @deprecated("no more")
    def m(self, x: int) -> int: ...
    @overload
    @keeps
    def m(self, x: str) -> str: ...
    @task
    def m(self, x: int | str) -> int | str: return x
    @overload
    @task
    def each(self, x: int) -> int: ...
    @overload
    @task
    def each(self, x: str) -> str: ...
    @task
    def each(self, x: int | str) -> int | str: return x
reveal_type(A().m(f("")))  # T: Future[str]
reveal_type(A().m(1))  # E: deprecated # T: Future[int]
reveal_type(A().each(f("")))  # T: Future[str]
A().each(b"")  # E: call-overload
""",
    "overloads": """
@overload
def f(x: int) -> int: ...
@overload
def f(x: str, y: int = 0) -> str: ...
@task
def f(x: int | str, y: int = 0) -> int | str: return x
reveal_type(f(1))  # T: Future[int]
reveal_type(f(f("a"), f(1)))  # T: Future[str]
f(f("a"), f("b"))  # E: call-overload
class A:
    @overload
    def m(self, x: int) -> int: ...
    @overload
    def m(self, x: str, y: int = 0) -> str: ...
    @task(retries=2)
    def m(self, x: int | str, y: int = 0) -> int | str: return x
    @overload
    @staticmethod
    def s(x: int) -> int: ...
    @overload
    @staticmethod
    def s(x: str, y: int = 0) -> str: ...
    @staticmethod
    @task
    def s(x: int | str, y: int = 0) -> int | str: return x
reveal_type(A().m(f(1)))  # T: Future[int]
reveal_type(A().m(f("")))  # T: Future[str]
A().m(b'')  # E: call-overload
reveal_type(A.s(f("")))  # T: Future[str]
def local() -> None:
    @overload
    def g(x: int) -> int: ...
    @overload
    def g(x: str, y: int = 0) -> str: ...
    @task
    def g(x: int | str, y: int = 0) -> int | str: return x
    reveal_type(g(f(1)))  # T: Future[int]
@overload  # E: misc
def lone(x: int) -> int: ...
if sys.version_info < (3, 5):
    @overload
    def lone(x: str) -> str: ...
@task
def lone(x: Any) -> Any: return x
lone("a")  # E: call-overload
@overload
def bad(x: int) -> bytes: ...
@overload
def bad(x: str) -> str: ...
@task  # E: misc
def bad(x: int | str) -> int | str: return x
""",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[set[object], set[object]]]:
    """By module, what its comments ask for and what mypy said: one run for all."""
    files = {**LIBRARY, **{f"{name}.py": PRELUDE + source for name, source in WAYS.items()}}
    return checked.judge(tmp_path_factory.mktemp("ways"), files, config="enable_error_code = deprecated\n")


@pytest.mark.parametrize("way", WAYS)
def test_calls_of_tasks_made_this_way(way: str, judged: dict[str, tuple[set[object], set[object]]]) -> None:
    """A right call gives a Future and a wrong one the error of the plain call."""
    wanted, said = judged[f"{way}.py"]
    assert said == wanted
