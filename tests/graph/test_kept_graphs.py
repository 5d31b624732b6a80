"""`@pipeline` gives its graph again without running its body, as long as all that it depends on is unchanged."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from merkl import (
    FileRef,
    Future,
    ImpurePipelineError,
    InputChangedError,
    Workspace,
    batch,
    evaluate,
    pipeline,
    task,
)
from merkl.execution.program import build_program
from merkl.graph.pipeline import Pipeline

#: What bodies note; a list that is reached is part of a fingerprint, a path of a file that is appended to is not.
ran: list[str] = []
ran_inside: list[str] = []


@pytest.fixture(autouse=True)
def _as_if_new() -> None:
    """Nothing has run, and nothing is remembered from the test before."""
    ran.clear()
    ran_inside.clear()
    forget_memory(*(value for value in globals().values() if isinstance(value, Pipeline)))


@task
def double(x: int) -> int:
    return 2 * x


@task
def both(x: int) -> tuple[int, str]:
    return x, str(x)


@task
def parse(text: str) -> list[int]:
    return [int(word) for word in text.split()]


@task
def size(file: FileRef) -> int:
    return len(file.read_bytes())


@task
def note(text: str, folder: str) -> None:
    (Path(folder) / "noted").write_text(text)


@batch
def squares(xs: list[int]) -> list[int]:
    return [x * x for x in xs]


@dataclass
class Outputs:
    first: Future[int]
    rest: list[Future[int]]
    label: str


def forget_memory(*pipelines: Any) -> None:
    """What is left is what another process would find."""
    for one in pipelines:
        one._memory.clear()


@pipeline
def plain(x: int, label: str = "x") -> Any:
    ran.append("plain")
    first = double(x)
    pair = both(x)
    return {
        "all": Outputs(first, [double(first), *squares([1, 2])], label),
        "pair": pair,
        "given": (label, None, 3.5),
    }


def keys_of(structure: Any) -> list[str]:
    return [future.hash for future in structure["all"].rest] + [future.hash for future in structure["pair"]]


@pytest.mark.parametrize("is_remembered", [True, False])
def test_the_body_runs_once_and_the_outputs_are_equal(workspace: Workspace, is_remembered: bool) -> None:
    before = plain(3)
    values = evaluate(before)
    if not is_remembered:
        forget_memory(plain)
    again = plain(3)
    assert ran == ["plain"]
    assert keys_of(again) == keys_of(before)
    assert type(again["all"]) is Outputs
    assert again["given"] == ("x", None, 3.5)
    assert [future.type for future in again["pair"]] == [int, str]
    assert evaluate(again) == values
    assert ran == ["plain"]


def test_other_arguments_are_another_graph(workspace: Workspace) -> None:
    plain(3)
    plain(4)
    plain(3, label="y")
    assert ran == ["plain"] * 3


def test_outputs_that_are_not_there_yet_are_computed(workspace: Workspace) -> None:
    plain(3)
    forget_memory(plain)
    again = plain(3)
    assert ran == ["plain"]
    assert evaluate(again["all"].rest) == [12, 1, 4]
    assert ran == ["plain", "plain"]


def test_what_is_asked_of_a_future_beside_its_key_runs_the_body(workspace: Workspace) -> None:
    plain(3)
    again = plain(3)
    first = again["all"].rest[0]
    assert first.task is double
    assert first.type is int
    assert ran == ["plain"]
    assert first.parents == (double(3),)
    assert dict(again["all"].first.arguments) == {"x": 3}
    assert ran == ["plain", "plain"]


def test_a_result_that_was_evicted_is_computed_again(workspace: Workspace) -> None:
    evaluate(plain(3))
    double(double(3)).clear_cache()
    double(3).clear_cache()
    forget_memory(plain)
    assert evaluate(plain(3)["all"].rest[0]) == 12
    assert ran == ["plain", "plain"]


@pipeline
def best_of(xs: list[int]) -> Generator[object, None, Future[int]]:
    models = [double(x) for x in xs]
    yield models
    scores = [double(model) for model in models]
    yield scores
    return scores[0] if max(score.v for score in scores) < 0 else double(scores[-1])


@pytest.mark.parametrize("target", [None, 2])
def test_what_a_body_that_runs_again_asks_for_is_not_run_once_more(
    tmp_path: Path, target: int | None
) -> None:
    """The stages behind the value are complete when the plan is made for which the body ran again."""
    with Workspace(tmp_path, target=target) as workspace:
        workspace.run(lambda: best_of([1, 2]))
        for x in (1, 2):
            double(x).clear_cache()
        forget_memory(best_of)
        counts = workspace.run(lambda: best_of([1, 2])).report.counts()
        assert (counts["calls"], counts["run"], counts["cached"]) == (5, 2, 3)


def test_what_is_made_of_given_outputs_keeps_program_order(workspace: Workspace, tmp_path: Path) -> None:
    log: list[str] = []

    @task(ignore_args=["log"])
    def work(name: str, log: list[str], needs: Any = None) -> str:
        log.append(name)
        return name

    @pipeline(ignore_args=["log"])
    def chain(log: list[str]) -> Any:
        a = work("a", log)
        b = work("b", log)
        return work("c", log, needs=[b, a])

    def make() -> Any:
        before = work("before", log)
        middle = chain(log)
        return [work("after", log, needs=middle), before]

    first = workspace.run(make).result
    assert log == ["before", "a", "b", "c", "after"]
    for future in (work("before", log), work("a", log), work("b", log)):
        future.clear_cache()
    recalled = chain(log)
    recalled.clear_cache()
    work("after", log, needs=recalled).clear_cache()
    log.clear()
    assert workspace.run(make).result == first
    assert log == ["before", "a", "b", "c", "after"]


# -- nested, staged, with effects --------------------------------------------------------------------------------


@pipeline
def inner(path: str) -> Any:
    ran_inside.append("inner")
    return double(int(Path(path).read_text()))


@pipeline
def outer(path: str) -> Any:
    ran.append("outer")
    return {"inner": inner(path), "more": double(inner(path))}


def test_nested_pipelines_depend_on_what_the_inner_ones_read(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text("1")
    assert evaluate(outer(str(path))) == {"inner": 2, "more": 4}
    assert (ran, ran_inside) == (["outer"], ["inner"])
    forget_memory(inner, outer)
    assert evaluate(outer(str(path))) == {"inner": 2, "more": 4}
    assert (ran, ran_inside) == (["outer"], ["inner"])
    path.write_text("2")
    assert evaluate(outer(str(path))) == {"inner": 4, "more": 8}
    assert (ran, ran_inside) == (["outer"] * 2, ["inner"] * 2)


def test_a_given_inner_graph_in_a_built_outer_one_is_computed_when_needed(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "n"
    path.write_text("1")
    inner(str(path))
    given = outer(str(path))
    assert (ran, ran_inside) == (["outer"], ["inner"])
    assert evaluate(given) == {"inner": 2, "more": 4}
    assert (ran, ran_inside) == (["outer"], ["inner", "inner"])
    forget_memory(inner, outer)
    assert evaluate(outer(str(path))) == {"inner": 2, "more": 4}
    assert (ran, ran_inside) == (["outer"], ["inner", "inner"])


@pipeline
def with_effects(folder: str) -> Generator[Any, None, Future[int]]:
    ran.append("effects")
    late, early = double(1), double(2)
    note("hello", folder)
    parse("4").write(f"{folder}/late.json")
    yield early
    return late


def test_effects_writes_and_stages_are_part_of_what_is_given(workspace: Workspace, tmp_path: Path) -> None:
    workspace.run(lambda: with_effects(str(tmp_path)))
    written = (tmp_path / "late.json").read_bytes()
    (tmp_path / "late.json").unlink()
    forget_memory(with_effects)
    program = build_program(lambda: with_effects(str(tmp_path)))
    assert ran == ["effects"]
    assert [f.hash for stage in program.stages for f in stage.futures] == [double(2).hash]
    assert sorted(call.task.name for call in program.calls) == ["double", "double", "note", "parse"]
    workspace.run(lambda: with_effects(str(tmp_path)))
    assert (tmp_path / "late.json").read_bytes() == written
    assert ran == ["effects"]


def test_the_figures_count_the_calls_behind(workspace: Workspace) -> None:
    def deep() -> Any:
        return chain_of(30)

    first = workspace.run(deep).report.counts()
    again = workspace.run(deep).report.counts()
    assert (first["run"], again["run"], again["cached"]) == (30, 0, 30)
    assert ran == ["chain"]


@pipeline
def doubled_thrice(x: int) -> Any:
    return double(double(double(x)))


@pipeline
def doubled_in_parts(x: int) -> Any:
    return [doubled_thrice(x), double(both(double(double(x)))[0])]


@pipeline
def two_that_share(x: int) -> Any:
    return [doubled_thrice(x), doubled_in_parts(x)]


@pytest.mark.parametrize(
    "make", [lambda: two_that_share(7), lambda: [double(7), two_that_share(7), doubled_thrice(7)]]
)
def test_calls_that_several_graphs_share_count_once(workspace: Workspace, make: Any) -> None:
    first = workspace.run(make).report.counts()
    again = workspace.run(make).report.counts()
    assert (first["calls"], again["calls"], again["cached"]) == (5, 5, 5)


@pipeline
def chain_of(length: int) -> Any:
    ran.append("chain")
    value: Any = 1
    for _ in range(length):
        value = double(value)
    return value


def test_no_call_is_said_to_be_needless_that_an_equal_graph_needs(workspace: Workspace) -> None:
    workspace.run(lambda: chain_of(3))
    forget_memory(chain_of)
    workspace.ledger.forget("graph", [key for key, _ in workspace.ledger.notes("graph")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = workspace.run(lambda: [chain_of(3), chain_of(3)])
    assert outcome.result == [8, 8]
    assert ran == ["chain", "chain"]


def test_a_future_among_the_arguments_is_given_back_itself(workspace: Workspace) -> None:
    @pipeline
    def through(x: Any) -> Any:
        ran.append("through")
        return [x, double(x)]

    mine = double(4)
    through(mine)
    given, made = through(mine)
    assert given is mine
    assert made.v == 16
    assert ran == ["through", "through"]


def test_a_pipeline_is_called_for_each_item_of_a_list_that_is_not_known_yet(workspace: Workspace) -> None:
    @task
    def numbers() -> list[int]:
        return [1, 2]

    @pipeline
    def quadruple(x: int) -> Future[int]:
        return double(double(x))

    assert quadruple.map(numbers()).v == [4, 8]


# -- what is refused ---------------------------------------------------------------------------------------------


switch = {"on": False}


@pipeline(code_version=1)
def impure(x: int) -> Any:
    ran.append("impure")
    return double(x + len(ran))


def test_a_body_that_gives_other_calls_is_impure(workspace: Workspace) -> None:
    impure(1)
    again = impure(1)
    with pytest.raises(ImpurePipelineError, match="'impure' is impure"):
        again.eval()


def test_a_file_that_changes_between_the_call_and_its_need_is_an_error(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "n"
    path.write_text("1")
    inner(str(path))
    again = inner(str(path))
    path.write_text("2")
    with pytest.raises(InputChangedError, match="changed after pipeline 'inner' was called"):
        again.eval()


def test_without_a_cache_the_body_runs_each_time(tmp_path: Path) -> None:
    with Workspace(tmp_path, is_reading=False, is_writing=False):
        plain(3)
        plain(3)
    assert ran == ["plain", "plain"]
    assert not (tmp_path / ".merkl").exists()


def test_a_task_with_an_extra_key_is_asked_each_time(workspace: Workspace) -> None:
    tags = ["a"]

    @task(extra_key=lambda x: tags[0])
    def fetch(x: int) -> int:
        return x

    @pipeline
    def fetches() -> Any:
        ran.append("fetches")
        return fetch(1)

    before = fetches().hash
    tags[0] = "b"
    assert fetches().hash != before
    assert ran == ["fetches", "fetches"]


def test_an_argument_without_canonical_bytes_is_passed_on(workspace: Workspace) -> None:
    @pipeline
    def takes(items: Any) -> Any:
        ran.append("takes")
        return [double(x) for x in items]

    assert evaluate(takes(iter([1, 2]))) == [2, 4]
    assert evaluate(takes(iter([1, 2]))) == [2, 4]
    assert ran == ["takes", "takes"]


def test_pipelines_of_equal_code_with_other_tasks_are_told_apart(workspace: Workspace) -> None:
    def make(factor: int) -> Any:
        @task
        def scale(x: int) -> int:
            return factor * x

        @pipeline
        def scaled(x: int) -> Any:
            return scale(x)

        return scaled

    assert make(2)(5).v == 10
    assert make(3)(5).v == 15
    assert make(2)(5).v == 10


def test_a_damaged_graph_is_built_again(workspace: Workspace) -> None:
    evaluate(plain(3))
    ((key, _),) = workspace.ledger.notes("graph")
    for damage in ("no base64", "QUJD", 5, None):
        forget_memory(plain)
        workspace.ledger.note("graph", key, damage)
        assert evaluate(plain(3)["all"].first) == 6


def test_a_pipeline_is_pickled_by_name(workspace: Workspace) -> None:
    import pickle

    assert pickle.loads(pickle.dumps(plain)) is plain
    assert isinstance(plain, Pipeline)


def test_a_given_future_is_pickled_with_all_behind_it(workspace: Workspace) -> None:
    import cloudpickle

    plain(3)
    given = plain(3)["all"].rest[0]
    copy = cloudpickle.loads(cloudpickle.dumps(given))
    assert copy.hash == given.hash
    assert copy.parents == (double(3),)
