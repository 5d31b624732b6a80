"""Files that bodies make: where they live until they are stored, and that nothing is left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

import pytest

from merkl import DirRef, FileRef, TaskFailedError, Workspace, task


@task
def page(text: str) -> FileRef[Literal[".txt"]]:
    made = FileRef[Literal[".txt"]]()
    made.write_text(text)
    return made


@task
def pages(texts: list[str]) -> DirRef:
    made = DirRef()
    for number, text in enumerate(texts):
        made.get_new_file(f"page{number}", ".txt").write_text(text)
    return made


@task
def length(page: FileRef[Literal[".txt"]]) -> int:
    return len(page.read_text())


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's place for temporary files, empty."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def left_over(workspace: Path, temporary: Path) -> list[Path]:
    scratch = workspace / ".merkl" / "scratch"
    return [*(scratch.iterdir() if scratch.exists() else ()), *temporary.iterdir()]


def test_a_file_is_a_result_like_any_other(tmp_path: Path, temporary: Path) -> None:
    for _ in range(2):
        with Workspace(tmp_path / "w"):
            assert page("hello").eval().read_text() == "hello"
            assert length(page("hello")).eval() == 5
            assert page("hello").eval().suffix == ".txt"
    assert left_over(tmp_path / "w", temporary) == []


def test_a_directory_is_a_result_like_any_other(tmp_path: Path, temporary: Path) -> None:
    for _ in range(2):
        with Workspace(tmp_path / "w"):
            made = pages(["a", "bb"]).eval()
            assert sorted(file.read_text() for file in made.files) == ["a", "bb"]
    assert left_over(tmp_path / "w", temporary) == []


def test_a_body_that_fails_leaves_no_file_behind(tmp_path: Path, temporary: Path) -> None:
    @task
    def broken() -> FileRef:
        FileRef(suffix=".txt").write_text("half")
        raise ValueError("no")

    with Workspace(tmp_path / "w"), pytest.raises(TaskFailedError):
        broken().eval()
    assert left_over(tmp_path / "w", temporary) == []


def test_without_a_cache_the_file_stays_where_the_body_made_it(tmp_path: Path, temporary: Path) -> None:
    with Workspace(tmp_path / "w", is_reading=False, is_writing=False):
        made = page("hello").eval()
    assert made.read_text() == "hello"


def test_a_file_of_another_suffix_is_refused_before_anything_runs(tmp_path: Path) -> None:
    @task
    def draw() -> FileRef[Literal[".png"]]:
        return FileRef[Literal[".png"]]()

    with Workspace(tmp_path), pytest.raises(TypeError, match="Literal"):
        length(draw())  # type: ignore[arg-type]
