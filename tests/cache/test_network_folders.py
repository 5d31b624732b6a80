"""Folders on network file systems: how they are told, what is kept in them, what damage to their files does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from merkl._base.config import CacheSettings
from merkl._base.errors import ConfigError
from merkl.cache import FileCache, MemoryCache, SqliteCache, open_cache
from merkl.cache.configured import open_configured, open_relative
from merkl.cache.contract import make_entry, make_key, read
from merkl.cache.repair import verify
from merkl.cache.urls import is_network_path, open_folder

LINE = "{number} 1 0:{number} / {point} rw,relatime shared:1 - {kind} source rw"


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    """A table of mounts as Linux shows it: a local root, NFS in it, a local disk in that, a name with a blank."""
    table = [
        ("/", "ext4"),
        ("/home", "nfs4"),
        ("/home/scratch", "xfs"),
        ("/data\\040set", "lustre"),
        ("/homes", "ext4"),
    ]
    path = tmp_path / "mountinfo"
    path.write_text(
        "\n".join(LINE.format(number=n, point=p, kind=k) for n, (p, k) in enumerate(table)) + "\n"
    )
    return path


FOLDERS = {
    "/home/me/project": True,
    "/home": True,
    "/home/scratch/x": False,
    "/homestead": False,
    "/homes/me": False,
    "/data set/x": True,
    "/tmp": False,
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_nearest_mount_decides(mounts: Path, folder: str) -> None:
    """The longest mount point above a path says what file system it is on."""
    assert is_network_path(folder, mounts) is FOLDERS[folder]


def test_without_a_table_of_mounts_a_folder_is_local(tmp_path: Path) -> None:
    """Other systems than Linux have none."""
    assert is_network_path(tmp_path, tmp_path / "nothing") is False


def test_a_folder_with_a_cache_of_files_stays_one(tmp_path: Path) -> None:
    """Whatever file system it is seen on: all machines must agree."""
    FileCache(tmp_path / "shared").put(make_key(1), make_entry(b"x"))
    assert type(open_folder(tmp_path / "shared")) is FileCache
    assert type(open_folder(tmp_path / "new")) is SqliteCache


def test_a_network_folder_of_ones_own_is_trusted(tmp_path: Path) -> None:
    """A project whose files only its owner can write to reads its own pickles; one that others write to does not."""
    mine, ours = tmp_path / "mine", tmp_path / "ours"
    for folder in (mine, ours):
        (folder / "index").mkdir(parents=True)
    mine.chmod(0o755)
    ours.chmod(0o775)
    assert open_folder(mine).shared is False
    assert open_folder(ours).shared is True


DAMAGE = {
    "flipped": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "truncated": lambda data: data[:-10],
    "emptied": lambda data: b"",
    "of somebody else": lambda data: b"hello",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("size", [10, 100_000])
def test_a_damaged_record_is_a_miss_and_is_repaired(tmp_path: Path, damage: str, size: int) -> None:
    """A record whose checksum is wrong is no result, and nothing else is harmed by it."""
    cache = FileCache(tmp_path)
    for number in (1, 2):
        cache.put(make_key(number), make_entry(b"%d" % number * size))
    path = cache.index.path(make_key(1))  # type: ignore[attr-defined]
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert cache.get(make_key(1)) is None
    assert cache.lookup(make_key(1)) is None
    assert [(found.kind, found.name) for found in verify(cache, repair=True)] == [("damaged", make_key(1))]
    assert verify(cache) == []
    assert read(cache.get(make_key(2))) == b"2" * size
    cache.put(make_key(1), make_entry(b"1" * size))
    assert read(cache.get(make_key(1))) == b"1" * size


URLS = {"": SqliteCache, "memory:": MemoryCache, "elsewhere": SqliteCache, "file:elsewhere": SqliteCache}


@pytest.mark.parametrize("url", URLS)
def test_relative_paths_belong_to_the_project(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a command is run from."""
    monkeypatch.chdir("/")
    cache = open_configured(CacheSettings(url=url), tmp_path / "project")
    assert type(cache) is URLS[url]
    if isinstance(cache, SqliteCache):
        assert cache.path == tmp_path / "project" / ("elsewhere" if url else ".merkl")


def test_a_file_url_names_any_path(tmp_path: Path) -> None:
    """Blanks and other letters may be quoted."""
    cache = open_relative(f"file://{tmp_path}/with%20blank", Path("/"))
    assert isinstance(cache, SqliteCache)
    assert cache.path == tmp_path / "with blank"


def test_an_unknown_kind_of_url_is_an_error() -> None:
    """It is not taken for a folder of that name."""
    with pytest.raises(ConfigError, match="no cache is known"):
        open_cache("ftp://somewhere/x")


def test_reading_marks_a_record_as_used(tmp_path: Path) -> None:
    """Its last use is seen by gc, written at most once an hour."""
    cache = FileCache(tmp_path)
    cache.put(make_key(1), make_entry(b"x"))
    path = cache.index.path(make_key(1))  # type: ignore[attr-defined]
    os.utime(path, (1000, 1000))
    assert [item.used for item in cache.items()] == [1000]
    cache.get(make_key(1))
    assert [item.used > 1000 for item in cache.items()] == [True]
