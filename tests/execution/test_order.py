"""The order in which calls run: program order, and the stages that pipelines yield."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from merkl import Future, GraphError, TaskFailedError, Workspace, evaluate, pipeline, task
from merkl.execution.program import build_program

Log = list[str]


@task(ignore_args=["log"])
def work(name: str, log: Log, needs: Any = None) -> str:
    log.append(name)
    return name


@pytest.fixture
def log() -> Log:
    return []


def test_calls_run_in_the_order_in_which_they_were_made_not_asked_for(workspace: Workspace, log: Log) -> None:
    def make() -> list[Future[str]]:
        a, b, c = work("a", log), work("b", log), work("c", log)
        return [c, b, a]

    assert workspace.run(make).result == ["c", "b", "a"]
    assert log == ["a", "b", "c"]


def test_of_equal_calls_the_one_made_first_has_the_place(workspace: Workspace, log: Log) -> None:
    def make() -> list[Future[str]]:
        first = work("x", log)
        user = work("user", log, needs=first)
        again = work("x", log)
        return [user, again]

    assert workspace.run(make).result == ["user", "x"]
    assert log == ["x", "user"]


def test_equal_calls_with_equal_ancestors_run_after_these(workspace: Workspace, log: Log) -> None:
    def make() -> list[Future[str]]:
        first = work("deep", log, needs=work("x", log))
        user = work("user", log, needs=first)
        again = work("deep", log, needs=work("x", log))
        return [user, again]

    assert workspace.run(make).result == ["user", "deep"]
    assert log == ["x", "deep", "user"]


def test_a_generator_yields_stages_and_returns_outputs(workspace: Workspace, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, list[Future[str]]]:
        a, b, c, d = (work(name, log) for name in "abcd")
        yield d
        yield [c, b]
        return [a, b]

    assert workspace.run(lambda: staged()).result == ["a", "b"]
    assert log == ["d", "c", "b", "a"]


def test_yield_runs_nothing_and_gives_nothing(workspace: Workspace, log: Log) -> None:
    received: list[object] = []

    @pipeline
    def staged() -> Generator[Any, None, Future[str]]:
        a = work("a", log)
        received.append((yield a))
        received.append(list(log))
        return a

    staged()
    assert received == [None, []]


def test_a_value_runs_the_stages_recorded_so_far_and_the_code_goes_on(workspace: Workspace, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, Future[str]]:
        a, b, c = (work(name, log) for name in "abc")
        yield b
        if a.v == "a":
            log.append("decided")
            yield c
        return work("end", log)

    assert workspace.run(lambda: staged()).result == "end"
    assert log == ["b", "a", "decided", "c", "end"]


def test_a_stage_that_ran_for_a_value_does_not_run_again_without_a_cache(tmp_path: Any, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, None]:
        yield work("a", log)
        work("b", log).eval()
        yield work("c", log)

    with Workspace(tmp_path, is_reading=False, is_writing=False) as workspace:
        workspace.run(lambda: staged())
    assert log == ["a", "b", "c"]


def test_stages_hold_outside_of_a_run(workspace: Workspace, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, tuple[Future[str], Future[str]]]:
        a, b = work("a", log), work("b", log)
        yield b
        return a, b

    first, _ = staged()
    assert work("after", log, needs=first).eval() == "after"
    assert log == ["b", "a", "after"]


def test_what_a_stage_needs_runs_in_it_and_first(workspace: Workspace, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, Future[str]]:
        needed, other = work("needed", log), work("other", log)
        yield [work("x", log, needs=needed)]
        return other

    workspace.run(lambda: staged())
    assert log == ["needed", "x", "other"]


def test_a_member_of_a_stage_that_another_member_needs_runs_before_it(workspace: Workspace, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, None]:
        first = work("first", log)
        yield [work("second", log, needs=first), first]

    workspace.run(lambda: staged())
    assert log == ["first", "second"]


def test_stages_of_nested_pipelines_come_in_the_order_in_which_they_were_yielded(
    workspace: Workspace, log: Log
) -> None:
    @pipeline
    def inner() -> Generator[Any, None, Future[str]]:
        late, early = work("inner late", log), work("inner early", log)
        yield early
        return late

    @pipeline
    def outer() -> Generator[Any, None, list[Future[str]]]:
        a, b = work("a", log), work("b", log)
        yield b
        given = inner()
        yield a
        return [a, given]

    workspace.run(lambda: outer())
    assert log == ["b", "inner early", "a", "inner late"]


def test_pipelines_called_by_a_plain_function_keep_program_order_between_them(
    workspace: Workspace, log: Log
) -> None:
    @pipeline
    def staged(name: str) -> Generator[Any, None, Future[str]]:
        a, b = work(f"{name}a", log), work(f"{name}b", log)
        yield b
        return a

    def make() -> Any:
        before = work("before", log)
        p, q = staged("p"), staged("q")
        return q, p, before

    workspace.run(make)
    assert log == ["before", "pb", "pa", "qb", "qa"]


def test_a_plain_generator_yields_order_too(workspace: Workspace, log: Log) -> None:
    def make() -> Generator[Any, None, Future[str]]:
        a, b = work("a", log), work("b", log)
        yield b
        return a

    assert workspace.run(make).result == "a"
    assert log == ["b", "a"]


def test_a_failing_value_raises_in_the_pipeline(workspace: Workspace, log: Log) -> None:
    @task
    def fails() -> int:
        raise ValueError("no")

    @pipeline
    def staged() -> str:
        try:
            fails().eval()
        except TaskFailedError:
            return "caught"
        return "not raised"

    assert workspace.run(lambda: staged()).result == "caught"


def test_yielding_something_else_is_an_error(workspace: Workspace) -> None:
    @pipeline
    def wrong() -> Generator[Any, None, None]:
        yield 5

    with pytest.raises(GraphError, match=r"yielded int \(.*test_order\.py:\d+\)"):
        wrong()


def test_an_empty_list_is_an_empty_stage(workspace: Workspace) -> None:
    @pipeline
    def fine() -> Generator[Any, None, str]:
        yield []
        return "done"

    assert fine() == "done"


def test_where_nothing_may_run_an_uncached_value_ends_the_graph(workspace: Workspace, log: Log) -> None:
    @pipeline
    def staged() -> Generator[Any, None, Future[str]]:
        try:
            yield work("first", log)
            a = work("a", log)
            if a.v:
                yield work("never", log)
        except Exception:  # noqa: BLE001 - what a user may write
            log.append("swallowed")
        return work("end", log)

    program = build_program(lambda: staged(), may_run=False)
    assert [future.arguments["name"] for future in program.depends_on] == ["a"]
    assert [call.arguments()["name"] for call in program.calls] == ["first", "a"]
    assert len(program.stages) == 1
    assert log == []
    evaluate(program.depends_on)
    again = build_program(lambda: staged(), may_run=False)
    assert again.depends_on == ()
    assert [call.arguments()["name"] for call in again.calls] == ["first", "a", "never", "end"]


def test_a_nested_pipeline_is_none_outside_a_call_and_plain_inside_eval(
    workspace: Workspace, log: Log
) -> None:
    from merkl import Eval

    @pipeline
    def staged(name: str) -> Any:
        return {"out": work(name, log)}

    with Eval():
        assert staged("x") == {"out": "x"}
    assert staged.fn("y")["out"].v == "y"
