"""Calls that turn out to be needed while others run: each runs once, whatever else needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import expansion_tasks as tasks
import parallel_tasks
import pytest

from merkl import TaskFailedError, Workspace, evaluate
from merkl.execution.report import RunReport


@pytest.fixture(params=[None, 2], ids=["here", "processes"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A workspace in whose folder the bodies leave what they did."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXPANSION_LOG", str(tmp_path / "log"))
    with Workspace(tmp_path, target=request.param, keeps_going=True) as entered:
        yield entered


def ran(place: Workspace) -> Counter[str]:
    return Counter((place.root / "log").read_text().splitlines())


EACH_ONCE = {"square 0": 1, "square 1": 1, "square 2": 1}


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: [tasks.total(tasks.square.map(tasks.numbers(3))), tasks.square(1)], [5, 1]),
        (lambda: [tasks.square(1), tasks.total(tasks.square.map(tasks.numbers(3)))], [1, 5]),
        (lambda: [tasks.total(tasks.square.map(tasks.numbers(3))), *tasks.squares([1, 2])], [5, 1, 4]),
        (lambda: [tasks.total(tasks.squares([1, 2])), tasks.square.map(tasks.numbers(3))], [5, [0, 1, 4]]),
        (
            lambda: [tasks.square.map(tasks.numbers(3)), tasks.square.map(tasks.numbers(2))],
            [[0, 1, 4], [0, 1]],
        ),
    ],
    ids=["asked for later", "asked for before", "in a later batch", "in an earlier batch", "in two maps"],
)
def test_an_item_that_is_asked_for_elsewhere_too_runs_once(
    place: Workspace, build: Callable[[], Any], expected: Any
) -> None:
    assert place.run(build).result == expected
    assert ran(place) == EACH_ONCE


def test_an_item_is_not_held_back_for_the_stage_that_lists_it(place: Workspace) -> None:
    """The first stage needs it, so it cannot wait until the first stage is complete."""
    assert place.run(tasks.later_stage).result == [5, 1]
    assert ran(place) == EACH_ONCE


def test_a_batch_that_waits_for_the_map_shares_no_item_with_it(place: Workspace) -> None:
    def build() -> Any:
        total = tasks.total(tasks.square.map(tasks.numbers(3)))
        return tasks.squares([1, total])

    assert place.run(build).result == [1, 25]


def test_an_item_that_fails_is_reported_once(place: Workspace) -> None:
    report = RunReport()
    with pytest.raises(TaskFailedError, match="one is refused"):
        place.run(
            lambda: [tasks.refuse(1), tasks.total(tasks.refuse.map(tasks.numbers(3))), tasks.square(2)],
            report=report,
        )
    assert len(report.failures) == 1
    assert ran(place) == {"refuse 0": 1, "refuse 1": 1, "refuse 2": 1, "square 2": 1}
    assert {call.task.name for call in report.skipped} == {"refuse.map", "total"}


def test_what_mapped_pipelines_write_is_written(place: Workspace) -> None:
    assert place.run(lambda: tasks.written.map(tasks.numbers(2))).result == [0, 1]
    assert all((place.root / f"square-{x}.txt").exists() for x in range(2))


def test_what_asks_for_values_here_leaves_the_replies_of_running_calls_alone(place: Workspace) -> None:
    """A pipeline of which each item of a list is a call, while workers are busy; both have their values."""
    naps = [parallel_tasks.nap(i, 0.2) for i in range(3)]
    items = parallel_tasks.branching.map(tasks.numbers(4))
    assert evaluate([*naps, items]) == [0, 1, 2, [1, 1, 3, 9]]
