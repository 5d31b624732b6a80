"""No call of a task gives Any in silence: every way to make a task, for every shape of result, in every kind of use."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from tests.parity.compare import run_mypy

PRELUDE = """
import functools
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import NamedTuple, ParamSpec, TypedDict, TypeVar, overload
from merkl import Future, Task, batch, evaluate, pipeline, task
T = TypeVar("T")
N = TypeVar("N", bound=float)
F = TypeVar("F")
P = ParamSpec("P")
R = TypeVar("R")
class Row(TypedDict):
    key: int
    name: str
class Point(NamedTuple):
    x: int
    y: float
flag: bool
f: Future[int]
fs: list[Future[int]]
def keep(fn: F) -> F: return fn
def listed(fn: Callable[P, R]) -> Callable[P, R]: return fn
def chosen(retries: int) -> Callable[[F], F]: ...
@task
def same(x: T) -> T: ...
retrying = functools.partial(task, retries=1)
"""

# Signatures without Any; each takes one int.
FUNCTIONS = {
    "number": "def {}(x: int) -> int: ...",
    "nothing": "def {}(x: int) -> None: ...",
    "generic": "def {}(x: T) -> list[T]: ...",
    "bounded": "def {}(x: N, y: N | None = None) -> N: ...",
    "split": "def {}(x: int) -> tuple[int, str]: ...",
    "row": "def {}(x: int) -> Row: ...",
    "point": "def {}(x: int) -> Point: ...",
    "deep": "def {}(x: int) -> dict[str, list[tuple[int, float | None]]]: ...",
    "variadic": "def {}(*x: int) -> Sequence[int]: ...",
    "function": "def {}(x: int) -> Callable[[int], str]: ...",
    "waiting": "async def {}(x: int) -> list[int]: ...",
}

# How the task {name} is made, where {function} defines it and {plain} defines the function _{name}.
WAYS = {
    "bare": "@task\n{function}",
    "options": "@task(retries=1, check_types=False)\n{function}",
    "partial": "@functools.partial(task, retries=1)\n{function}",
    "kept_partial": "@retrying\n{function}",
    "more_options": "@retrying(timeout=1.0)\n{function}",
    "under": "@keep\n@task\n{function}",
    "over": "@task\n@listed\n{function}",
    "over_call": "@task(retries=1)\n@chosen(1)\n{function}",
    "assigned": "{plain}\n{name} = task(_{name})",
    "assigned_options": "{plain}\n{name} = task(retries=1)(_{name})",
    "assigned_partial": "{plain}\n{name} = functools.partial(task, retries=1)(_{name})",
    "mapped": "{plain}\n({name},) = [*map(task, [_{name}])]",
    "listed": "{plain}\n{name} = [task(g) for g in (_{name},)][0]",
    "looped": "{plain}\nfor {name} in map(retrying, [_{name}]): pass",
    "dispatched": "{plain}\n{name} = {{'a': task(_{name})}}['a']",
    "pipeline": "@pipeline\ndef {name}(x: int) -> Future[int]: ...",
    "generator": "@pipeline\ndef {name}(x: int) -> Generator[object, None, list[Future[int]]]: ...",
    "one_out": "@task(outs=1)\ndef {name}(x: int) -> tuple[int, str]: ...",
    "outs": "@task(outs=2)\ndef {name}(x: int) -> list[int]: ...",
    "named_outs": "@task(outs=['a', 'b'])\ndef {name}(x: int) -> dict[str, int]: ...",
    "computed_outs": "@task(outs=lambda x: 2)\ndef {name}(x: int) -> list[int]: ...",
    "partial_outs": "@functools.partial(task, outs=2)\ndef {name}(x: int) -> tuple[int, str]: ...",
    "overloaded": """@overload
def {name}(x: int) -> int: ...
@overload
def {name}(x: str) -> str: ...
@task
def {name}(x: int | str) -> int | str: ...""",
    "method": """class _{name}:
    @task
    def method(self, x: int) -> int: ...
{name} = _{name}().method""",
    "static": """class _{name}:
    @staticmethod
    @task
    def method(x: int) -> int: ...
{name} = _{name}.method""",
    "declared": "{name}: Task[[int], int, Future[int]]",
    "conditional": "if flag:\n    @task\n    {function}\nelse:\n    @task\n    {function}",
}

# The other ways are tried with three of the functions.
EACH_FUNCTION = ("bare", "options", "partial", "over", "assigned")

USES = [
    "{t}",
    "{t}(1)",
    "{t}(f)",
    "{t}(*[f])",
    "{t}.map([1, 2])",
    "{t}.map(fs)",
    "{t}.bind(1)()",
    "{t}.bind(f)",
    "{t}.fn(1)",
    "{t}.run(1)",
    "({t} | same)(f)",
    "f | {t}",
    "functools.partial({t}, f)()",
    "list(map({t}, fs))",
    "list(map({t}, [1]))",
    "[each(f) for each in [{t}]]",
    "({t}, 1)[0](f)",
    "{{'a': {t}}}['a'](f)",
    "({t} if flag else {t})(1)",
    "keep({t})(f)",
    "evaluate({t}(f))",
    "evaluate([{t}(1), {t}(f)])",
    "same({t}(f))",
    "same([{t}(1)])",
]

# Tasks that take something else than one int.
OTHERS = """
@task
def call(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...
def both(x: int, y: str = "") -> float: ...
@batch
def many(xs: list[int], scale: float = 1.0) -> list[float]: ...
@batch(same)
def rows(xs: Sequence[T]) -> list[T]: ...
"""
OTHER_USES = [
    "call(both, f)", "call.run(both, 1)", "call.map([both], [f])", "call.fn(both, 1)",
    "many([1, f])", "many(fs, scale=2.0)", "many.run([1])", "many.fn([1])", "many.bind(scale=1.0)(xs=fs)",
    "rows(fs)", "evaluate(many(fs))", "functools.partial(many, [f])()", "same(many([1])[0])",
]  # fmt: skip
# What the plugin says that it cannot tell of an overload.
_BY_ITEM = re.compile(r"\bbind\(|\| same|partial\(")
# What an `async def` function without its task gives.
_COROUTINE = re.compile(r"(?:typing|types)\.Coroutine(?:Type)?\[Any, Any, ")


def _module() -> tuple[str, list[str]]:
    """The module, and for each of its last lines the use that is revealed there."""
    made: list[str] = []
    uses = list(OTHER_USES)
    for way, (shape, function) in itertools.product(WAYS, FUNCTIONS.items()):
        if "{function}" not in WAYS[way] and "{plain}" not in WAYS[way]:
            if shape != "number":
                continue
        elif way not in EACH_FUNCTION and shape not in ("number", "generic", "split"):
            continue
        name = f"{way}_{shape}"
        made.append(
            WAYS[way].format(name=name, function=function.format(name), plain=function.format(f"_{name}"))
        )
        uses += [use.format(t=name) for use in USES if way != "overloaded" or not _BY_ITEM.search(use)]
    lines = [f"def _{index}() -> None: reveal_type({use})" for index, use in enumerate(uses)]
    return PRELUDE + OTHERS + "\n".join(made) + "\n" + "\n".join(lines) + "\n", uses


def silent_any(folder: Path) -> tuple[list[str], int]:
    """The uses that have Any in their type, or an error; and how many there are."""
    source, uses = _module()
    (folder / "made.py").write_text(source)
    verdicts = run_mypy(folder, "made.py", plugin=True)
    start = len(source.splitlines()) - len(uses) + 1
    found = []
    for line, use in enumerate(uses, start):
        shown = [_COROUTINE.sub("", text) for text in verdicts[line].revealed]
        if len(shown) != 1 or verdicts[line].errors or re.search(r"\bAny\b", shown[0]):
            found.append(f"{use}: {' '.join(shown)} {verdicts[line].errors}")
    return found, len(uses)


def test_no_use_of_a_task_gives_any_in_silence(tmp_path: Path) -> None:
    """Functions whose types have no Any make tasks whose uses have none."""
    found, count = silent_any(tmp_path)
    assert count > 1000
    assert not found, f"{len(found)} of {count}:\n" + "\n".join(found[:20])
