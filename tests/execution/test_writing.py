"""Writing results to files: whole, only where needed, tracked, and loaded again by their sidecars."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from merkl import (
    CacheError,
    DirRef,
    FileRef,
    Future,
    GraphError,
    InputChangedError,
    MissingInputError,
    OutputError,
    Workspace,
    evaluate,
    task,
)


@task
def text(words: str) -> str:
    return words


@task
def table(n: int) -> dict[str, int]:
    return {"n": n}


@task
def array(n: int) -> np.ndarray[Any, Any]:
    return np.arange(n)


@task
def size_of(table: dict[str, int]) -> int:
    return table["n"]


@task
def folder(names: list[str]) -> DirRef:
    made = DirRef()
    for name in names:
        made.get_new_file(name).write_text(name)
    return made


@task
def page(words: str) -> FileRef:
    made = FileRef(suffix=".txt")
    made.write_text(words)
    return made


class Odd:
    """Only pickle stores it."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __reduce__(self) -> Any:
        return Odd, (self.n,)


@task
def odd(n: int) -> Odd:
    return Odd(n)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace, and the working directory in it."""
    monkeypatch.chdir(tmp_path)
    with Workspace(tmp_path):
        yield tmp_path


def test_a_written_file_is_tracked_with_its_key(home: Path) -> None:
    with Workspace(home) as workspace:
        future = text("a").write("deep/er/out.txt")
        assert future.eval() == "a"
        record = workspace.files.get("deep/er/out.txt")
    assert record is not None
    assert (record.role, record.key) == ("output", future.hash)


def test_a_file_that_is_up_to_date_is_left_alone(home: Path) -> None:
    futures = [text("a") > "t", table(1) > "c", page("p") > "f", folder(["x"]) > "d"]
    evaluate(futures)
    before = [os.stat(name) for name in ("t", "c", "f", "d")]
    evaluate(futures)
    after = [os.stat(name) for name in ("t", "c", "f", "d")]
    assert [(s.st_ino, s.st_mtime_ns) for s in before] == [(s.st_ino, s.st_mtime_ns) for s in after]


def test_a_file_that_somebody_changed_is_written_again(home: Path) -> None:
    future = text("mine") > "t"
    future.eval()
    stat = os.stat("t")
    Path("t").write_text("your")
    os.utime("t", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert future.eval() == "mine"
    assert Path("t").read_text() == "mine"


def test_two_futures_for_one_path_are_an_error_when_the_second_is_made(home: Path) -> None:
    first = text("a") > "out"
    with pytest.raises(GraphError, match=r"two Futures.*test_writing\.py:\d+.*test_writing\.py:\d+"):
        text("b").write("./x/../out")
    first.eval()
    assert (text("b") > "out").eval() == "b"


def test_two_futures_for_one_path_in_one_evaluation(home: Path) -> None:
    first, second = text("a") > "out", text("b") > "other"
    first.eval()
    second.eval()
    first.write("same")
    Path("link").symlink_to("same")
    with pytest.raises(GraphError):
        second.write("link")


@pytest.mark.parametrize("paths", [("out", "out/x.txt"), ("out/x.txt", "out")])
def test_a_file_and_a_path_inside_of_it_are_an_error_when_the_second_is_made(
    home: Path, paths: tuple[str, str]
) -> None:
    first = text("a").write(paths[0])
    with pytest.raises(GraphError, match="inside of the other"):
        text("b").write(paths[1])
    first.eval()


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_is_no_path_is_an_error_at_once(home: Path, path: str) -> None:
    with pytest.raises(GraphError, match="cannot be written"):
        text("a").write(path)


def test_the_same_future_may_be_written_twice(home: Path) -> None:
    again = [text("a") > "out", text("a") > "out"]
    assert evaluate(again) == ["a", "a"]


def test_a_future_that_nobody_has_holds_no_path(home: Path) -> None:
    text("a").write("out")
    assert text("b").write("out").eval() == "b"


def test_a_directory_is_written_as_one_and_replaced_as_one(home: Path) -> None:
    evaluate(folder(["a", "sub/b"]) > "d")
    assert sorted(str(p) for p in Path("d").rglob("*") if p.is_file()) == ["d/a", "d/sub/b"]
    evaluate(folder(["c"]) > "d")
    assert os.listdir("d") == ["c"]
    assert [name for name in os.listdir() if name.startswith(".d")] == []


def test_files_of_others_in_a_directory_are_never_removed(home: Path) -> None:
    evaluate(folder(["a"]) > "d")
    Path("d/mine").write_text("precious")
    with pytest.raises(OutputError, match="would remove them"):
        evaluate(folder(["b"]) > "d")
    assert Path("d/mine").read_text() == "precious"
    Path("e").mkdir()
    Path("e/mine").touch()
    with pytest.raises(OutputError, match="Move them away"):
        evaluate(folder(["b"]) > "e")


@pytest.mark.parametrize("make", [lambda: text("a"), lambda: page("a"), lambda: table(1)])
def test_a_directory_in_the_way_is_a_clear_error(home: Path, make: Any) -> None:
    Path("out").mkdir()
    with pytest.raises(OutputError, match="is a directory"):
        make().write("out").eval()
    assert make().in_cache()


def test_a_path_that_cannot_be_written_names_itself_and_keeps_the_result(home: Path) -> None:
    Path("file").touch()
    future = text("long work").write("file/out.txt")
    with pytest.raises(OutputError, match=r"file/out\.txt.*the result itself is in the cache") as caught:
        future.eval()
    assert caught.value.path == str(home / "file/out.txt")
    assert text("long work").in_cache()


def test_text_that_no_file_can_hold_is_a_clear_error(home: Path) -> None:
    with pytest.raises(OutputError, match="Return bytes instead"):
        text("\ud800").write("out").eval()
    assert not Path("out").exists()
    assert (text("\udcff") > "bytes").eval() == "\udcff"
    assert Path("bytes").read_bytes() == b"\xff"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission(home: Path) -> None:
    Path("locked").mkdir(mode=0o555)
    with pytest.raises(OutputError, match="Permission denied"):
        text("a").write("locked/out").eval()


def test_a_full_disk_leaves_the_old_file_and_nothing_else(home: Path) -> None:
    old, new = text("old") > "out", text("n" * 100_000) > "out2"
    old.eval()
    new.eval()
    Path("out2").unlink()
    again = text("n" * 100_000).write("out")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # as a disk that has no more room than this
    try:
        with pytest.raises(OutputError, match="File too large"):
            again.eval()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert Path("out").read_text() == "old"
    assert sorted(name for name in os.listdir() if name != ".merkl") == ["out"]


def test_nothing_is_written_whose_sidecar_cannot_be(home: Path) -> None:
    """A name of 254 bytes has room for no suffix; so the message that nothing was changed is true."""
    future = text("a").write("b" * 254, sidecar=True)
    with pytest.raises(OutputError, match="Nothing there was changed"):
        future.eval()
    assert not Path("b" * 254).exists()
    assert text("a").write("b" * 249, sidecar=True).eval() == "a"


def test_no_file_takes_the_place_of_a_fifo_or_device(home: Path) -> None:
    os.mkfifo("fifo")
    Path("link").symlink_to("fifo")
    for name in ("fifo", "link"):
        with pytest.raises(OutputError, match="is a fifo"):
            text("x").write(name).eval()
    assert Path("fifo").is_fifo()


@pytest.mark.parametrize("name", ["a b", "it's", '"', "new\nline", "-rf", "\udcff.txt", "$HOME", "é"])
def test_any_name_will_do(home: Path, name: str) -> None:
    future = text("x").write(name, sidecar=True)
    assert future.eval() == "x"
    assert Future.from_file(name).hash == future.hash


def test_the_link_is_written_through(home: Path) -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real/out")
    text("a").write("link").eval()
    assert Path("link").is_symlink()
    assert Path("real/out").read_text() == "a"


# -- sidecars ------------------------------------------------------------------------------------------------


def test_another_checkout_loads_the_future_with_its_key(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = [
        text("a\r\né") >> "t",
        table(3) >> "c",
        array(5) >> "n",
        page("p") >> "f.txt",
        folder(["x", "y/z"]) >> "d",
    ]
    evaluate(made)
    used = size_of(made[1])
    with Workspace(tmp_path_factory.mktemp("elsewhere")):
        loaded = [Future.from_file(home / name) for name in ("t", "c", "n", "f.txt", "d")]
        assert [one.hash for one in loaded] == [one.hash for one in made]
        assert loaded[0].eval() == "a\r\né"
        assert loaded[1].eval() == {"n": 3}
        assert loaded[2].eval().tolist() == [0, 1, 2, 3, 4]
        assert loaded[3].eval().read_text() == "p"
        assert [file.name for file in loaded[4].eval()] == ["x", "z"]
        assert size_of(loaded[1]).hash == used.hash
        assert size_of(loaded[1]).eval() == 3


def test_a_loaded_file_has_the_suffix_that_it_was_made_with(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = page("p") >> "no suffix here"
    made.eval()
    with Workspace(tmp_path_factory.mktemp("elsewhere")):
        assert Future.from_file(home / "no suffix here").eval().suffix == ".txt"


def test_a_loaded_future_is_found_in_the_cache(home: Path) -> None:
    evaluate(table(3) >> "c")
    assert Future.from_file("c").in_cache()


def test_a_file_that_was_changed_since_is_refused(home: Path) -> None:
    evaluate(table(3) >> "c")
    Path("c").write_bytes(b"\x81\xa1n\x04")
    with pytest.raises(InputChangedError, match="not what task"):
        Future.from_file("c")


def test_what_is_missing_is_named(home: Path) -> None:
    evaluate(table(3) > "c")
    with pytest.raises(MissingInputError, match=r"c\.merkl"):
        Future.from_file("c")
    evaluate(table(3) >> "c")
    Path("c").unlink()
    with pytest.raises(MissingInputError, match="no file"):
        Future.from_file("c")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"merkl": 1}', '{"merkl": 99, "key": "xx"}'])
def test_a_sidecar_that_is_none_is_a_clear_error(home: Path, content: str) -> None:
    evaluate(table(3) >> "c")
    Path("c.merkl").write_text(content)
    with pytest.raises(Exception, match=r"c\.merkl' is no sidecar"):
        Future.from_file("c")


def test_a_pickle_from_elsewhere_is_not_read(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    evaluate(odd(3) >> "o")
    with Workspace(tmp_path_factory.mktemp("elsewhere")), pytest.raises(Exception) as caught:
        Future.from_file(home / "o").eval()
    assert isinstance(caught.value.__cause__ or caught.value, CacheError)


def test_the_sidecar_is_json_for_people(home: Path) -> None:
    future = table(3) >> "c"
    future.eval()
    said = json.loads(Path("c.merkl").read_text())
    assert (said["key"], said["task"].rpartition(".")[2]) == (future.hash, "table")
