"""Upkeep of a cache: what is damaged is found, what is needed stays, what is unneeded goes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merkl._base.errors import CacheError, MerklWarning
from merkl._base.readable import readable
from merkl.cache import MISSING, FileCache, MemoryCache, SqliteCache, load, store
from merkl.cache.base import Metadata
from merkl.cache.contract import make_entry, make_key, read
from merkl.cache.exchange import export_entries, import_entries
from merkl.cache.figures import find_stats
from merkl.cache.inventory import Root
from merkl.cache.repair import verify
from merkl.cache.sweep import clear, collect, evict, live_roots
from merkl.codecs import default_codecs

DAY = 86_400.0
CODECS = default_codecs()


@pytest.fixture
def cache(tmp_path: Path) -> SqliteCache:
    """A cache with a small, a middle and a large result, and a second key for the large one."""
    cache = SqliteCache(tmp_path / "cache")
    for number, size in enumerate((10, 5000, 100_000)):
        cache.put(make_key(number), make_entry(b"%d" % number * size))
    cache.link(make_key(3), make_key(2))
    cache.close()
    return cache


def large_file(cache: SqliteCache) -> Path:
    """Return the file of the large result."""
    return cache.files.path(make_entry(b"2" * 100_000).content_hash)


def test_stats_count_equal_contents_once(cache: SqliteCache) -> None:
    """Four results, three contents."""
    found = find_stats(cache)
    assert (found.results, found.contents) == (4, 3)
    assert (found.bytes, found.unique_bytes) == (205_010, 105_010)
    assert found.by_codec == {"bytes": 4}


def test_verify_of_a_good_cache_is_empty(cache: SqliteCache) -> None:
    """Nothing is found where nothing is wrong."""
    assert verify(cache) == []


def test_verify_finds_damage_that_no_stamp_shows(cache: SqliteCache) -> None:
    """Every content is hashed, whatever its file looks like; repair forgets all results that name it."""
    path = large_file(cache)
    path.chmod(0o644)
    path.write_bytes(b"3" * 100_000)
    found = verify(cache, repair=True)
    assert {damage.kind for damage in found} == {"damaged"}
    assert {damage.name for damage in found} == {make_key(2), make_key(3)}
    assert all(damage.is_repaired for damage in found)
    assert verify(cache) == []
    assert sorted(cache.keys()) == sorted([make_key(0), make_key(1)])


def test_verify_finds_old_orphans_and_leftovers(cache: SqliteCache) -> None:
    """A content that nothing names and a temporary file go, once no writer can be about to use them."""
    for number in (2, 3):
        cache.delete(make_key(number))
    left = cache.files.directory / "tmp" / "left"
    left.write_bytes(b"x")
    assert [damage.kind for damage in verify(cache)] == []
    for path in (left, large_file(cache)):
        os.utime(path, (0, 0))
    assert {damage.kind for damage in verify(cache, repair=True)} == {"orphan", "leftover"}
    assert not left.exists()
    assert not large_file(cache).exists()


def test_collect_is_a_dry_run_unless_told_otherwise(cache: SqliteCache) -> None:
    """Without `dry_run=False` nothing is removed."""
    garbage = collect(cache, keep_days=5, now=time.time() + 30 * DAY)
    assert len(garbage.keys) == 4
    assert not garbage.removed
    assert len(list(cache.keys())) == 4


def test_collect_keeps_what_was_used_lately(cache: SqliteCache) -> None:
    """The grace period holds even where nothing may stay."""
    assert collect(cache, max_size=0, dry_run=False).keys == ()
    assert len(list(cache.keys())) == 4


def test_collect_keeps_what_is_reachable(cache: SqliteCache) -> None:
    """Results that a project needs stay with their contents, others go with theirs."""
    later = time.time() + 30 * DAY
    cache.note_root(Root(str(cache.path), "flow.main", socket.gethostname(), "run", 1.0, (make_key(3),)))
    cache.close()
    garbage = collect(cache, unreachable=True, dry_run=False, now=later)
    assert garbage.kept == 1
    assert sorted(garbage.keys) == sorted(make_key(number) for number in range(3))
    assert read(cache.get(make_key(3))) == b"2" * 100_000
    assert list(cache.contents.hashes()) == [make_entry(b"2" * 100_000).content_hash]


def test_collect_by_size_begins_with_the_least_recently_used(cache: SqliteCache) -> None:
    """Results go in the order of their last use until the rest fits."""
    for number in range(4):
        cache.database.execute(
            "UPDATE entries SET used = ? WHERE key = ?", (1000.0 + number, bytes.fromhex(make_key(number)))
        )
    garbage = collect(cache, max_size=100_000, dry_run=False)
    assert garbage.keys == (make_key(0), make_key(1))


@pytest.mark.parametrize("kind", [SqliteCache, FileCache])
def test_collect_keeps_what_a_running_process_may_use(
    tmp_path: Path, kind: type[SqliteCache] | type[FileCache]
) -> None:
    """While a process that began earlier is alive, nothing used since then goes, however long ago that is."""
    cache = kind(tmp_path)
    cache.put(make_key(1), make_entry(b"1" * 100_000))
    cache.close()
    script = (
        f"import sys; from merkl.cache import {kind.__name__} as C; from merkl.cache.contract import make_key;"
        "cache = C(sys.argv[1]); cache.get(make_key(1)).content.close();"
        "print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    later = time.time() + 30 * DAY
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert collect(cache, keep_days=5, now=later).keys == ()
        assert evict(cache, 10) is not None
        assert list(cache.keys()) == [make_key(1)]
        process.kill()
        process.wait()
    cache.close()  # this process uses it too
    assert len(collect(cache, keep_days=5, now=later).keys) == 1


def test_a_content_that_a_running_process_reuses_comes_back(cache: SqliteCache) -> None:
    """What is swept while another process is about to name it again is not lost."""
    script = """
import sys
from merkl.cache import SqliteCache
from merkl.cache.contract import make_entry, make_key
cache = SqliteCache(sys.argv[1], delay=60)
cache.put(make_key(9), make_entry(b"2" * 100_000))
print("put, not committed", flush=True)
sys.stdin.readline()
cache.close()
"""
    command = [sys.executable, "-c", script, str(cache.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert clear(cache, [make_key(2), make_key(3)]) == 2
        assert not large_file(cache).exists()
        process.communicate("\n", timeout=60)
    assert read(cache.get(make_key(9))) == b"2" * 100_000
    assert verify(cache) == []
    clear(cache, [make_key(9)])
    assert not list((cache.files.directory / "trash").iterdir())


def test_eviction_takes_first_what_no_project_reaches(cache: SqliteCache) -> None:
    """Then what was used longest ago; the limit holds, and freed files are gone at once."""
    cache.put(make_key(5), make_entry(b"5" * 100_000))
    cache.note_root(Root(str(cache.path), "flow.main", socket.gethostname(), "run", 1.0, (make_key(3),)))
    cache.database.execute("UPDATE entries SET used = ? WHERE key = ?", (1.0, bytes.fromhex(make_key(3))))
    garbage = evict(cache, 150_000)
    assert garbage is not None
    assert garbage.left <= 150_000
    assert cache.has(make_key(3))
    assert not cache.has(make_key(5))
    assert [path.name for path in cache.files.directory.rglob("*") if path.is_file()] == [
        large_file(cache).name
    ]
    assert evict(cache, 150_000) is None
    assert evict(cache, 10) is not None
    assert list(cache.keys()) == []


def test_export_and_import_carry_results(cache: SqliteCache, tmp_path: Path) -> None:
    """An exported result is the same in another cache."""
    file = tmp_path / "export"
    assert export_entries(cache, [make_key(0), make_key(2)], file) == 2
    other = SqliteCache(tmp_path / "other")
    assert sorted(import_entries(other, file)) == sorted([make_key(0), make_key(2)])
    assert read(other.get(make_key(2))) == b"2" * 100_000


def test_imported_pickles_are_not_trusted(tmp_path: Path) -> None:
    """A pickle from a file that somebody gave is not run."""
    one, other = SqliteCache(tmp_path / "one"), SqliteCache(tmp_path / "other")
    store(one, make_key(1), CODECS.encode(ValueError("x")), Metadata())
    export_entries(one, [make_key(1)], tmp_path / "export")
    import_entries(other, tmp_path / "export")
    with pytest.warns(MerklWarning, match="pickle"):
        assert load(other, make_key(1), codecs=CODECS) is MISSING


def test_damaged_export_is_refused_as_a_whole(cache: SqliteCache, tmp_path: Path) -> None:
    """Nothing of a file that was changed is taken in."""
    file = tmp_path / "export"
    export_entries(cache, [make_key(0), make_key(2)], file)
    data = bytearray(file.read_bytes())
    data[60_000] ^= 1
    file.write_bytes(data)
    other = SqliteCache(tmp_path / "other")
    with pytest.raises(CacheError):
        import_entries(other, file)
    assert list(other.keys()) == []


@pytest.mark.parametrize("name", ["plain", "blank in it", "\udcff no text", "\\udcff text"])
def test_a_project_of_any_name_is_seen_to_be_there(cache: SqliteCache, tmp_path: Path, name: str) -> None:
    """Also one whose name no encoder takes; and one that is gone counts no more."""
    project = tmp_path / name
    project.mkdir()
    host = socket.gethostname()
    cache.note_root(Root(readable(str(project)), "flow.main", host, "run", 1.0, (make_key(1),)))
    assert [root.keys for root in live_roots(cache)] == [(make_key(1),)]
    project.rmdir()
    assert live_roots(cache) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=4), st.booleans()
)
def test_whatever_happens_to_an_export_all_of_it_or_nothing_comes_in(
    tmp_path: Path, changes: list[tuple[int, int]], is_cut: bool
) -> None:
    """Flipped bytes anywhere, or an early end, are found before the first result is taken."""
    one, other = MemoryCache(), MemoryCache()
    for number in (1, 2):
        one.put(make_key(number), make_entry(b"%d" % number * 2000, task="t"))
    file = tmp_path / "export"
    export_entries(one, one.keys(), file)
    data = bytearray(file.read_bytes())
    for at, change in changes:
        data[at % len(data)] ^= change
    file.write_bytes(data[: changes[0][0] % len(data)] if is_cut else data)
    try:
        import_entries(other, file)
    except CacheError:
        assert list(other.keys()) == []
    else:
        assert {key: read(other.get(key)) for key in other.keys()} == {  # noqa: SIM118
            make_key(number): b"%d" % number * 2000 for number in (1, 2)
        }


def test_a_cache_of_files_is_kept_below_its_size_too(tmp_path: Path) -> None:
    """Least recently used first, contents included after they were a day in the trash."""
    cache = FileCache(tmp_path)
    for number in range(4):
        cache.put(make_key(number), make_entry(b"%d" % number * 100_000))
        path = cache.index.path(make_key(number))  # type: ignore[attr-defined]
        os.utime(path, (1000.0 + number, 1000.0 + number))
    garbage = evict(cache, 250_000)
    assert garbage is not None
    assert garbage.keys == (make_key(0), make_key(1))
    assert sorted(cache.keys()) == sorted([make_key(2), make_key(3)])
    assert len(list(cache.contents.hashes())) == 2
    cache.contents.empty_trash((), age=0)
    assert verify(cache) == []
