"""Large results pass through in bounded memory, and are not copied where they can be moved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from merkl import FileRef, Workspace, task
from merkl.cache import FileContentBackend, SqliteCache, load, store
from merkl.cache.base import Metadata
from merkl.cache.contract import make_key
from merkl.codecs import default_codecs

KEY = make_key(1)


class Movable:
    """A stream that is a file of its own, as the codec of files gives it."""

    movable = True

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter([Path(self.path).read_bytes()])


def test_streams_pass_through_in_bounded_memory(tmp_path: Path) -> None:
    """Results of 300 MB as iterator, open file, FileRef made by the body and FileRef of the user: below 100 MB of memory."""
    script = Path(__file__).with_name("stream_results.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "300"],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100


def test_a_file_that_the_body_made_is_moved(workspace: Workspace) -> None:
    """The stored file is the very one that the body wrote."""
    inodes: list[int] = []

    @task
    def make(size: int) -> FileRef:
        made = FileRef()
        Path(made).write_bytes(b"x" * size)
        inodes.append(os.stat(made).st_ino)
        return made

    result = make(200_000).eval()
    assert Path(result).read_bytes() == b"x" * 200_000
    assert os.stat(os.path.realpath(result)).st_ino == inodes[0]


def test_a_file_of_the_user_stays(workspace: Workspace, tmp_path: Path) -> None:
    """A result outside the call's own folder is copied: writing to it later changes nothing that is stored."""
    mine = tmp_path / "mine"

    @task
    def make(path: str) -> FileRef:
        Path(path).write_bytes(b"y" * 200_000)
        return FileRef(path)

    future = make(str(mine))
    future.eval()
    mine.write_bytes(b"z" * 200_000)
    assert Path(future.eval()).read_bytes() == b"y" * 200_000


@pytest.mark.parametrize("trouble", ["a second name", "a link"])
def test_a_file_with_another_name_is_copied(tmp_path: Path, trouble: str) -> None:
    """Who has the other name could change what is stored."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)
    other = tmp_path / "other"
    if trouble == "a second name":
        os.link(path, other)
    else:
        other.symlink_to(path)
    backend = FileContentBackend(tmp_path / "objects")
    spooled = backend.spool(Movable(other))
    backend.put(spooled.file, spooled.content_hash)
    spooled.close()
    path.write_bytes(b"changed")
    assert read_content(backend, spooled.content_hash) == b"x" * 100_000


def test_a_file_that_changes_while_it_is_moved_is_a_miss(tmp_path: Path) -> None:
    """What was hashed is what is given out, or nothing."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)
    backend = FileContentBackend(tmp_path / "objects")
    with open(path, "r+b") as still_open:
        spooled = backend.spool(Movable(path))
        still_open.write(b"changed")
        still_open.flush()
        backend.put(spooled.file, spooled.content_hash)
    spooled.close()
    with pytest.warns(match="damaged"):
        assert backend.get(spooled.content_hash) is None


def test_a_file_that_cannot_be_stored_stays_where_it_is(tmp_path: Path) -> None:
    """Nothing is lost when moving fails."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)
    backend = FileContentBackend(tmp_path / "objects")
    spooled = backend.spool(Movable(path))
    (tmp_path / "objects" / spooled.content_hash[:2]).write_bytes(b"in the way")
    with pytest.raises(OSError):
        backend.put(spooled.file, spooled.content_hash)
    spooled.close()
    assert path.read_bytes() == b"x" * 100_000


def test_arrays_are_mapped_when_loaded(tmp_path: Path) -> None:
    """Loading a large array reads none of it, and writing to it changes nothing that is stored."""
    cache, codecs = SqliteCache(tmp_path), default_codecs()
    array = np.arange(2_000_000, dtype=np.float64)
    store(cache, KEY, codecs.encode(array), Metadata())
    loaded = load(cache, KEY, codecs=codecs)
    assert isinstance(loaded, np.ndarray)
    base = loaded
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    assert type(getattr(base, "obj", base)).__name__ == "mmap"
    loaded[:] = 0
    assert np.array_equal(load(cache, KEY, codecs=codecs), array)


def read_content(backend: FileContentBackend, content_hash: str) -> bytes | None:
    """Return stored bytes."""
    content = backend.get(content_hash)
    if content is None:
        return None
    with content as file:  # type: ignore[union-attr]
        data: bytes = file.read()
    return data
