"""Which content keys are worth the look: all that may be there are found, and those of a new task cost nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from merkl.cache import Database, Entry, Metadata, Schema, SqliteCache
from merkl.cache import content_keys as content_keys_module
from merkl.cache.contract import make_entry, make_key
from merkl.cache.sqlite_index import ENTRY_COLUMNS, INDEX_SCHEMA, encode_metadata
from merkl.hashing.digests import hash_content

TASK, OTHER_TASK = "f" * 64, "e" * 64


def put(cache: SqliteCache, number: int, *, fingerprint: str = TASK) -> str:
    """Store a result with a content key, which is returned."""
    alias = make_key(1000 + number)
    entry = make_entry(b"%d" % number, task="t", fingerprint=fingerprint, content_key=alias)
    cache.put(make_key(number), entry)
    cache.add_alias(alias, make_key(number), entry)
    return alias


def test_a_new_task_has_only_the_content_keys_of_this_process(tmp_path: Path) -> None:
    """Of a task that the file does not know, a content key may be found if it was put here, and no other."""
    cache = SqliteCache(tmp_path)
    assert not cache.may_find(make_key(1001), TASK)
    alias = put(cache, 1)
    assert alias == make_key(1001)
    assert cache.may_find(alias, TASK)
    assert not cache.may_find(make_key(1002), TASK)
    cache.flush()
    assert cache.may_find(alias, TASK)
    assert not cache.may_find(make_key(1002), TASK)
    cache.close()


def test_a_task_that_the_file_knows_is_looked_up(tmp_path: Path) -> None:
    """What an earlier process has stored may be found; of another task there is still nothing."""
    with_results = SqliteCache(tmp_path)
    alias = put(with_results, 1)
    with_results.close()
    cache = SqliteCache(tmp_path)
    assert cache.may_find(alias, TASK)
    assert cache.may_find(make_key(1002), TASK)
    assert not cache.may_find(alias, OTHER_TASK)
    cache.close()


def test_what_another_process_writes_meanwhile_is_found(tmp_path: Path) -> None:
    """That a task was new to the file is believed only for as long as nobody else writes to it."""
    cache, other = SqliteCache(tmp_path), SqliteCache(tmp_path)
    assert not cache.may_find(make_key(1001), TASK)
    put(cache, 7)
    alias = put(other, 1)
    other.flush()
    deadline = time.monotonic() + 10
    while not cache.may_find(alias, TASK) and time.monotonic() < deadline:
        time.sleep(content_keys_module.RECENT / 4)
    assert cache.find_alias(alias) == make_key(1)
    cache.close()
    other.close()


def test_a_row_that_does_not_tell_its_task_may_be_anything(tmp_path: Path) -> None:
    """A content key that came as a row of its own, as from a cache of files, is found whatever task asks."""
    cache = SqliteCache(tmp_path)
    assert not cache.may_find(make_key(5), TASK)
    content = b"moved"
    cache.put(
        make_key(5), Entry(content, hash_content(content), Metadata(size=5, codec="bytes", codec_version=1))
    )
    assert cache.may_find(make_key(5), TASK)
    cache.close()
    again = SqliteCache(tmp_path)
    assert again.may_find(make_key(5), TASK)
    assert again.find_alias(make_key(5)) == make_key(5)
    again.close()


def test_a_task_that_nobody_asked_about_is_looked_up_once_it_is_stored(tmp_path: Path) -> None:
    """Storing alone reads nothing, so nothing is claimed about the task afterwards."""
    cache = SqliteCache(tmp_path)
    put(cache, 1)
    assert cache.may_find(make_key(1002), TASK)
    cache.close()


def test_many_content_keys_are_not_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of them each is looked up again, and found."""
    monkeypatch.setattr(content_keys_module, "MOST_KNOWN", 10)
    cache = SqliteCache(tmp_path)
    assert not cache.may_find(make_key(1001), TASK)
    aliases = [put(cache, number) for number in range(1, 20)]
    assert all(cache.may_find(alias, TASK) for alias in aliases)
    assert [cache.find_alias(alias) for alias in aliases] == [make_key(number) for number in range(1, 20)]
    cache.close()


def test_a_forked_child_begins_with_what_the_file_says(tmp_path: Path) -> None:
    """A child does not take the rows that wait in its parent for rows of its own: they may never be written."""
    cache = SqliteCache(tmp_path, delay=60)
    assert not cache.may_find(make_key(1001), TASK)
    put(cache, 1)
    child = os.fork()
    if child == 0:
        time.sleep(2 * content_keys_module.RECENT)
        is_right = not cache.may_find(make_key(1002), TASK)
        alias = put(cache, 2)
        cache.flush()
        os._exit(0 if is_right and cache.may_find(alias, TASK) else 1)
    assert os.waitpid(child, 0)[1] == 0
    other = SqliteCache(tmp_path)
    assert other.find_alias(make_key(1002)) == make_key(2)
    assert other.may_find(make_key(1002), TASK)
    other.close()
    cache.close()


def write_older_file(folder: Path) -> None:
    """Make a file as it was before the fingerprints of rows with content keys were kept apart."""
    database = Database(folder / "merkl.db")
    database.add(Schema("index", INDEX_SCHEMA.steps[:2]))
    metadata = Metadata(
        size=1, codec="bytes", codec_version=1, task="t", fingerprint=TASK, content_key=make_key(1001)
    )
    content = bytes.fromhex(hash_content(b"1"))
    key, alias = bytes.fromhex(make_key(1)), bytes.fromhex(make_key(1001))
    document = encode_metadata(metadata)
    row = (key, content, 1, "bytes", 1, "", "", "", "", 1.0, 1.0, b"1", "t", "", document, alias)
    slots = ", ".join("?" * len(ENTRY_COLUMNS))
    database.execute(f"INSERT INTO entries ({', '.join(ENTRY_COLUMNS)}) VALUES ({slots})", row)
    database.close()


def test_results_of_an_older_file_are_found(tmp_path: Path) -> None:
    """Which fingerprints an older file has content keys of is taken from its rows."""
    write_older_file(tmp_path)
    cache = SqliteCache(tmp_path)
    assert cache.may_find(make_key(1001), TASK)
    assert cache.find_alias(make_key(1001)) == make_key(1)
    assert not cache.may_find(make_key(1001), OTHER_TASK)
    cache.close()


def test_an_older_file_that_is_only_read_serves_what_it_has(tmp_path: Path) -> None:
    """It is not brought up to date, so nothing is known of it without a look."""
    write_older_file(tmp_path)
    cache = SqliteCache(tmp_path, read_only=True)
    assert cache.may_find(make_key(1001), TASK)
    assert cache.find_alias(make_key(1001)) == make_key(1)
    cache.close()
