"""Directories: what counts for their identity, the archive, links and loops, what has no content."""

from __future__ import annotations

import io
import os
import socket
from pathlib import Path

import pytest

from merkl._base.errors import InputChangedError, MissingInputError, UnsupportedFileError
from merkl.codecs.base import DecodeError
from merkl.files import DirRef
from merkl.files.archive import pack_tree, unpack_tree
from merkl.files.tree import digest_tree, scan_tree


def digest(path: Path) -> bytes:
    return digest_tree(scan_tree(path))


def fill(path: Path) -> Path:
    (path / "sub" / "deep").mkdir(parents=True)
    (path / "empty").mkdir()
    (path / "a.txt").write_text("a")
    (path / "sub" / "b.sh").write_text("b")
    (path / "sub" / "b.sh").chmod(0o755)
    (path / "sub" / "deep" / "link").symlink_to("../b.sh")
    return path


def copy_of(path: Path, target: Path) -> Path:
    unpack_tree(io.BytesIO(b"".join(pack_tree(scan_tree(path)))), target)
    return target


def test_digest_does_not_depend_on_the_place(tmp_path: Path) -> None:
    assert digest(fill(tmp_path / "x")) == digest(fill(tmp_path / "elsewhere" / "y"))


@pytest.mark.parametrize(
    "change",
    [
        lambda top: (top / "a.txt").write_text("A"),
        lambda top: (top / "a.txt").rename(top / "b.txt"),
        lambda top: (top / "a.txt").chmod(0o755),
        lambda top: (top / "empty").rmdir(),
        lambda top: (top / "empty").chmod(0o700),
        lambda top: (top / "new").touch(),
        lambda top: (
            (top / "sub" / "deep" / "link").unlink(),
            (top / "sub" / "deep" / "link").symlink_to("../../a.txt"),
        ),
        lambda top: (
            (top / "sub" / "deep" / "link").unlink(),
            (top / "sub" / "deep" / "link").write_text("b"),
        ),
    ],
)
def test_every_visible_change_changes_the_digest(tmp_path: Path, change: object) -> None:
    top = fill(tmp_path / "x")
    before = digest(top)
    change(top)  # type: ignore[operator]
    assert digest(top) != before


def test_times_do_not_count(tmp_path: Path) -> None:
    top = fill(tmp_path / "x")
    before = digest(top)
    os.utime(top / "a.txt", (1, 1))
    assert digest(top) == before


def test_moving_bytes_between_files_changes_the_digest(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for top, first, second in ((one, "ab", "c"), (two, "a", "bc")):
        top.mkdir()
        (top / "1").write_text(first)
        (top / "2").write_text(second)
    assert digest(one) != digest(two)


def test_loops_inside_end(tmp_path: Path) -> None:
    top = fill(tmp_path / "x")
    (top / "sub" / "up").symlink_to("..")
    (top / "self").symlink_to("self")
    (top / "absolute").symlink_to(top / "sub")
    names = {entry.name for entry in scan_tree(top).entries}
    assert b"sub/up" in names
    assert not any(name.startswith(b"sub/up/") for name in names)


def test_absolute_link_inside_does_not_bind_the_digest_to_the_place(tmp_path: Path) -> None:
    digests = []
    for name in ("x", "y"):
        top = fill(tmp_path / name)
        (top / "absolute").symlink_to(top / "sub")
        digests.append(digest(top))
    assert digests[0] == digests[1]


def test_link_out_of_the_tree_counts_as_its_content(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("1")
    top = fill(tmp_path / "x")
    (top / "out").symlink_to(outside)
    before = digest(top)
    outside.write_text("2")
    assert digest(top) != before
    restored = copy_of(top, tmp_path / "copy") / "out"
    assert (restored.is_symlink(), restored.read_text()) == (False, "2")


def test_links_out_that_hold_the_tree_are_refused(tmp_path: Path) -> None:
    top = fill(tmp_path / "parent" / "x")
    (top / "loop").symlink_to(tmp_path / "parent")
    with pytest.raises(UnsupportedFileError, match="no end"):
        scan_tree(top)


def test_links_between_two_outside_directories_are_refused(tmp_path: Path) -> None:
    for name, other in (("p", "q"), ("q", "p")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "to").symlink_to(tmp_path / other)
    top = fill(tmp_path / "x")
    (top / "out").symlink_to(tmp_path / "p")
    with pytest.raises(UnsupportedFileError, match="no end"):
        scan_tree(top)


def test_socket_and_fifo_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s/sock")
        with pytest.raises(UnsupportedFileError, match=r"s/sock' is a socket"):
            scan_tree("s")
    (tmp_path / "f").mkdir()
    os.mkfifo("f/pipe")
    with pytest.raises(UnsupportedFileError, match=r"f/pipe' is a fifo"):
        scan_tree("f")


def test_archive_gives_back_the_same_tree(tmp_path: Path) -> None:
    top = fill(tmp_path / "x")
    with open(os.fsencode(top) + b"/\xff name\nwith 'quotes'", "wb") as file:
        file.write(b"\0" * 5_000_000)
    (top / "locked").mkdir()
    (top / "locked" / "in").write_text("1")
    (top / "locked").chmod(0o555)
    assert digest(copy_of(top, tmp_path / "copy")) == digest(top)
    (top / "locked").chmod(0o755)


def test_archive_of_names_that_differ_by_case_keeps_both(tmp_path: Path) -> None:
    top = tmp_path / "x"
    top.mkdir()
    (top / "A").write_text("upper")
    (top / "a").write_text("lower")
    assert len(scan_tree(copy_of(top, tmp_path / "copy")).entries) == 2


def test_archive_notices_a_file_that_changed(tmp_path: Path) -> None:
    top = fill(tmp_path / "x")
    tree = scan_tree(top)
    (top / "a.txt").write_text("b")
    with pytest.raises(InputChangedError, match=r"a\.txt"):
        b"".join(pack_tree(tree))


@pytest.mark.parametrize("cut", [0, 10, 30, -1])
def test_damaged_archive_is_refused(tmp_path: Path, cut: int) -> None:
    packed = b"".join(pack_tree(scan_tree(fill(tmp_path / "x"))))
    with pytest.raises(DecodeError):
        unpack_tree(io.BytesIO(packed[:cut]), tmp_path / "copy")


def test_archive_that_leads_out_is_refused(tmp_path: Path) -> None:
    top = tmp_path / "x"
    top.mkdir()
    (top / "ab").write_text("bad")
    packed = b"".join(pack_tree(scan_tree(top)))
    with pytest.raises(DecodeError, match="no path inside"):
        unpack_tree(io.BytesIO(packed.replace(b"\xc4\x02ab", b"\xc4\x02..")), tmp_path / "copy")


def test_deeply_nested_directories(tmp_path: Path) -> None:
    paths = [str(tmp_path / "x") + "/d" * depth for depth in range(1500)]
    for path in paths:
        os.mkdir(path)
    try:
        assert len(scan_tree(paths[0]).entries) == 1499
    finally:  # neither pytest nor shutil removes what is deeper than Python's stack
        for path in reversed(paths):
            os.rmdir(path)


def test_dirref_lists_reads_and_makes_files() -> None:
    made = DirRef()
    made.get_new_file("train", ".csv").write_text("1")
    made.get_new_file("deep/er/test", "csv").write_text("2")
    made.get_new_directory("void")
    assert [str(file.path.relative_to(made.path)) for file in made.files] == ["deep/er/test.csv", "train.csv"]
    assert [one.name for one in made.directories] == ["deep", "void"]
    assert (len(made), "train.csv" in made, "nope" in made, bool(DirRef())) == (2, True, False, True)
    assert (made / "deep" / "er" / "test.csv").read_text() == "2"
    assert made.file("train.csv").suffix == ".csv"


def test_dirref_refuses_paths_outside_and_taken_names() -> None:
    made = DirRef()
    made.get_new_file("a", "csv").write_text("1")
    with pytest.raises(FileExistsError, match="name of its own"):
        made.get_new_file("a", "csv")
    with pytest.raises(MissingInputError, match="leads out"):
        made.get_new_file("../a", "csv")


def test_dirref_of_an_input_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match=r"DirRef\(\)"):
        DirRef(tmp_path).get_new_file("a", "csv")


def test_dirref_of_a_file_or_nothing_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(UnsupportedFileError, match="a regular file, not a directory"):
        DirRef(tmp_path / "f")
    with pytest.raises(MissingInputError, match="no directory"):
        DirRef(tmp_path / "nope")
