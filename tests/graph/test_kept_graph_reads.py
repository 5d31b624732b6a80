"""What a `@pipeline` looked at while it built its graph is looked at again before that graph is given."""

from __future__ import annotations

import glob
import os
import time
from pathlib import Path
from typing import Any

import pytest

from merkl import FileRef, MissingInputError, Workspace, evaluate, glob_future, pipeline, read_future, task
from merkl.execution.program import build_program
from merkl.graph.nested import find_futures
from merkl.graph.pipeline import Pipeline

#: What bodies note; a list that is reached is part of a fingerprint, a path of a file that is appended to is not.
ran: list[str] = []


@pytest.fixture(autouse=True)
def _as_if_new() -> None:
    """Nothing has run, and nothing is remembered from the test before."""
    ran.clear()
    forget_memory(*(value for value in globals().values() if isinstance(value, Pipeline)))


def forget_memory(*pipelines: Any) -> None:
    """What is left is what another process would find."""
    for one in pipelines:
        one._memory.clear()


def keys(structure: Any) -> list[str]:
    return [future.hash for future in find_futures(structure)]


@task
def double(x: int) -> int:
    return 2 * x


@task
def parse(text: str) -> list[int]:
    return [int(word) for word in text.split()]


@task
def size(file: FileRef) -> int:
    return len(file.read_bytes())


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


@pipeline
def from_path_pattern(folder: str, pattern: str) -> Any:
    ran.append("pattern")
    return [size(FileRef(path)) for path in sorted(Path(folder).glob(pattern))]


@pytest.mark.parametrize("pattern", ["one.csv", "b/one.csv", "b/*.csv", "*/../one.csv"])
def test_a_name_that_a_pattern_gives_in_full_is_noticed_when_it_comes(
    workspace: Workspace, tmp_path: Path, pattern: str
) -> None:
    """Python only asks whether it is there, and tells nobody."""
    tmp_path = tmp_path / "data"
    (tmp_path / "a").mkdir(parents=True)
    assert from_path_pattern(str(tmp_path), pattern) == []
    forget_memory(from_path_pattern)
    assert from_path_pattern(str(tmp_path), pattern) == []
    assert len(ran) == 1
    (tmp_path / "b").mkdir()
    for name in ("one.csv", "b/one.csv"):
        (tmp_path / name).write_text("1")
    forget_memory(from_path_pattern)
    assert len(from_path_pattern(str(tmp_path), pattern)) == (2 if pattern.startswith("*") else 1)


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
