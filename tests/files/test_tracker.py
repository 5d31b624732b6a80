"""The tracker: a stat saves reading, and never hides a change."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from merkl._base.errors import MissingInputError
from merkl.cache.database import Database
from merkl.files import DirRef, FileRef
from merkl.files.content import hash_file
from merkl.files.identity import directory_identity, file_identity
from merkl.files.tracker import FileTracker
from merkl.hashing.digests import hash_content


@pytest.fixture(params=["database", "memory"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path) -> FileTracker:
    return FileTracker(Database(tmp_path / "x.db") if request.param == "database" else None)


def settle(path: Path) -> None:
    time.sleep(0.1)
    assert path.exists()


def test_write_within_the_clocks_tick_is_seen(tracker: FileTracker, tmp_path: Path) -> None:
    path = tmp_path / "f"
    for number in range(200):
        path.write_text(f"{number:03}")
        assert tracker.content_hash(path) == hash_content(f"{number:03}".encode())


def test_same_size_and_modification_time_is_seen(tracker: FileTracker, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("aaa")
    settle(path)
    tracker.content_hash(path)
    stat = path.stat()
    path.write_text("bbb")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert tracker.content_hash(path) == hash_content(b"bbb")


def test_replacement_by_an_older_file_is_seen(tracker: FileTracker, tmp_path: Path) -> None:
    old, path = tmp_path / "old", tmp_path / "f"
    old.write_text("old")
    path.write_text("new")
    os.utime(path, ns=(0, old.stat().st_mtime_ns))
    settle(path)
    tracker.content_hash(path)
    old.replace(path)
    assert tracker.content_hash(path) == hash_content(b"old")


def test_settled_file_is_not_read_again(tracker: FileTracker, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("aaa")
    settle(path)
    first = tracker.content_hash(path)
    row = tracker.get(path)
    assert tracker.content_hash(path) == first
    assert tracker.get(path) == row
    assert row is not None
    assert row.settled


def test_missing_file_is_an_error_though_it_is_known(tracker: FileTracker, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("aaa")
    tracker.content_hash(path)
    path.unlink()
    with pytest.raises(MissingInputError):
        tracker.content_hash(path)


def test_tree_hash_is_that_of_reading_all(tracker: FileTracker, tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").write_text("1")
    ref = DirRef(tmp_path / "d")
    assert tracker.tree_hash(ref) == ref.content_hash
    (tmp_path / "d" / "e" / "f").write_text("2")
    assert tracker.tree_hash(ref) == ref.content_hash


def test_name_that_is_no_utf8_is_tracked(tracker: FileTracker, tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff.\xfe"
    Path(os.fsdecode(raw)).write_text("x")
    tracker.content_hash(os.fsdecode(raw), role="input")
    assert [row.path for row in tracker.tracked()] == [raw]


def test_files_of_merkls_own_are_not_listed(tmp_path: Path) -> None:
    tracker = FileTracker(root=tmp_path)
    for path in (tmp_path / ".merkl" / "v" / "f", tmp_path / "f"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        tracker.content_hash(path, role="input")
    assert [row.path for row in tracker.tracked()] == [os.fsencode(tmp_path / "f")]


def test_identity_is_suffix_and_content_not_path(tmp_path: Path) -> None:
    names = ("a.csv", "sub/b.csv", "c.txt")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("same")
    one, two, other = (file_identity(FileRef(tmp_path / name)) for name in names)
    assert one == two != other
    assert directory_identity(DirRef(tmp_path / "sub")) not in (one, two, other)


def test_file_above_four_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate((4 << 30) + 5)
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    content = hash_file(path)
    assert content.signature.size == (4 << 30) + 5
    with path.open("r+b") as file:
        file.seek((4 << 30) + 1)
        file.write(b"y")
    assert hash_file(path).content_hash != content.content_hash
