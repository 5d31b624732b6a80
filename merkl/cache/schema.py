"""The tables of a database by number: how they come to be, and what is done with a file of another program or version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from merkl._base.errors import CacheFormatError
from merkl._base.places import shown_path

__all__ = ["Schema", "check_identity", "migrate"]

#: "Mrkl": tells our files from other SQLite files.
APPLICATION_ID = 0x4D726B6C


class Schema(msgspec.Struct, frozen=True):
    """The tables of one part: `steps[i]` is the SQL script that brings version i to version i + 1."""

    name: str
    steps: tuple[str, ...]


def check_identity(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `CacheFormatError` for a SQLite file of another program."""
    found = _application_id(connection)
    if not found and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        # Another process may have made the tables since; it names their owner in the same transaction.
        found = _application_id(connection)
    elif not found:
        return
    if found != APPLICATION_ID:
        raise CacheFormatError(
            f"{shown_path(path)} is a SQLite file, but not one of MerkL's; move it away or choose another cache folder"
        )


def _application_id(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    return int(found)


def migrate(
    connection: sqlite3.Connection, path: Path, schemas: Sequence[Schema], *, read_only: bool
) -> None:
    """Bring the tables up to date, all steps in one transaction; a file that is only read stays as it is.

    Raises:
        CacheFormatError: a newer MerkL wrote the file.
    """
    if not _outdated(connection, path, schemas) or read_only:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY, version INTEGER)"
        )
        for schema, version in _outdated(connection, path, schemas):
            for step in schema.steps[version:]:
                for statement in _statements(step):
                    connection.execute(statement)
            connection.execute(
                "INSERT OR REPLACE INTO schema_versions VALUES (?, ?)", (schema.name, len(schema.steps))
            )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _outdated(
    connection: sqlite3.Connection, path: Path, schemas: Sequence[Schema]
) -> list[tuple[Schema, int]]:
    known: dict[str, int] = {}
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_versions'").fetchone():
        known = dict(connection.execute("SELECT name, version FROM schema_versions"))
    for schema in schemas:
        if known.get(schema.name, 0) > len(schema.steps):
            raise CacheFormatError(
                f"{shown_path(path)} was written by a newer MerkL (its {schema.name} tables are version "
                f"{known[schema.name]}, this MerkL knows {len(schema.steps)}): upgrade MerkL, or use another cache "
                "folder; nothing was changed"
            )
    return [
        (schema, known.get(schema.name, 0))
        for schema in schemas
        if known.get(schema.name, 0) < len(schema.steps)
    ]


def _statements(script: str) -> Iterator[str]:
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            yield text
            text = ""
    if text.strip():
        yield text
