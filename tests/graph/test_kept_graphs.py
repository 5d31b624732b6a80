"""`@pipeline` gives its graph again without running its body, as long as all that it depends on is unchanged."""

from __future__ import annotations

import glob
import os
import time
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
    MissingInputError,
    Workspace,
    batch,
    evaluate,
    glob_future,
    pipeline,
    read_future,
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


# -- what bodies look at -----------------------------------------------------------------------------------------


@pipeline
def from_open(path: str) -> Any:
    ran.append("open")
    with open(path) as file:
        return [double(int(line)) for line in file]


@pipeline
def from_ref(path: str) -> Any:
    ran.append("ref")
    return size(FileRef(path))


@pipeline
def from_read_future(path: str) -> Any:
    ran.append("read_future")
    return parse(read_future(path))


@pipeline
def from_read_text(path: str) -> Any:
    ran.append("read_text")
    return double(int(Path(path).read_text().split()[0]))


@pytest.mark.parametrize("one", [from_open, from_ref, from_read_future, from_read_text])
@pytest.mark.parametrize("is_remembered", [True, False])
def test_a_file_that_the_body_read_is_looked_at_again(
    workspace: Workspace, tmp_path: Path, one: Any, is_remembered: bool
) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text("1\n2\n")
    before = evaluate(one(str(path)))
    if not is_remembered:
        forget_memory(one)
    assert evaluate(one(str(path))) == before
    assert len(ran) == 1
    path.write_text("1\n2\n3\n")
    changed = evaluate(one(str(path)))
    assert len(ran) == 2
    assert (changed != before) == (one is not from_read_text)
    path.write_text("1\n2\n")
    assert evaluate(one(str(path))) == before


def test_a_file_changed_within_the_tick_of_the_clock_is_noticed(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "n"
    for number in range(20):
        path.write_text(str(number % 10))
        os.utime(path, ns=(1, 1))
        assert from_read_text(str(path)).v == 2 * (number % 10)


def test_a_file_with_an_old_stat_is_not_read_again(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text("4")
    time.sleep(0.1)
    from_read_text(str(path))
    seen = next(iter(from_read_text._memory.values())).kept.paths  # type: ignore[attr-defined]
    assert [(one.path, one.kind) for one in seen] == [(str(path), "file")]
    assert seen[0].holds()


@pipeline
def from_glob(folder: str) -> Any:
    ran.append("glob")
    return {os.path.basename(p): size(FileRef(p)) for p in sorted(glob.glob(f"{folder}/*/*.csv"))}


@pipeline
def from_listdir(folder: str) -> Any:
    ran.append("listdir")
    return [parse(name) for name in sorted(os.listdir(folder))]


@pipeline
def from_path_glob(folder: str) -> Any:
    ran.append("path glob")
    return {p.name: size(FileRef(p)) for p in sorted(Path(folder).glob("*/one.csv"))}


@pipeline
def from_glob_future(folder: str) -> Any:
    ran.append("glob_future")
    return glob_future("*/*.csv", root=folder)


@pytest.mark.parametrize("one", [from_glob, from_listdir, from_path_glob, from_glob_future])
def test_a_name_that_is_added_or_removed_is_noticed(workspace: Workspace, tmp_path: Path, one: Any) -> None:
    tmp_path = tmp_path / "data"
    for name in "ab":
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "one.csv").write_text("1")
    before = keys(one(str(tmp_path)))
    if one is not from_glob_future:  # what is never stored is found in this process only
        forget_memory(one)
    assert keys(one(str(tmp_path))) == before
    assert len(ran) == 1
    if one is from_listdir:
        (tmp_path / "new").mkdir()
    else:
        (tmp_path / "b" / "one.csv").write_text("22")
    one(str(tmp_path))
    assert len(ran) == 2


def keys(structure: Any) -> list[str]:
    from merkl.graph.nested import find_futures

    return [future.hash for future in find_futures(structure)]


@pipeline
def with_default(path: str) -> Any:
    ran.append("default")
    try:
        return size(FileRef(path))
    except MissingInputError:
        return double(0)


@pipeline
def with_default_open(path: str) -> Any:
    ran.append("default")
    try:
        with open(path) as file:
            return double(len(file.read()))
    except FileNotFoundError:
        return double(0)


@pytest.mark.parametrize("one", [with_default, with_default_open])
def test_a_file_that_was_not_there_is_looked_for_again(
    workspace: Workspace, tmp_path: Path, one: Any
) -> None:
    path = tmp_path / "optional"
    assert one(str(path)).v == 0
    assert one(str(path)).v == 0
    assert ran == ["default"]
    path.write_text("abc")
    assert one(str(path)).v in (3, 6)


@pipeline
def asks_whether(path: str) -> Any:
    ran.append("exists")
    return double(1) if os.path.exists(path) else double(2)


@pipeline
def asks_environment() -> Any:
    ran.append("environ")
    return double(int(os.environ["MERKL_TEST_NUMBER"]))


def helper_that_asks_the_clock() -> int:
    return int(time.time() * 0)


@pipeline
def asks_the_clock() -> Any:
    ran.append("time")
    return double(helper_that_asks_the_clock())


def test_what_cannot_be_looked_at_again_runs_the_body_each_time(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asks_whether(str(tmp_path / "x")).v == 4
    (tmp_path / "x").write_text("")
    assert asks_whether(str(tmp_path / "x")).v == 2
    for number in (3, 4):
        monkeypatch.setenv("MERKL_TEST_NUMBER", str(number))
        assert asks_environment().v == 2 * number
    asks_the_clock()
    asks_the_clock()
    assert ran == ["exists", "exists", "environ", "environ", "time", "time"]


@pipeline
def decides(x: int) -> Any:
    ran.append("decides")
    return double(100) if double(x).v > 5 else double(200)


def test_a_value_that_the_body_asked_for_is_looked_at_again(workspace: Workspace) -> None:
    assert decides(3).v == 200
    forget_memory(decides)
    assert decides(3).v == 200
    assert ran == ["decides"]
    double(3).clear_cache()
    assert decides(3).v == 200
    assert ran == ["decides", "decides"]


def test_where_nothing_may_run_the_graph_is_given_while_its_values_are_there(workspace: Workspace) -> None:
    assert decides(3).v == 200
    forget_memory(decides)
    assert build_program(lambda: decides(3), may_run=False).depends_on == ()
    assert ran == ["decides"]
    double(3).clear_cache()
    assert build_program(lambda: decides(3), may_run=False).depends_on == (double(3),)


@pipeline
def beside(file: FileRef) -> Any:
    ran.append("beside")
    return size(file).write(file.path.with_suffix(".size"))


def test_files_of_equal_content_at_other_paths_are_told_apart(workspace: Workspace, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("same")
        beside(FileRef(tmp_path / f"{name}.txt")).eval()
    assert sorted(path.name for path in tmp_path.glob("*.size")) == ["a.size", "b.size"]
    beside(FileRef(tmp_path / "b.txt"))
    assert ran == ["beside", "beside"]


def test_another_working_directory_is_another_graph(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "n").write_text("1" if name == "a" else "2")
        monkeypatch.chdir(tmp_path / name)
        from_read_text("n").eval()
    assert from_read_text("n").v == 4
    monkeypatch.chdir(tmp_path / "a")
    assert from_read_text("n").v == 2
    assert len(ran) == 2


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
