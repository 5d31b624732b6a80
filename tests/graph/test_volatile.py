"""Which code asks for what is another thing each time, by whatever name: its graph is not kept."""

from __future__ import annotations

import functools
import operator
import os
import random
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
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
