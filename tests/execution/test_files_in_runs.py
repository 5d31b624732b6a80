"""Files that bodies make: where they live until they are stored, and that nothing is left behind."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any, Literal

import pytest

from merkl import (
    CacheError,
    Codec,
    DirRef,
    FileRef,
    MerklWarning,
    MissingInputError,
    TaskFailedError,
    Workspace,
    bash_task,
    out_file_arg,
    stdout_arg,
    task,
)


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


def test_without_a_cache_what_is_no_result_goes(tmp_path: Path, temporary: Path) -> None:
    """A shell command whose result is a text leaves nothing, one whose result is a file leaves that."""
    said = bash_task(f"echo hello > scrap; cat scrap {stdout_arg(str)}")
    written = bash_task(f"echo hello > scrap; cp scrap {out_file_arg('copy', '.txt')}")
    with Workspace(tmp_path / "w", is_reading=False, is_writing=False):
        assert said().eval() == "hello\n"
        assert list(temporary.iterdir()) == []
        made = written().eval()
        assert [path for path in temporary.rglob("*") if path.is_file()] == [Path(made)]


def test_a_file_of_another_suffix_is_refused_before_anything_runs(tmp_path: Path) -> None:
    @task
    def draw() -> FileRef[Literal[".png"]]:
        return FileRef[Literal[".png"]]()

    with Workspace(tmp_path), pytest.raises(TypeError, match="Literal"):
        length(draw())  # type: ignore[arg-type]


def test_results_on_a_disk_that_is_read_only_are_read(tiny_disk: Path, temporary: Path) -> None:
    """Files and directories get their paths in the system's place for temporary files."""
    with Workspace(tiny_disk):
        assert page("one").eval().read_text() == "one"
        assert len(list(pages(["a", "b"]).eval())) == 2
    shutil.rmtree(tiny_disk / ".merkl" / "views")
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*read-only")
        with Workspace(tiny_disk):
            assert page("one").eval().read_text() == "one"
            assert sorted(file.read_text() for file in pages(["a", "b"]).eval()) == ["a", "b"]
            assert Path(page("one").eval()).is_relative_to(temporary)


class Unreadable(Codec):
    """Stores, and never reads."""

    name = "unreadable"

    def encode(self, value: Any, declared: Any) -> bytes:
        return b"stored"

    def decode(self, content: Any, decode_type: str) -> Any:
        raise ValueError("it cannot be read")


@task(codec=Unreadable())
def lost() -> list[int]:
    return [1]


def test_what_cannot_be_read_when_computed_again_either_is_an_error(workspace: Workspace) -> None:
    """It is computed again once, not for ever."""
    with (
        pytest.warns(MerklWarning, match="computed again"),
        pytest.raises(CacheError, match="cannot be read either"),
    ):
        lost().eval()


@task
def forgetful() -> FileRef:
    return FileRef()


def test_a_file_that_a_body_did_not_write_is_an_error_that_names_the_task(tmp_path: Path) -> None:
    """It is found when the result is stored, where no frame of the body is left."""
    with (
        Workspace(tmp_path),
        pytest.raises(MissingInputError, match=r"^task 'forgetful': .*wrote no file there"),
    ):
        forgetful().eval()
