"""Choosing what runs: again, up to a task, for a file, or nothing at all; and what is said before anything runs."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from merkl import Future, SelectionError, Workspace, WouldRunError, batch, pipeline, task
from merkl.execution.selection import Selection

Log = list[str]


@task(ignore_args=["log"])
def load(n: int, log: Log) -> list[int]:
    log.append("load")
    return list(range(n))


@task(ignore_args=["log"])
def half(xs: list[int], log: Log) -> list[int]:
    log.append("half")
    return xs[::2]


@task(ignore_args=["log"])
def total(xs: list[int], log: Log) -> int:
    log.append("total")
    return sum(xs)


@pytest.fixture
def log() -> Log:
    return []


def main(log: Log, n: int = 4) -> Future[int]:
    return total(half(load(n, log), log), log)


# -- run again -------------------------------------------------------------------------------------------------


def test_a_task_runs_again_and_equal_results_spare_what_follows(workspace: Workspace, log: Log) -> None:
    workspace.run(lambda: main(log))
    log.clear()
    outcome = workspace.run(lambda: main(log), selection=Selection(rerun=["half"]))
    assert outcome.result == 2
    assert log == ["half"]


def test_a_result_that_came_from_outside_is_replaced_and_stays_replaced(
    workspace: Workspace, tmp_path: Path, log: Log
) -> None:
    source = tmp_path / "number"
    source.write_text("4")

    @task
    def fetch(path: str) -> int:
        return int(Path(path).read_text())

    def make() -> Future[int]:
        return total(load(fetch(str(source)), log), log)

    assert workspace.run(make).result == 6
    source.write_text("5")
    assert workspace.run(make).result == 6
    log.clear()
    outcome = workspace.run(make, selection=Selection(rerun=["fetch"]))
    assert outcome.result == 10
    assert log == ["load", "total"]
    log.clear()
    assert workspace.run(make).result == 10
    assert log == []


def test_all_runs_everything_once(workspace: Workspace, log: Log) -> None:
    def make() -> int:
        first = half(load(4, log), log)
        assert first.v == [0, 2]
        return total(first, log).v

    workspace.run(make)
    log.clear()
    assert workspace.run(make, selection=Selection(rerun=["all"])).result == 2
    assert log == ["load", "half", "total"]


def test_a_task_over_a_list_that_was_not_known_runs_again_for_each_item(
    workspace: Workspace, log: Log
) -> None:
    @task
    def numbers() -> list[int]:
        return [1, 2]

    @task
    def square(x: int) -> int:
        log.append(f"square {x}")
        return x * x

    def make() -> Any:
        return square.map(numbers())

    workspace.run(make)
    log.clear()
    assert workspace.run(make, selection=Selection(rerun=["square"])).result == [1, 4]
    assert log == ["square 1", "square 2"]


def test_the_items_of_a_batch_run_again_together(workspace: Workspace, log: Log) -> None:
    @batch
    def squares(xs: list[int]) -> list[int]:
        log.append(repr(xs))
        return [x * x for x in xs]

    workspace.run(lambda: squares([1, 2]))
    workspace.run(lambda: squares([1, 2]), selection=Selection(rerun=["squares"]))
    assert log == ["[1, 2]", "[1, 2]"]


def test_a_name_may_have_its_module(workspace: Workspace, log: Log) -> None:
    workspace.run(lambda: main(log))
    log.clear()
    workspace.run(lambda: main(log), selection=Selection(rerun=[f"{__name__}.total"]))
    assert log == ["total"]


def test_a_name_that_no_call_has_is_refused_before_anything_runs(workspace: Workspace, log: Log) -> None:
    with pytest.raises(SelectionError, match=r"'totl'.*did you mean 'total'"):
        workspace.run(lambda: main(log), selection=Selection(rerun=["totl"]))
    with pytest.raises(SelectionError, match="there are half, load, total"):
        workspace.run(lambda: main(log), selection=Selection(until=["xyz"]))
    assert log == []


def test_what_a_value_decided_is_decided_again(workspace: Workspace, tmp_path: Path, log: Log) -> None:
    """Neither a kept graph nor a result of before stands in the way where a rerun gives something else."""
    source = tmp_path / "number"
    source.write_text("3")

    @task
    def fetch(path: str) -> int:
        return int(Path(path).read_text())

    @pipeline(ignore_args=["log"])
    def decides(path: str, log: Log) -> Future[int]:
        number = fetch(path)
        first = load(number, log)
        return total(first, log) if number.v < 5 else total(half(first, log), log)

    def make() -> Future[int]:
        return decides(str(source), log)

    assert workspace.run(make).result == 3
    source.write_text("6")
    assert workspace.run(make).result == 3
    assert workspace.run(make, selection=Selection(rerun=["fetch"])).result == 6
    log.clear()
    assert workspace.run(make).result == 6
    assert log == []


# -- up to a task, for a file ----------------------------------------------------------------------------------


def test_a_run_up_to_a_task_gives_its_values(workspace: Workspace, log: Log) -> None:
    assert workspace.run(lambda: main(log), selection=Selection(until=["half"])).result == [0, 2]
    assert log == ["load", "half"]
    many = workspace.run(lambda: [main(log), main(log, 5)], selection=Selection(until=["half"]))
    assert many.result == [[0, 2], [0, 2, 4]]
    equal = workspace.run(lambda: [main(log), main(log)], selection=Selection(until=["half"]))
    assert equal.result == [0, 2]


def test_of_the_stages_only_what_is_needed_runs(workspace: Workspace, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, Future[int]]:
        a = load(3, log)
        yield total(a, log)
        return total(half(a, log), log)

    workspace.run(lambda: staged(), selection=Selection(until=["half"]))
    assert log == ["load", "half"]


def test_a_run_for_a_file_writes_it_and_runs_nothing_else(
    workspace: Workspace, tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def make() -> Future[int]:
        a = load(4, log)
        half(a, log).write("half.json")
        return total(a, log)

    outcome = workspace.run(make, selection=Selection(outputs=["half.json"]))
    assert outcome.result == str(tmp_path / "half.json")
    assert (tmp_path / "half.json").exists()
    assert log == ["load", "half"]
    with pytest.raises(
        SelectionError, match=r"nothing is written to 'halb.json' here; did you mean 'half.json'"
    ):
        workspace.run(make, selection=Selection(outputs=["halb.json"]))


# -- nothing at all --------------------------------------------------------------------------------------------


def test_frozen_gives_what_is_there_and_refuses_what_is_not(workspace: Workspace, log: Log) -> None:
    frozen = Selection(is_frozen=True)
    with pytest.raises(WouldRunError, match="3 calls would run, and nothing may") as caught:
        workspace.run(lambda: main(log), selection=frozen)
    assert [name for name, _ in caught.value.calls] == ["load", "half", "total"]
    assert log == []
    workspace.run(lambda: main(log))
    log.clear()
    assert workspace.run(lambda: main(log), selection=frozen).result == 2
    assert log == []


def test_frozen_allows_what_early_cutoff_gives(workspace: Workspace, log: Log) -> None:
    @task
    def same(name: str) -> list[int]:
        return [1, 2]

    workspace.run(lambda: total(same("a"), log))
    workspace.run(lambda: same("b"))
    assert workspace.run(lambda: total(same("b"), log), selection=Selection(is_frozen=True)).result == 3


def test_frozen_holds_for_values_that_the_code_asks_for(workspace: Workspace, log: Log) -> None:
    with pytest.raises(WouldRunError):
        workspace.run(lambda: main(log).v, selection=Selection(is_frozen=True))
    assert log == []


# -- the forecast ----------------------------------------------------------------------------------------------


def names(forecast: Any) -> list[tuple[str, str]]:
    return [(item.call.task.name, item.status) for item in forecast.calls]


def test_the_forecast_says_what_would_run_in_order(workspace: Workspace, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, list[Future[int]]]:
        a = load(3, log)
        b, c = total(half(a, log), log), total(a, log)
        yield c
        return [b]

    forecast = workspace.forecast(lambda: staged())
    assert names(forecast) == [("load", "run"), ("total", "run"), ("half", "run"), ("total", "run")]
    assert [item.stage for item in forecast.calls] == [1, 1, 2, 2]
    workspace.run(lambda: half(load(3, log), log))
    log.clear()
    assert names(workspace.forecast(lambda: staged())) == [
        ("load", "cached"),
        ("half", "cached"),
        ("total", "run"),
        ("total", "run"),
    ]
    assert log == []


def test_the_forecast_knows_how_long_tasks_took(workspace: Workspace, log: Log) -> None:
    workspace.run(lambda: load(3, log))
    forecast = workspace.forecast(lambda: main(log))
    seconds = {item.call.task.name: item.seconds for item in forecast.calls}
    assert seconds["load"] is not None
    assert seconds["total"] is None
    assert forecast.seconds is None
    workspace.run(lambda: main(log))
    assert (workspace.forecast(lambda: main(log, 9)).seconds or 0) > 0


def test_the_forecast_ends_where_a_value_decides(workspace: Workspace, log: Log) -> None:
    def make() -> Any:
        a = load(3, log)
        return half(a, log) if total(a, log).v > 2 else a

    forecast = workspace.forecast(make)
    assert [future.task.name for future in forecast.depends_on] == ["total"]
    assert names(forecast) == [("load", "run"), ("total", "run")]
    workspace.run(make)
    assert names(workspace.forecast(make)) == [("half", "cached")]
    again = workspace.forecast(make, selection=Selection(rerun=["load"]))
    assert [future.task.name for future in again.depends_on] == ["total"]


def test_the_forecast_of_a_choice_is_that_of_its_run(workspace: Workspace, log: Log) -> None:
    workspace.run(lambda: main(log))
    until = workspace.forecast(lambda: main(log), selection=Selection(until=["half"]))
    assert names(until) == [("half", "cached")]
    rerun = workspace.forecast(lambda: main(log), selection=Selection(rerun=["half"]))
    assert names(rerun) == [("load", "cached"), ("half", "run"), ("total", "run")]
