"""Which code asks for what is another thing each time, by whatever name: its graph is not kept."""

from __future__ import annotations

import functools
import importlib
import operator
import os
import random
import sys
import textwrap
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tornado import speedups

from merkl import Eval, Workspace, pipeline, task
from merkl.graph.volatile import find_volatile

is_there = os.path.exists
size_of = os.stat
by_name: dict[str, Any] = {"there": os.path.exists}
draw = random.Random(1)
generator = np.random.default_rng(1)


class Settings:
    """Asks the environment."""

    def get(self) -> str | None:
        return os.environ.get("HOME")


class Holder:
    """Asks through what it holds."""

    def __init__(self) -> None:
        self.inner = Settings()


settings, holder = Settings(), Holder()


@functools.lru_cache
def read_once() -> str:
    return Path("data").read_text()


def later(ask: Callable[[str], bool] = os.path.exists) -> bool:
    return ask("x")


def through_partial() -> Any:
    return functools.partial(size_of, "x")()


def closed_over() -> Callable[[], Any]:
    ask = os.path.isfile
    return lambda: ask("x")


@pytest.mark.parametrize(
    "body",
    [
        lambda: is_there("x"),
        lambda: size_of("x").st_size,
        lambda: by_name["there"]("x"),
        lambda: draw.choice([1, 2]),
        lambda: generator.integers(3),
        lambda: settings.get(),
        lambda: holder.inner.get(),
        lambda: read_once(),
        lambda: sys.argv[1],
        lambda: getattr(os, "envi" + "ron")["HOME"],
        lambda: vars(os)["environ"],
        lambda: operator.attrgetter("".join(["exi", "sts"]))(Path("x"))(),
        lambda: Decimal(1) / Decimal(3),  # its digits are those of a context that code elsewhere sets
        lambda: speedups.websocket_mask(b"abcd", b"x"),  # C may read what Python does not tell of
        later,
        through_partial,
        closed_over(),
    ],
)
def test_what_is_another_thing_each_time_is_found_under_any_name(body: Callable[[], Any]) -> None:
    assert find_volatile(body)


def test_an_argument_whose_methods_ask_is_found(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    @task
    def same(x: object) -> object:
        return x

    @pipeline
    def build(settings: Settings) -> Any:
        return same(settings.get())

    monkeypatch.setenv("HOME", "/one")
    assert build(settings).eval() == "/one"
    monkeypatch.setenv("HOME", "/two")
    assert build(settings).eval() == "/two"


def test_a_helper_that_the_body_imports_is_looked_into(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported_late.py").write_text("import os\nask = os.getenv\ndef get(): return ask('HOME')\n")
    monkeypatch.syspath_prepend(tmp_path)

    @task
    def same(x: object) -> object:
        return x

    @pipeline
    def build() -> Any:
        from imported_late import get  # type: ignore[import-not-found]

        return same(get())

    monkeypatch.setenv("HOME", "/one")
    assert build().eval() == "/one"
    monkeypatch.setenv("HOME", "/two")
    assert build().eval() == "/two"


LIMITS = {"low": [1, 2], "high": [3]}


class Scale:
    """Plain data with a method."""

    def __init__(self, by: int) -> None:
        self.by = by

    def apply(self, x: int) -> int:
        return self.by * x


scale = Scale(2)


@pytest.mark.parametrize(
    "body",
    [
        lambda: scale.apply(LIMITS["low"][0]),
        lambda: sorted(os.path.join("a", "b")),
        lambda: [getattr(scale, name) for name in ("by",)],
        lambda: np.asarray([scale.by]),
    ],
)
def test_what_follows_from_code_and_constants_is_not(body: Callable[[], Any]) -> None:
    assert find_volatile(body) == ""


def test_a_body_that_evaluates_calls_at_once_runs_each_time(workspace: Workspace) -> None:
    """What the values were is nowhere noted, and the files that those calls read are not either."""
    runs: list[int] = []

    @task
    def double(x: int) -> int:
        return 2 * x

    def note() -> None:
        runs.append(1)

    @pipeline
    def build() -> Any:
        note()
        with Eval():
            x = double(2)
        return double(x)

    assert [build().eval(), build().eval()] == [8, 8]
    assert len(runs) == 2


def test_a_module_of_the_users_may_have_the_name_of_one_of_pythons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code is looked into: passed over as Python's own, its pipelines would never see that a file came."""
    (tmp_path / "sched.py").write_text("import os\n\ndef there(path):\n    return os.path.exists(path)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sched", raising=False)
    sched: Any = importlib.import_module("sched")
    monkeypatch.delitem(sys.modules, "sched")
    monkeypatch.setitem(sys.modules, "sched", sched)
    assert find_volatile(sched.there) == "exists"
    assert find_volatile(lambda: sched.there("x")) == "exists"


def make_modules(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module of functions that reach `there.is_there`, which asks whether a file exists, in many ways."""
    asks = "import os\n\ndef is_there(path):\n    return os.path.exists(path)\n"
    (folder / "outer_v" / "inner").mkdir(parents=True)
    (folder / "outer_v" / "__init__.py").write_text("")
    (folder / "outer_v" / "inner" / "__init__.py").write_text("")
    (folder / "outer_v" / "inner" / "there.py").write_text(asks)
    (folder / "outer_v" / "there.py").write_text(asks)
    (folder / "outer_v" / "ways.py").write_text(
        textwrap.dedent("""
            import outer_v.inner.there
            from outer_v import there

            TABLE = {"there": there}

            def by_dots(path):
                return outer_v.inner.there.is_there(path)

            def by_table(path):
                return TABLE["there"].is_there(path)

            def closing():
                from outer_v import there
                return lambda path: there.is_there(path)

            by_closure = closing()

            def module():
                from outer_v import there
                return there

            def by_call(path):
                return module().is_there(path)

            def imported_in_the_body(path):
                from outer_v.inner import there as here
                return here.is_there(path)

            def imported_beside(path):
                from . import there as here
                return here.is_there(path)

            def imported_from_beside(path):
                from .inner.there import is_there as ask
                return ask(path)

            def harmless(path):
                return outer_v.__name__ + path
        """)
    )
    monkeypatch.syspath_prepend(folder)
    for name in ("outer_v", "outer_v.inner", "outer_v.inner.there", "outer_v.there", "outer_v.ways"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("outer_v.ways")


@pytest.mark.parametrize(
    ("way", "found"),
    [
        *(
            (way, "exists")
            for way in ("by_dots", "by_table", "by_closure", "by_call", "imported_in_the_body")
        ),
        *((way, "exists") for way in ("imported_beside", "imported_from_beside")),
        ("harmless", ""),
    ],
)
def test_it_is_found_in_modules_however_they_are_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, found: str
) -> None:
    assert find_volatile(getattr(make_modules(tmp_path, monkeypatch), way)) == found


def test_what_an_installed_package_asks_for_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks on behalf of the body that calls it."""
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "draws_v.py").write_text(
        "import random\n\ndef draw():\n    return random.randrange(9)\n\ndef twice(x):\n    return x + x\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    monkeypatch.delitem(sys.modules, "draws_v", raising=False)
    draws: Any = importlib.import_module("draws_v")
    monkeypatch.setitem(sys.modules, "draws_v", draws)
    assert find_volatile(lambda: draws.draw()).lower() == "random"
    assert find_volatile(lambda: draws.twice(1)) == ""
