"""`@batch`: items are calls of their own, the body runs over those that are missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from merkl import (
    BindError,
    Eval,
    GraphError,
    TaskFailedError,
    TaskOutsError,
    TypeMismatchError,
    Workspace,
    batch,
    evaluate,
    task,
)
from merkl.execution.report import RunReport
from merkl.graph.batch import BatchTask

Log = list[list[int]]


@task
def one() -> int:
    return 1


@task(ignore_args=["log"])
def square(x: int, log: Log | None = None, *, plus: int = 0) -> int:
    return x * x + plus


@batch(square)
def squares(xs: list[int], log: Log | None = None, *, plus: int = 0) -> list[int]:
    if log is not None:
        log.append(list(xs))
    return [x * x + plus for x in xs]


def test_each_item_has_the_key_of_the_single_task(workspace: Workspace) -> None:
    assert squares([1, 2], plus=3) == [square(1, plus=3), square(2, plus=3)]


def test_the_body_runs_once_for_all_items(workspace: Workspace) -> None:
    log: Log = []
    assert evaluate(squares([1, 2, 3], log)) == [1, 4, 9]
    assert log == [[1, 2, 3]]


def test_only_items_that_are_missing_are_passed_on(workspace: Workspace) -> None:
    log: Log = []
    assert square(2).eval() == 4
    assert evaluate(squares([1, 2, 3], log)) == [1, 4, 9]
    assert evaluate(squares([3, 4, 1], log)) == [9, 16, 1]
    assert log == [[1, 3], [4]]


def test_asking_for_one_item_runs_this_one(workspace: Workspace) -> None:
    log: Log = []
    futures = squares([1, 2, 3], log)
    assert futures[1].eval() == 4
    assert evaluate(futures) == [1, 4, 9]
    assert log == [[2], [1, 3]]


def test_what_a_batch_stored_the_single_task_finds(workspace: Workspace) -> None:
    evaluate(squares([5, 6]))
    assert [square(x).in_cache() for x in (5, 6, 7)] == [True, True, False]


def test_max_size_makes_chunks(workspace: Workspace) -> None:
    log: Log = []

    @batch(square, max_size=2)
    def chunked(xs: list[int]) -> list[int]:
        log.append(list(xs))
        return [x * x for x in xs]

    assert evaluate(chunked(list(range(5)))) == [0, 1, 4, 9, 16]
    assert log == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("size", [0, -1, True, 2.5, "3"])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(GraphError, match="max_size"):
        batch(square, max_size=size)


def test_items_may_be_futures(workspace: Workspace) -> None:
    log: Log = []
    assert evaluate(squares([one(), 2, square(3)], log)) == [1, 4, 81]
    assert log == [[1, 2, 9]]


def test_an_argument_for_all_may_be_a_future(workspace: Workspace) -> None:
    assert evaluate(squares([1, 2], plus=one())) == [2, 5]


def test_equal_items_are_computed_once(workspace: Workspace) -> None:
    log: Log = []
    assert evaluate(squares([2, 2, 2], log)) == [4, 4, 4]
    assert log == [[2]]


def test_an_item_whose_input_came_out_equal_is_not_passed_on(workspace: Workspace) -> None:
    """Early cutoff holds for each item of a batch."""

    @task
    def number(name: str) -> int:
        return len(name)

    log: Log = []
    assert evaluate(squares([number("ab"), number("abc")], log)) == [4, 9]
    assert evaluate(squares([number("xy"), number("wxyz")], log)) == [4, 16]
    assert log == [[2, 3], [4]]


@pytest.mark.parametrize("given", [[1], [1, 2, 3], [], 7, "ab", None, {"a": 1, "b": 2}])
def test_another_number_of_items_is_an_error(workspace: Workspace, given: Any) -> None:
    @batch(square)
    def wrong(xs: list[int]) -> Any:
        return given

    with pytest.raises((TaskOutsError, TaskFailedError), match="was given 2 items and returned"):
        evaluate(wrong([1, 2]))
    assert not square(1).in_cache()


def test_an_item_of_another_type_is_an_error_and_nothing_of_it_is_stored(workspace: Workspace) -> None:
    @batch(square)
    def wrong(xs: list[int]) -> list[Any]:
        return [x if x == 1 else str(x) for x in xs]

    with pytest.raises(TypeMismatchError, match="is str, declared is int"):
        evaluate(wrong([1, 2]))
    assert not square(2).in_cache()


def test_a_body_that_fails_names_the_batch(workspace: Workspace) -> None:
    @batch(square)
    def broken(xs: list[int]) -> list[int]:
        raise ValueError("no GPU")

    with pytest.raises(TaskFailedError, match=r"'broken'.*no GPU") as caught:
        evaluate(broken([1, 2]))
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_body_that_fails_for_many_items_is_one_failure(workspace: Workspace) -> None:
    report = RunReport()

    @batch(square, max_size=3)
    def broken(xs: list[int]) -> list[int]:
        raise ValueError("no GPU")

    with pytest.raises(TaskFailedError):
        workspace.run(lambda: broken([1, 2, 3]), report=report)
    assert (len(report.failed), len(report.failures)) == (3, 1)


@pytest.mark.parametrize("target", [None, 2], ids=["here", "processes"])
def test_a_body_may_be_a_coroutine(tmp_path: Path, target: int | None) -> None:
    """All chunks wait side by side: the first returns only when the last has begun."""
    chunks: list[list[int]] = []
    are_all_there = asyncio.Event()

    @batch(square, max_size=2)
    async def waiting(xs: list[int]) -> list[int]:
        chunks.append(xs)
        if len(chunks) == 3:
            are_all_there.set()
        await are_all_there.wait()
        return [x * x for x in xs]

    with Workspace(tmp_path, target=target):
        assert square(3).eval() == 9
        assert evaluate(waiting([1, 2, 3, 4, 5, 6])) == [1, 4, 9, 16, 25, 36]
        assert square(6).in_cache()
    assert sorted(chunks) == [[1, 2], [4, 5], [6]]


def test_a_bare_batch_may_be_a_coroutine_and_is_checked_as_any(workspace: Workspace) -> None:
    @batch(max_size=2, retries=1)
    async def doubled(xs: list[int], extra: int = 0) -> list[int]:
        await asyncio.sleep(0)
        return [2 * x + extra for x in xs if x < 5]

    assert evaluate(doubled([1, 2, 3], extra=1)) == [3, 5, 7]
    assert doubled.run([4]) == [8]
    with pytest.raises(TaskOutsError, match="was given 2 items and returned 0"):
        evaluate(doubled([4, 5, 6]))


def test_a_bare_batch_has_items_of_its_own(workspace: Workspace) -> None:
    log: list[list[str]] = []

    @batch(ignore_args=["log"])
    def lengths(names: Sequence[str], extra: int = 0, log: list[list[str]] = log) -> list[int]:
        log.append(list(names))
        return [len(name) + extra for name in names]

    assert evaluate(lengths(["a", "bb"], extra=1)) == [2, 3]
    assert evaluate(lengths(["bb", "ccc"], extra=1)) == [3, 4]
    assert log == [["a", "bb"], ["ccc"]]
    assert lengths(["a"])[0].type is int


def test_items_of_a_bare_batch_are_checked(workspace: Workspace) -> None:
    @batch
    def lengths(names: list[str]) -> list[int]:
        return [len(name) for name in names]

    with pytest.raises(TypeMismatchError, match="'names'"):
        lengths(["a", 5])  # type: ignore[list-item]


def test_a_single_task_with_several_required_arguments_takes_tuples(workspace: Workspace) -> None:
    @task
    def add(a: int, b: int, scale: int = 1) -> int:
        return (a + b) * scale

    seen: list[Any] = []

    @batch(add)
    def sums(pairs: list[tuple[int, int]], scale: int = 1) -> list[int]:
        seen.append(list(pairs))
        return [(a + b) * scale for a, b in pairs]

    futures = sums([(1, 2), (one(), 4)], scale=10)
    assert futures[0] == add(1, 2, 10)
    assert evaluate(futures) == [30, 50]
    assert seen == [[(1, 2), (1, 4)]]
    with pytest.raises(BindError, match="item 0"):
        sums([5])  # type: ignore[list-item]


def test_a_single_task_with_several_outs_gives_tuples_of_futures(workspace: Workspace) -> None:
    @task
    def split(text: str) -> tuple[str, int]:
        return text[:1], len(text)

    @batch(split)
    def splits(texts: list[str]) -> list[tuple[str, int]]:
        return [(text[:1], len(text)) for text in texts]

    (first, length), _ = splits(["abc", "de"])
    assert (first.v, length.v) == ("a", 3)
    assert split("de")[1].v == 2


def test_a_parameter_that_the_single_task_lacks_is_refused() -> None:
    with pytest.raises(GraphError, match="'speed' is none of the single task"):

        @batch(square)
        def fast(xs: list[int], speed: int) -> list[int]:
            return xs


def test_options_belong_to_the_single_task() -> None:
    with pytest.raises(GraphError, match="retries= is an option of the single task"):
        batch(square, retries=3)  # type: ignore[call-overload]


@pytest.mark.parametrize("items", ["abc", 5, None])
def test_what_is_no_list_is_refused(workspace: Workspace, items: Any) -> None:
    with pytest.raises(TypeMismatchError, match="wanted a list of items"):
        squares(items)


def test_an_empty_list_gives_an_empty_list(workspace: Workspace) -> None:
    log: Log = []
    assert evaluate(squares([], log)) == []
    assert log == []


def test_iterables_of_items_are_taken_as_lists(workspace: Workspace) -> None:
    assert evaluate(squares(range(3))) == [0, 1, 4]  # type: ignore[arg-type]
    assert evaluate(squares(x for x in (4, 5))) == [16, 25]  # type: ignore[arg-type]


def test_inside_eval_the_body_runs_at_once_for_all(workspace: Workspace) -> None:
    log: Log = []
    with Eval():
        assert squares([1, 2], log) == [1, 4]
    assert log == [[1, 2]]


def test_the_plain_function_is_there_and_run_gives_values(workspace: Workspace) -> None:
    assert isinstance(squares, BatchTask)
    assert squares.fn([3]) == [9]
    assert squares.run([1, 2]) == [1, 4]


def test_a_method_may_be_a_batch(workspace: Workspace) -> None:
    class Model:
        @batch
        def predict(self, xs: list[int]) -> list[int]:
            return [x + 1 for x in xs]

    with pytest.raises(GraphError, match="methods"):
        Model().predict([1, 2])


def test_results_are_there_for_the_next_process(tmp_path: Path) -> None:
    log: Log = []
    for _ in range(2):
        with Workspace(tmp_path) as workspace:
            assert workspace.run(lambda: squares([1, 2], log)).result == [1, 4]
    assert log == [[1, 2]]


def test_without_a_cache_each_item_runs_once(tmp_path: Path) -> None:
    log: Log = []
    with Workspace(tmp_path, is_reading=False, is_writing=False) as workspace:
        outcome = workspace.run(lambda: squares([one(), 2], log))
    assert outcome.result == [1, 4]
    assert outcome.report.counts()["run"] == 3
    assert log == [[1, 2]]
