"""A directory whose files are outs of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from merkl import (
    DirRef,
    FileRef,
    Future,
    TaskFailedError,
    TaskOutsError,
    TypeMismatchError,
    Workspace,
    evaluate,
    task,
)

pytestmark = pytest.mark.usefixtures("workspace")


def fill(texts: dict[str, str]) -> DirRef:
    made = DirRef()
    for name, text in texts.items():
        made.get_new_file(name).write_text(text)
    return made


@task(outs=["train.csv", "deep/test.csv"])
def split(train: str, test: str) -> DirRef:
    return fill({"train.csv": train, "deep/test.csv": test})


def parts(count: int) -> list[str]:
    return [f"part-{number}.txt" for number in range(count)]


@task(outs=parts)
def shards(count: int) -> DirRef:
    return fill({name: name for name in parts(count)})


@task
def rows(table: FileRef[Literal[".csv"]]) -> int:
    return len(table.read_text())


@task
def picture(image: FileRef[Literal[".png"]]) -> int:
    return 0


def test_each_file_is_a_future_with_a_key_and_type_of_its_own() -> None:
    made = split("1,2", "3")
    assert list(made) == ["train.csv", "deep/test.csv"]
    assert made["train.csv"].type == FileRef[Literal[".csv"]]
    assert made["train.csv"].hash != made["deep/test.csv"].hash
    assert evaluate([rows(made["train.csv"]), rows(made["deep/test.csv"])]) == [3, 1]


def test_a_wrong_suffix_is_refused_before_anything_runs() -> None:
    with pytest.raises(TypeMismatchError):
        picture(split("1", "2")["train.csv"])


def test_names_that_depend_on_the_arguments() -> None:
    made = shards(3)
    assert [file.read_text() for file in evaluate(list(made.values()))] == parts(3)


def test_a_change_of_one_file_reruns_what_reads_that_one(tmp_path: Path) -> None:
    ran: list[str] = []

    @task(hash_key="reader", code_version=1)
    def reader(table: FileRef) -> str:
        ran.append(table.read_text())
        return table.read_text()

    for test in ("2", "3"):
        made = split("1", test)
        evaluate([reader(made["train.csv"]), reader(made["deep/test.csv"])])
    assert ran == ["1", "2", "3"]


def test_each_is_restored_on_its_own(workspace: Workspace) -> None:
    made = split("1", "2")
    evaluate(made)
    made["train.csv"].clear_cache()
    assert made["deep/test.csv"].in_cache()
    assert made["deep/test.csv"].eval().read_text() == "2"
    assert made["train.csv"].eval().read_text() == "1"


def test_equal_files_are_stored_once(workspace: Workspace) -> None:
    big = "x" * 200_000
    evaluate(split(big, big))
    stored = [path for path in (workspace.root / ".merkl" / "objects").rglob("*") if path.is_file()]
    assert len(stored) == 1


def test_a_directory_inside_is_an_out_by_its_slash() -> None:
    @task(outs=["table.csv", "images/"])
    def report() -> DirRef:
        return fill({"table.csv": "1", "images/a.png": "a", "images/b/c.png": "c"})

    made: dict[str, Future[Any]] = report()
    assert made["images/"].type is DirRef
    assert sorted(file.name for file in made["images/"].eval()) == ["a.png", "c.png"]
    assert made["table.csv"].eval().suffix == ".csv"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (["a.txt"], r"missing 'b\.txt'"),
        (["a.txt", "b.txt", "sub/c.txt"], r"undeclared 'sub/c\.txt'"),
        ([], r"missing 'a\.txt', 'b\.txt'"),
    ],
)
def test_other_files_than_declared_are_an_error(files: Sequence[str], reason: str) -> None:
    @task(outs=["a.txt", "b.txt"])
    def made(names: list[str]) -> DirRef:
        return fill(dict.fromkeys(names, "x"))

    with pytest.raises(TaskOutsError, match=reason):
        made(list(files))["a.txt"].eval()


def test_something_else_than_a_directory_is_an_error() -> None:
    @task(outs=["a.txt"])
    def wrong() -> DirRef:
        return {"a.txt": 1}  # type: ignore[return-value]

    with pytest.raises((TaskOutsError, TaskFailedError), match="must return a DirRef"):
        wrong()["a.txt"].eval()


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "./a", "a//b", ""])
def test_names_that_lead_elsewhere_are_refused_when_called(name: str) -> None:
    @task(outs=[name])
    def odd() -> DirRef:
        return DirRef()

    with pytest.raises(TaskOutsError):
        odd()
