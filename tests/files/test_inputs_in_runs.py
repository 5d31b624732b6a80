"""Input files in runs: hashed once, never stale, and not trusted when they change while a task runs."""

from __future__ import annotations

import os
import subprocess
import time
import warnings
from pathlib import Path

import pytest

from merkl import (
    DirRef,
    FileRef,
    MerklWarning,
    UnsupportedFileError,
    Workspace,
    evaluate,
    glob_future,
    path_future,
    read_future,
    task,
)


@task
def text_of(file: FileRef) -> str:
    return file.read_text()


@task
def doubled(text: str) -> str:
    return text * 2


@task
def names_in(folder: DirRef) -> list[str]:
    return [file.name for file in folder]


@task
def meddled(file: FileRef, text: str) -> str:
    """Rewrite the input in the middle of its own run, as an editor or a download would."""
    found = file.read_text()
    Path(file).write_text(text)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.txt"
    path.write_text("one")
    time.sleep(0.1)
    return path


def test_records_outlive_the_process(tmp_path: Path, data: Path) -> None:
    with Workspace(tmp_path) as first:
        assert text_of(FileRef(data)).eval() == "one"
    with Workspace(tmp_path) as second:
        record = second.files.get(data)
        assert record is not None
        assert (record.role, record.settled) == ("input", 1)
    assert first is not second


def test_building_a_graph_writes_nothing(tmp_path: Path, data: Path) -> None:
    with Workspace(tmp_path / "project"):
        text_of(FileRef(data)).hash
    assert not (tmp_path / "project").exists()


def test_same_size_and_time_is_another_key(tmp_path: Path, data: Path) -> None:
    with Workspace(tmp_path):
        before = text_of(FileRef(data))
        assert before.eval() == "one"
        stat = data.stat()
        data.write_text("two")
        os.utime(data, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        after = text_of(FileRef(data))
        assert after.hash != before.hash
        assert after.eval() == "two"


def test_rewritten_again_and_again_without_a_pause(tmp_path: Path, data: Path) -> None:
    with Workspace(tmp_path):
        for number in range(30):
            data.write_text(f"{number:03}")
            assert text_of(FileRef(data)).eval() == f"{number:03}"


def test_input_that_changes_during_the_run_is_used_and_not_stored(tmp_path: Path, data: Path) -> None:
    with Workspace(tmp_path):
        call = meddled(FileRef(data), "two")
        with pytest.warns(MerklWarning, match=r"data\.txt.*not stored"):
            assert call.eval() == "one"
        assert not call.in_cache()


def test_what_is_made_of_a_changed_input_has_no_key_either(tmp_path: Path, data: Path) -> None:
    with Workspace(tmp_path):
        call = doubled(text_of(FileRef(data)))
        data.write_text("two")
        with pytest.warns(MerklWarning, match="not stored"):
            assert call.eval() == "twotwo"
        data.write_text("one")
        assert doubled(text_of(FileRef(data))).hash == call.hash
        assert doubled(text_of(FileRef(data))).eval() == "oneone"


def test_input_that_is_gone_after_the_run_is_a_warning(tmp_path: Path, data: Path) -> None:
    @task
    def consumed(file: FileRef) -> str:
        found = file.read_text()
        os.unlink(file)
        return found

    with Workspace(tmp_path), pytest.warns(MerklWarning, match="not stored"):
        assert consumed(FileRef(data)).eval() == "one"


def test_file_added_to_a_directory_during_the_run(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    call = names_in(DirRef(tmp_path / "d"))
    (tmp_path / "d" / "new").touch()
    with Workspace(tmp_path / "w"), pytest.warns(MerklWarning, match="not stored"):
        assert call.eval() == ["new"]


def test_change_under_a_path_future(tmp_path: Path, data: Path) -> None:
    with Workspace(tmp_path):
        call = text_of(path_future(data))
        data.write_text("two")
        with pytest.warns(MerklWarning, match="not stored"):
            assert call.eval() == "two"
        data.write_text("one")
        assert text_of(path_future(data)).eval() == "one"


def test_keys_do_not_depend_on_where_the_project_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = set()
    for place in ("here", "there/deep"):
        home = tmp_path / place
        (home / "data" / "sub").mkdir(parents=True)
        (home / "data" / "sub" / "a.csv").write_text("1")
        (home / "data" / "b.csv").write_text("2")
        monkeypatch.chdir(home)
        with Workspace(home):
            found = (
                read_future("data/b.csv"),
                path_future("data/sub/../b.csv"),
                path_future("data"),
                glob_future("**/*.csv", root="data"),
                text_of(FileRef("data/b.csv")),
            )
            keys.add(tuple(future.hash for future in found))
        monkeypatch.chdir(tmp_path)
    assert len(keys) == 1


@task
def paths_of(files: list[FileRef]) -> list[str]:
    found = [str(file.path) for file in files]
    files.clear()
    return found


@task
def as_text(names: list[str], files: list[FileRef]) -> str:
    return " ".join([*names, *(file.name for file in files)])


@task
def is_program(file: FileRef) -> bool:
    return os.access(file, os.X_OK)


@task
def built(text: str) -> FileRef:
    made = FileRef()
    made.write_text(text)
    Path(made).chmod(0o755)
    return made


def test_whether_a_file_may_be_executed_counts(tmp_path: Path, data: Path) -> None:
    """As in a directory: a program that may not be run is another file, also for a Future of it."""
    with Workspace(tmp_path):
        plain = is_program(FileRef(data))
        of_path = is_program(path_future(data))
        assert not plain.eval()
        assert not of_path.eval()
        data.chmod(0o744)
        assert is_program(FileRef(data)).eval()
        assert is_program(path_future(data)).eval()
        data.chmod(0o640)
        assert is_program(FileRef(data)).hash == plain.hash
        assert is_program(path_future(data)).hash == of_path.hash


@pytest.mark.parametrize("text", ["#!/bin/sh\necho small\n", "#!/bin/sh\necho large; exit\n" + "#" * 100_000])
def test_a_program_that_a_body_makes_stays_one(tmp_path: Path, text: str) -> None:
    """From the body to the next, from the cache, and where it is written to."""
    for _ in range(2):
        with Workspace(tmp_path):
            made = built(text)
            assert is_program(made).eval()
            said = subprocess.run([os.fspath(made.eval())], capture_output=True, check=True, text=True)
            assert said.stdout == text.split()[2].strip(";") + "\n"
            made.write(tmp_path / "tool").eval()
            assert os.access(tmp_path / "tool", os.X_OK)
    (tmp_path / "tool").chmod(0o644)
    with Workspace(tmp_path):
        built(text).write(tmp_path / "tool").eval()
        assert os.access(tmp_path / "tool", os.X_OK)


def test_names_that_are_no_utf8_in_a_directory_are_written_down(tmp_path: Path) -> None:
    """The ledger takes the call, with a readable form of the name."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Workspace(tmp_path):
            assert names_in(DirRef(folder)).eval() == [os.fsdecode(b"caf\xe9.txt")]


def test_a_glob_gives_the_paths_that_matched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "data" / name).write_text("the same")
    monkeypatch.chdir(tmp_path)
    matched = ["data/a.csv", "data/b.csv"]
    with Workspace(tmp_path):
        files = glob_future("data/*.csv")
        assert paths_of(files).eval() == matched
        assert as_text(paths_of(files), files).eval() == "data/a.csv data/b.csv a.csv b.csv"
        assert [str(file.path) for file in files.eval()] == matched
        assert [str(file.path) for file in glob_future("*.csv", root="data").eval()] == matched
        whole = glob_future(tmp_path / "data" / "*.csv")
        assert [file.path for file in whole.eval()] == [tmp_path / path for path in matched]
        assert whole.hash == files.hash
        (tmp_path / "data" / "b.csv").rename(tmp_path / "data" / "c.csv")
        assert paths_of(glob_future("data/*.csv")).eval() == ["data/a.csv", "data/c.csv"]


def test_a_glob_gives_its_paths_in_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "b.csv").write_text("1")
    monkeypatch.chdir(tmp_path)
    with Workspace(tmp_path):
        files = glob_future("*.csv")
        shown = [as_text([number], files) for number in "xy"]
        assert evaluate(shown, target=2) == ["x a.csv b.csv", "y a.csv b.csv"]


def test_many_small_files_as_one_argument(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    for number in range(3000):
        path = folder / f"{number % 30}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))

    @task
    def total(files: DirRef) -> int:
        return sum(int(file.read_text()) for file in files)

    with Workspace(tmp_path):
        assert total(DirRef(folder)).eval() == sum(range(3000))
        (folder / "7" / "37.txt").write_text("38")
        assert total(DirRef(folder)).eval() == sum(range(3000)) + 1


def test_a_file_that_code_reaches_counts_again_when_it_changes(tmp_path: Path, data: Path) -> None:
    reached = FileRef(data)
    table = {"files": [reached]}

    class Holder:
        ref = reached

    @task
    def by_closure() -> str:
        return reached.read_text()

    @task
    def in_a_table() -> str:
        return table["files"][0].read_text()

    @task
    def on_a_class() -> str:
        return Holder.ref.read_text()

    @task(deps=[FileRef(data)])
    def by_declaration() -> str:
        return data.read_text()

    with Workspace(tmp_path):
        for text in ("one", "two", "one", "longer"):
            data.write_text(text)
            for reading in (by_closure, in_a_table, on_a_class, by_declaration):
                assert reading().eval() == text


def test_file_deep_in_an_argument_is_watched(tmp_path: Path, data: Path) -> None:
    @task
    def first(table: dict[str, list[FileRef]]) -> str:
        return table["a"][0].read_text()

    with Workspace(tmp_path):
        call = first({"a": [FileRef(data)]})
        data.write_text("two")
        with pytest.warns(MerklWarning, match="not stored"):
            assert call.eval() == "two"
        assert not call.in_cache()


def test_what_keeps_a_directory_from_having_a_content_is_said_without_a_serializer_to_paste(
    tmp_path: Path,
) -> None:
    """No serializer would help, so the error is that of the file, with the parameter in a note."""
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    with Workspace(tmp_path), pytest.raises(UnsupportedFileError, match="is a fifo") as caught:
        names_in(DirRef(folder))
    assert "parameter 'folder'" in caught.value.__notes__[0]
