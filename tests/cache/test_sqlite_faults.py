"""What the default cache does when processes die, files are damaged, disks are full and locks are held."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest

from merkl._base.errors import CacheError, CacheFormatError, MerklWarning
from merkl.cache import MISSING, FileCache, SqliteCache, load, store
from merkl.cache.base import Metadata
from merkl.cache.contract import make_entry, make_key, read
from merkl.cache.repair import verify
from merkl.cache.schema import check_identity
from merkl.cache.sweep import collect
from merkl.codecs import default_codecs

CACHES: dict[str, type[SqliteCache] | type[FileCache]] = {"SqliteCache": SqliteCache, "FileCache": FileCache}
CODECS = default_codecs()
KEY = make_key(1)
LARGE = bytes(range(256)) * 1000


def run(script: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a Python script in a process of its own."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)  # type: ignore[call-overload,no-any-return]


def filled(path: Path, content: bytes = LARGE) -> SqliteCache:
    """Return a cache with one result, on disk."""
    cache = SqliteCache(path)
    cache.put(KEY, make_entry(content))
    cache.flush()
    return cache


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_killed_at_any_step_nothing_is_wrong_or_lost(tmp_path: Path, kind: str) -> None:
    """A writer killed between any two steps leaves no wrong result, no row without its content, and a clean cache."""
    script = Path(__file__).with_name("kill_at_every_step.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), kind],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    *problems, steps = done.stdout.splitlines()
    assert problems == [], done.stderr
    assert int(steps.split()[1]) > 20


DAMAGE = {
    "flipped byte": lambda data: data[:1000] + bytes([data[1000] ^ 1]) + data[1001:],
    "truncated": lambda data: data[:-1],
    "emptied": lambda data: b"",
    "longer": lambda data: data + b"x",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_file_is_a_miss_and_is_repaired(tmp_path: Path, damage: str) -> None:
    """A content file with other bytes is never given out; storing the result again mends it."""
    cache = filled(tmp_path)
    path = cache.files.path(make_entry(LARGE).content_hash)
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(DAMAGE[damage](LARGE))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.warns(MerklWarning, match="damaged"):
        assert cache.get(KEY) is None
    assert not cache.has(KEY)
    cache.put(KEY, make_entry(LARGE))
    assert read(cache.get(KEY)) == LARGE
    assert verify(cache) == []


def test_damage_is_found_when_the_content_is_stored_again(tmp_path: Path) -> None:
    """Storing a content whose file was damaged meanwhile replaces the file instead of believing its name."""
    cache = filled(tmp_path)
    path = cache.files.path(make_entry(LARGE).content_hash)
    path.chmod(0o644)
    path.write_bytes(b"other")
    cache.put(make_key(2), make_entry(LARGE))
    assert read(cache.get(KEY)) == LARGE


@pytest.mark.parametrize("size", [100, 5000])
def test_flipped_byte_in_a_row_is_a_miss(tmp_path: Path, size: int) -> None:
    """Small contents are checked against their hash too."""
    cache = filled(tmp_path, b"a" * size)
    table, column = ("entries", "inline") if size == 100 else ("contents", "data")
    with cache.database.transaction() as connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (b"b" * size,))
    assert cache.get(KEY) is None
    cache.put(KEY, make_entry(b"a" * size))
    assert read(cache.get(KEY)) == b"a" * size


def test_deleted_file_is_a_miss(tmp_path: Path) -> None:
    """A row whose file is gone is no result, not even for `has` and `lookup`."""
    cache = filled(tmp_path)
    cache.files.path(make_entry(LARGE).content_hash).unlink()
    assert (cache.has(KEY), cache.lookup(KEY), cache.get(KEY)) == (False, None, None)
    assert [damage.kind for damage in verify(cache, repair=True)] == ["missing"]
    assert verify(cache) == []


def test_tables_that_are_not_as_they_should_be_are_an_error_with_what_to_do(tmp_path: Path) -> None:
    """As a version that was never released may have left them."""
    cache = SqliteCache(tmp_path)
    cache.put(make_key(1), make_entry(b"x"))
    cache.close()
    path = tmp_path / "merkl.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE entries RENAME COLUMN origin TO other")
        connection.commit()
    with pytest.raises(CacheFormatError, match="Move the file away"):
        SqliteCache(tmp_path).get(make_key(1))


def test_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A database of a newer MerkL is an error that says what to do, and is not changed."""
    filled(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "merkl.db")
    connection.execute("UPDATE schema_versions SET version = 99 WHERE name = 'index'")
    connection.commit()
    connection.close()
    before = (tmp_path / "merkl.db").read_bytes()
    cache = SqliteCache(tmp_path)
    with pytest.raises(CacheFormatError, match=r"newer MerkL.*upgrade"):
        cache.has(KEY)
    assert (tmp_path / "merkl.db").read_bytes() == before


@pytest.mark.parametrize("start", [0, 100])
def test_damaged_database_is_an_error_with_a_remedy(tmp_path: Path, start: int) -> None:
    """A database that SQLite can't read is named, with what to do, and is left as it is."""
    filled(tmp_path).close()
    path = tmp_path / "merkl.db"
    data = path.read_bytes()
    damaged = data[:start] + b"garbage!" * 500 + data[start + 4000 :]
    path.write_bytes(damaged)
    cache = SqliteCache(tmp_path)
    with pytest.raises(CacheFormatError, match=r"merkl\.db"):
        cache.get(KEY)
    assert path.read_bytes() == damaged


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    """A SQLite file of another program is not written to."""
    connection = sqlite3.connect(tmp_path / "merkl.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    with pytest.raises(CacheFormatError, match="not one of MerkL's"):
        SqliteCache(tmp_path).has(KEY)


def test_locked_database_is_a_warning_and_nothing_is_lost(tmp_path: Path) -> None:
    """While another process holds the lock results wait in memory; they are stored when it lets go."""
    cache = SqliteCache(tmp_path, busy_timeout=0.05, delay=60)
    cache.has(KEY)
    other = sqlite3.connect(tmp_path / "merkl.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.warns(MerklWarning, match="locked"):
        store(cache, KEY, CODECS.encode(5), Metadata(), urgent=True)
    with pytest.raises(CacheError, match="locked by another process"):
        cache.flush()
    assert load(cache, KEY, codecs=CODECS) == 5
    other.execute("COMMIT")
    other.close()
    cache.close()
    assert load(SqliteCache(tmp_path), KEY, codecs=CODECS) == 5


def test_a_lock_that_stays_is_waited_for_at_length_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("merkl.cache.database.SHORT_TIMEOUT", 0.01)
    cache = SqliteCache(tmp_path, busy_timeout=0.05, delay=60)
    cache.put(KEY, make_entry(b"1"))
    cache.flush()
    other = sqlite3.connect(tmp_path / "merkl.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.put(KEY, make_entry(b"2"))
    with pytest.raises(CacheError, match="locked by another process"):
        cache.flush()
    assert cache.database.fetch("PRAGMA busy_timeout") == (10,)
    other.execute("COMMIT")
    other.close()
    cache.flush()
    assert cache.database.fetch("PRAGMA busy_timeout") == (50,)


def test_a_cache_that_another_process_makes_meanwhile_is_one_of_ours(tmp_path: Path) -> None:
    """Its tables and whose they are come in one transaction, which may fall between the two looks at them."""
    path = tmp_path / "merkl.db"

    class Slow(sqlite3.Connection):
        def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:  # type: ignore[override]
            if "sqlite_master" in sql:
                filled(tmp_path).close()
            return super().execute(sql, *rest)  # type: ignore[arg-type]

    with contextlib.closing(sqlite3.connect(path, factory=Slow)) as connection:
        check_identity(connection, path)


@pytest.mark.parametrize("kind", ["SqliteCache", "FileCache"])
def test_sixteen_processes_share_a_cache(tmp_path: Path, kind: str) -> None:
    """Processes that open, write and read one new cache at once all find everything, and leave it clean."""
    script = f"""
        import sys
        from merkl.cache import {kind}
        from merkl.cache.contract import make_entry, make_key, read
        cache, me = {kind}(sys.argv[1]), int(sys.argv[2])
        for number in range(20):
            for key, size in ((10_000 + number, 70_000), (me * 100 + number, 100)):
                cache.put(make_key(key), make_entry(b"%d." % key * size))
                assert read(cache.get(make_key(key))) == b"%d." % key * size
        cache.close()
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script), str(tmp_path)]
    processes = [
        subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, text=True) for number in range(16)
    ]
    assert [process.communicate(timeout=200)[1] for process in processes] == [""] * 16
    cache = CACHES[kind](tmp_path)
    assert len(list(cache.keys())) == 16 * 20 + 20
    assert all(read(cache.get(key)) for key in cache.keys())  # noqa: SIM118 - not a dict
    assert verify(cache) == []


def test_forked_child_has_its_own_connection(tmp_path: Path) -> None:
    """A child forked with rows pending and a connection open neither writes them twice nor disturbs the parent."""
    script = """
        import os, sys, warnings
        from merkl.cache import SqliteCache
        from merkl.cache.contract import make_entry, make_key, read
        # From 3.12 on Python warns of a fork beside the thread that commits: that it works is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        cache = SqliteCache(sys.argv[1], delay=60)
        cache.put(make_key(1), make_entry(b"one")); cache.flush()
        cache.put(make_key(2), make_entry(b"two"))
        pid = os.fork()
        if pid == 0:
            assert read(cache.get(make_key(1))) == b"one"
            assert cache.get(make_key(2)) is None
            cache.put(make_key(3), make_entry(b"three"))
            cache.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert read(cache.get(make_key(3))) == b"three"
        assert read(cache.get(make_key(2))) == b"two"
        cache.close()
        assert len(list(SqliteCache(sys.argv[1]).keys())) == 3
    """
    done = run(script, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_small_results_are_stored_at_exit_and_soon(tmp_path: Path) -> None:
    """A result is on disk at the end of a process that never flushes, and in time in one that goes on."""
    script = """
        import sys, time
        from merkl.cache import SqliteCache
        from merkl.cache.contract import make_entry, make_key
        cache = SqliteCache(sys.argv[1], delay=float(sys.argv[2]))
        cache.put(make_key(1), make_entry(b"one"))
        if sys.argv[2] != "60":
            while SqliteCache(sys.argv[1]).get(make_key(1)) is None:
                time.sleep(0.01)
    """
    for delay in ("60", "0.05"):
        done = run(script, tmp_path / delay, delay)
        assert (done.returncode, done.stderr) == (0, "")
        assert read(SqliteCache(tmp_path / delay).get(make_key(1))) == b"one"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to run as somebody else"
)
def test_read_only_folder_is_read_and_says_so_once(tmp_path: Path) -> None:
    """Where nothing can be written results are read, storing is skipped, and one warning says so."""
    folder = Path("/tmp") / f"merkl-read-only-{os.getpid()}"
    try:
        filled(folder).close()
        script = """
            import os, sys, warnings
            from merkl.cache import SqliteCache
            from merkl.cache.contract import make_entry, make_key, read
            os.setgid(65534); os.setuid(65534)
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                cache = SqliteCache(sys.argv[1])
                assert len(read(cache.get(make_key(1)))) == 256_000
                cache.put(make_key(2), make_entry(b"small"))
                cache.flush()
                cache.put(make_key(3), make_entry(b"small"))
                cache.close()
            assert [str(w.message) for w in seen if "read-only" in str(w.message)].__len__() == 1, seen
        """
        done = run(script, folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert list(SqliteCache(folder).keys()) == [KEY]
    finally:
        shutil.rmtree(folder)


def test_full_disk_is_a_warning_and_the_run_goes_on(tiny_disk: Path) -> None:
    """What doesn't fit is not stored, what is stored stays readable, and nothing half-written is left."""
    cache = SqliteCache(tiny_disk / "cache", delay=60)
    assert store(cache, KEY, CODECS.encode("kept"), Metadata(), urgent=True) is not None
    with pytest.warns(MerklWarning, match="not stored"):
        assert store(cache, make_key(2), CODECS.encode(bytes(5_000_000)), Metadata()) is None
    assert load(cache, KEY, codecs=CODECS) == "kept"
    assert load(cache, make_key(2), codecs=CODECS) is MISSING
    assert list(cache.files.leftovers()) == []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MerklWarning)
        for number in range(10, 60):
            store(cache, make_key(number), CODECS.encode(os.urandom(60_000)), Metadata(), urgent=True)
    assert load(cache, KEY, codecs=CODECS) == "kept"
    subprocess.run(["mount", "-o", "remount,size=8m", str(tiny_disk)], check=True)
    verify(cache, repair=True)
    assert verify(cache) == []


def test_clock_that_goes_backwards_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result stored in what is now the future is a result."""
    monkeypatch.setattr("time.time", lambda: 4e9)
    filled(tmp_path).close()
    monkeypatch.undo()
    cache = SqliteCache(tmp_path)
    assert read(cache.get(KEY)) == LARGE
    assert verify(cache, repair=True) == []
    assert collect(cache, keep_days=0, grace_days=0, dry_run=False).keys == ()
    cache.put(make_key(2), make_entry(b"later"))
    assert sorted(cache.keys()) == sorted([KEY, make_key(2)])


def test_short_writes_of_the_system_lose_nothing(tmp_path: Path) -> None:
    """A file whose size limit is hit in the middle of a write is an error, not a truncated content."""
    script = """
        import resource, signal, sys
        from merkl.cache.file_contents import FileContentBackend
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        files = FileContentBackend(sys.argv[1])
        try:
            files.spool([bytes(150_000)])
        except OSError:
            sys.exit(0 if list(files.leftovers()) == [] else 3)
        sys.exit(2)
    """
    assert run(script, tmp_path).returncode == 0
