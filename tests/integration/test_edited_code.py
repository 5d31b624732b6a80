"""Code that a task meets only in its arguments or its inputs: an edit of it counts, though the stored bytes stay equal."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from project import Project

HEAD = """
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from merkl import Future, task
"""

EDITS = {
    "method of a subclass returned as its base": (
        """
        class Base:
            def value(self) -> int:
                return 0
        class Sub(Base):
            def value(self) -> int:
                return 1
        @task
        def make() -> Base:
            return Sub()
        @task
        def use(x: Base) -> int:
            return x.value()
        def flow() -> Future[int]:
            return use(make())
        """,
        "return 1",
    ),
    "method of a dataclass in a list of its base, passed on": (
        """
        @dataclass
        class Base:
            x: int = 0
            def value(self) -> int:
                return 0
        @dataclass
        class Sub(Base):
            def value(self) -> int:
                return 1
        @task
        def make() -> list[Base]:
            return [Sub()]
        @task
        def first(xs: list[Base]) -> Base:
            return xs[0]
        @task
        def use(x: Base) -> int:
            return x.value()
        def flow() -> Future[int]:
            return use(first(make()))
        """,
        "return 1",
    ),
    "method of an object without annotations": (
        """
        class Sub:
            def value(self):
                return 1
        @task
        def make():
            return Sub()
        @task
        def use(x):
            return x.value()
        def flow():
            return use(make())
        """,
        "return 1",
    ),
    "helper of a function that is a result": (
        """
        def helper() -> int:
            return 1
        def chosen() -> int:
            return helper()
        @task
        def make() -> Callable[[], int]:
            return chosen
        @task
        def use(f: Callable[[], int]) -> int:
            return f()
        def flow() -> Future[int]:
            return use(make())
        """,
        "return 1",
    ),
    "helper of a closure that is a result": (
        """
        def helper() -> int:
            return 1
        @task
        def make(n: int) -> Callable[[], int]:
            def inner() -> int:
                return helper() + n
            return inner
        @task
        def use(f: Callable[[], int]) -> int:
            return f()
        def flow() -> Future[int]:
            return use(make(0))
        """,
        "return 1",
    ),
    "class that is a result": (
        """
        class Sub:
            def value(self) -> int:
                return 1
        @task
        def make() -> type:
            return Sub
        @task
        def use(cls: type) -> int:
            return cls().value()
        def flow() -> Future[int]:
            return use(make())
        """,
        "return 1",
    ),
    "method of what an argument gives when called": (
        """
        class Sub:
            def value(self) -> int:
                return 1
        def make() -> Sub:
            return Sub()
        @task
        def use(f: Any) -> int:
            return f().value()
        def flow() -> Future[int]:
            return use(make)
        """,
        "return 1",
    ),
    "object, in a call at module level, whose class uses what is defined further down": (
        """
        class A:
            def value(self) -> int:
                return helper()
        @task
        def use(xs: list[Any]) -> int:
            return xs[0].value()
        made = use([A()])
        def helper() -> int:
            return 1
        def flow() -> Future[int]:
            return made
        """,
        "return 1",
    ),
    "function, in a call of a call at module level, that uses what is defined further down": (
        """
        def fn() -> int:
            return helper()
        @task
        def use(f: Any) -> int:
            return f()
        @task
        def again(x: int, f: Any) -> int:
            return x + f() - x
        made = again(use(fn), fn)
        def helper() -> int:
            return 1
        def flow() -> Future[int]:
            return made
        """,
        "return 1",
    ),
    "task that is an argument": (
        """
        @task
        def inner(x: int) -> int:
            return 1
        @task
        def use(tasks: list[Any]) -> int:
            return tasks[0].fn(0)
        def flow() -> Future[int]:
            return use([inner])
        """,
        "return 1",
    ),
}


@pytest.mark.parametrize("case", EDITS)
def test_an_edit_counts(case: str, tmp_path: Path) -> None:
    """The next run gives what the new code gives, and the run after that takes it from the cache."""
    text, old = EDITS[case]
    project = Project(tmp_path)
    project.write("main.py", HEAD + dedent(text))
    assert project.run_json("main.flow")["result"] == 1
    project.write("main.py", HEAD + dedent(text).replace(old, "return 2"))
    assert project.run_json("main.flow")["result"] == 2
    again = project.run_json("main.flow")
    assert (again["result"], again["run"]) == (2, 0)


def test_equal_objects_still_cut_off(tmp_path: Path) -> None:
    """An edit that changes neither an object nor its class reruns only the task that makes it."""
    project = Project(tmp_path)
    text = HEAD + dedent(EDITS["method of a subclass returned as its base"][0])
    project.write("main.py", text)
    project.run_json("main.flow")
    project.write("main.py", text.replace("return Sub()", "made = Sub()\n    return made"))
    again = project.run_json("main.flow")
    assert (again["run"], again["linked"]) == (1, 1)
