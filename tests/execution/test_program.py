"""What a run of a function evaluates, and what it says of the rest."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from merkl import GraphError, MerklWarning, Workspace, task

Log = list[str]


@task(ignore_args=["log"])
def work(name: str, log: Log) -> str:
    log.append(name)
    return name


@task(ignore_args=["log"])
def announce(name: str, log: Log) -> None:
    log.append(f"announce {name}")


def test_returned_futures_are_evaluated_where_they_stand(workspace: Workspace) -> None:
    log: Log = []
    outcome = workspace.run(lambda: {"a": work("a", log), "n": [work("b", log), 5]})
    assert outcome.result == {"a": "a", "n": ["b", 5]}
    assert log == ["a", "b"]


def test_calls_made_for_their_effect_run_in_program_order(workspace: Workspace) -> None:
    log: Log = []

    def make() -> Any:
        announce("start", log)
        result = work("a", log)
        announce("end", log)
        return result

    assert workspace.run(make).result == "a"
    assert log == ["announce start", "a", "announce end"]


def test_pending_writes_are_evaluated_and_written(workspace: Workspace, tmp_path: Path) -> None:
    def make() -> None:
        work("hello", []).write(tmp_path / "out" / "hello.txt")

    workspace.run(make)
    assert (tmp_path / "out" / "hello.txt").read_text() == "hello"


def test_a_call_that_nothing_needs_is_named_with_its_line(workspace: Workspace) -> None:
    def make() -> Any:
        work("lonely", [])
        return work("needed", [])

    with pytest.warns(MerklWarning, match=r"'work' at .*test_program\.py:\d+ does not run"):
        workspace.run(make)


def test_a_call_evaluated_in_the_function_is_needed(workspace: Workspace) -> None:
    def make() -> str:
        return work("a", []).eval()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert workspace.run(make).result == "a"


def test_a_write_is_carried_out_again_only_where_the_file_is_not_up_to_date(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    future = work("a", []) > path
    future.eval()
    before = path.stat().st_mtime_ns
    future.eval()
    assert path.stat().st_mtime_ns == before
    path.write_text("edited")
    future.eval()
    assert path.read_text() == "a"


def test_what_is_written_is_raw_for_text_and_bytes(workspace: Workspace, tmp_path: Path) -> None:
    @task
    def raw() -> bytes:
        return b"\x00\xff"

    raw().write(tmp_path / "raw.bin").eval()
    assert (tmp_path / "raw.bin").read_bytes() == b"\x00\xff"


def test_a_sidecar_says_what_made_the_file(workspace: Workspace, tmp_path: Path) -> None:
    import json

    future = work("a", []) >> tmp_path / "a.txt"
    future.eval()
    sidecar = json.loads((tmp_path / "a.txt.merkl").read_text())
    assert sidecar["key"] == future.hash
    assert sidecar["task"].endswith("test_program.work")


def test_two_futures_written_to_one_path_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    def make() -> None:
        work("a", []).write(tmp_path / "x")
        work("b", []).write(tmp_path / "x")

    with pytest.raises(GraphError, match="two Futures are to be written"):
        workspace.run(make)


def test_writing_returns_the_same_future(tmp_path: Path) -> None:
    future = work("a", [])
    assert future.write(tmp_path / "x") is future
    assert (future > str(tmp_path / "y")) is future
