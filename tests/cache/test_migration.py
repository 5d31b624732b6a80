"""Databases of other versions of MerkL: older ones are brought up to date, nothing in them is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from merkl.cache import Database, Schema, SqliteCache
from merkl.cache.base import Metadata
from merkl.cache.contract import make_entry, make_key, read
from merkl.cache.ledger import SCHEMA as LEDGER_SCHEMA
from merkl.cache.repair import verify
from merkl.cache.sqlite_contents import CONTENTS, STAMPS
from merkl.cache.sqlite_index import ENTRY_COLUMNS, INDEX_SCHEMA, encode_metadata

ALL = (INDEX_SCHEMA, CONTENTS, STAMPS, LEDGER_SCHEMA)


def write_version_1(path: Path) -> None:
    """Make the database that version 1 of the tables made, with one result."""
    database = Database(path)
    database.add(Schema("index", INDEX_SCHEMA.steps[:1]))
    entry = make_entry(b"old", created=5.0)
    meta = entry.metadata
    row = (bytes.fromhex(make_key(1)), bytes.fromhex(entry.content_hash), 3, meta.codec, meta.codec_version)
    row += (
        meta.decode_type,
        meta.extra,
        meta.seal,
        meta.origin,
        5.0,
        5.0,
        b"old",
        "t",
        "r",
        encode_metadata(meta),
        None,
    )
    database.table("entries", ENTRY_COLUMNS).put(row)
    database.close()


def test_previous_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its results are found, new ones are stored beside them, and the new tables are there."""
    write_version_1(tmp_path / "merkl.db")
    cache = SqliteCache(tmp_path)
    assert read(cache.get(make_key(1))) == b"old"
    assert cache.metadata(make_key(1)) == make_entry(b"old", created=5.0).metadata
    cache.put(make_key(2), make_entry(b"n" * 100_000))
    cache.flush()
    assert cache.sqlite_index.most_bytes_used() > 100_000
    assert verify(cache) == []


def test_processes_that_migrate_at_once_agree(tmp_path: Path) -> None:
    """Each step is taken once, whoever comes first."""
    write_version_1(tmp_path / "merkl.db")
    script = """
import sys
from merkl.cache import SqliteCache
from merkl.cache.contract import make_entry, make_key, read
cache = SqliteCache(sys.argv[1])
assert read(cache.get(make_key(1))) == b"old"
cache.put(make_key(int(sys.argv[2])), make_entry(b"new"))
cache.close()
"""
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path)]
    racers = [subprocess.Popen([*command, str(n)], stderr=subprocess.PIPE, text=True) for n in range(2, 6)]
    assert [racer.communicate(timeout=120)[1] for racer in racers] == [""] * 4
    assert len(list(SqliteCache(tmp_path).keys())) == 5


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: schema.name)
def test_a_failing_step_changes_nothing(tmp_path: Path, schema: Schema) -> None:
    """Steps are taken in one transaction: an error in the last one leaves the database as it was."""
    database = Database(tmp_path / "merkl.db")
    database.add(schema)
    database.query("SELECT 1")
    database.close()
    before = (tmp_path / "merkl.db").read_bytes()
    broken = Database(tmp_path / "merkl.db")
    broken.add(Schema(schema.name, (*schema.steps, "CREATE TABLE extra (x); SELECT * FROM nowhere;")))
    with pytest.raises(OSError):
        broken.query("SELECT 1")
    assert (tmp_path / "merkl.db").read_bytes() == before


def test_metadata_with_unknown_fields_of_a_newer_merkl_are_read(tmp_path: Path) -> None:
    """A field that this version does not know is no reason to lose the rest."""
    cache = SqliteCache(tmp_path)
    cache.put(make_key(1), make_entry(b"x", task="mod.task"))
    cache.flush()
    cache.database.execute("UPDATE entries SET document = json_set(document, '$.new_field', 1)")
    metadata = cache.metadata(make_key(1))
    assert isinstance(metadata, Metadata)
    assert metadata.task == "mod.task"
