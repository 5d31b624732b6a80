"""Shell commands as tasks: typed, cached, and fed from other tasks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from merkl import (
    BindError,
    CommandFailedError,
    FileRef,
    Future,
    MissingInputError,
    TaskFailedError,
    TypeMismatchError,
    Workspace,
    arg,
    bash_task,
    evaluate,
    file_arg,
    out_file_arg,
    path_future,
    read_future,
    stdout_arg,
    task,
)

pytestmark = pytest.mark.usefixtures("workspace")

head = bash_task(
    f"head -n {arg('lines', int)} {file_arg('source', '.txt')} > {out_file_arg('first', '.txt')}"
)
count = bash_task(f"sort {file_arg('source', '.txt')} | uniq -c | sort -rn {stdout_arg(str)}")


@task
def size(file: FileRef) -> int:
    return len(file.read_bytes())


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "some words.txt"
    path.write_text("b\na\nb\n")
    return path


def test_a_command_takes_values_and_files_and_gives_a_future_of_a_file(words: Path) -> None:
    first = head(2, FileRef(words))
    assert isinstance(first, Future)
    assert first.eval().read_text() == "b\na\n"
    assert size(first).eval() == 4
    assert first.in_cache()


def test_a_command_takes_futures(words: Path) -> None:
    source = path_future(words)
    assert evaluate(count(source)).split() == ["2", "b", "1", "a"]
    assert read_future(words).eval() == "b\na\nb\n"


def test_an_equal_file_elsewhere_has_the_same_key(words: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.txt"
    other.write_text(words.read_text())
    assert head(2, FileRef(words)).hash == head(2, FileRef(other)).hash
    other.write_text("changed\n")
    assert head(2, FileRef(words)).hash != head(2, FileRef(other)).hash


def test_arguments_are_checked_when_the_call_is_made(words: Path, tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("1")
    with pytest.raises(TypeMismatchError):
        head("two", FileRef(words))
    with pytest.raises(TypeMismatchError):
        head(2, FileRef(table))
    with pytest.raises(BindError):
        head(2)


def test_a_command_that_fails_shows_what_it_said(words: Path) -> None:
    broken = bash_task(f"cat {file_arg('source')} >/dev/null; echo oh no >&2; exit 3 {stdout_arg(str)}")
    with pytest.raises(TaskFailedError) as caught:
        broken(FileRef(words)).eval()
    cause = caught.value.__cause__
    assert isinstance(cause, CommandFailedError)
    assert "oh no" in str(cause)


def test_a_program_that_is_replaced_counts_at_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "mytool"
    tool.parent.mkdir()
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")

    def install(text: str) -> None:
        tool.write_text(f"#!/bin/sh\necho {text}\n")
        tool.chmod(0o755)

    install("one")
    say = bash_task(f"mytool {stdout_arg(str)}")
    first = say()
    assert first.eval() == "one\n"
    install("two")
    assert say().hash != first.hash
    assert say().eval() == "two\n"
    install("one")
    assert say().hash == first.hash


def test_a_program_that_is_installed_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    say = bash_task(f"not-yet-there {stdout_arg(str)}")
    with pytest.raises(MissingInputError, match="not installed"):
        say()
    (tmp_path / "not-yet-there").write_text("#!/bin/sh\necho here\n")
    (tmp_path / "not-yet-there").chmod(0o755)
    assert say().eval() == "here\n"


def test_what_a_command_printed_is_kept_with_its_result(workspace: Workspace) -> None:
    noisy = bash_task(f"echo one; echo two >&2; echo three > {out_file_arg('made', '.txt')}")
    future = noisy()
    future.eval()
    workspace.close()
    metadata = workspace.ledger.metadata(future.hash)
    assert metadata is not None
    assert metadata.output == "one\ntwo\n"


def test_an_out_that_is_printed_is_not_kept_twice(workspace: Workspace) -> None:
    future = bash_task(f"echo result; echo note >&2 {stdout_arg(str)}")()
    assert future.eval() == "result\n"
    workspace.close()
    metadata = workspace.ledger.metadata(future.hash)
    assert metadata is not None
    assert metadata.output == "note\n"
