"""One table of a database: rows are gathered and written together, and read by primary key, waiting ones included."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from merkl.cache.database import Database

__all__ = ["Row", "Table"]

#: Rows or keys of one table that go into one statement; each size is one prepared statement, so only these.
BATCHES = (256, 32, 4, 1)

Row: TypeAlias = "tuple[Any, ...]"


class Table:
    """One table whose rows are written in batches and read by primary key, pending ones included.

    The first column is the primary key. `head` gives the first `brief` columns alone, for what is asked often.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        columns: Sequence[str],
        *,
        conflict: str = "REPLACE",
        brief: int | None = None,
    ) -> None:
        self.database = database
        self.pending: dict[Any, Row] = {}
        names = ", ".join(columns)
        self._insert = f"INSERT OR {conflict} INTO {name} ({names}) VALUES "
        self._slots = "(" + ", ".join("?" * len(columns)) + ")"
        self._select = f"SELECT {names} FROM {name} WHERE {columns[0]} = ?"
        head = f"SELECT {', '.join(columns[:brief])} FROM {name} WHERE {columns[0]}"
        self._select_head = f"{head} = ?"
        self._select_heads = {size: f"{head} IN ({', '.join('?' * size)})" for size in BATCHES}
        self._exists = f"SELECT 1 FROM {name} WHERE {columns[0]} = ?"
        self._delete = f"DELETE FROM {name} WHERE {columns[0]} = ?"

    def put(self, row: Row) -> None:
        """Write a row in place of the one with its primary key, at most `delay` seconds from now."""
        database = self.database
        with database.lock:
            self.pending[row[0]] = row
            database.note_pending()

    def get(self, key: Any) -> Row | None:
        """Return the row with this primary key."""
        return self._read(self._select, key)

    def head(self, key: Any) -> Row | None:
        """Return the row with this primary key, at least its first `brief` columns."""
        return self._read(self._select_head, key)

    def heads(self, keys: Sequence[Any]) -> list[Row]:
        """Return the rows that there are with these primary keys, at least their first `brief` columns, in any order."""
        database = self.database
        with database.lock:
            rows = [row for row in map(self.pending.get, keys) if row is not None]
            if rows:
                keys = [key for key in keys if key not in self.pending]
            connection = database.connection or database.connect()
            start = 0
            try:
                for size, sql in self._select_heads.items():
                    while len(keys) - start >= size:
                        rows += connection.execute(sql, keys[start : start + size])
                        start += size
            except sqlite3.Error as error:
                raise database.error(error) from error
            return rows

    def has(self, key: Any) -> bool:
        """Say whether there is a row with this primary key."""
        return self._read(self._exists, key) is not None

    def _read(self, sql: str, key: Any) -> Row | None:
        database = self.database
        with database.lock:
            row: tuple[Any, ...] | None = self.pending.get(key)
            if row is not None:
                return row
            connection = database.connection or database.connect()
            try:
                row = connection.execute(sql, (key,)).fetchone()
            except sqlite3.Error as error:
                raise database.error(error) from error
            return row

    def delete(self, key: Any) -> bool:
        """Delete the row with this primary key now; say whether it was there."""
        database = self.database
        with database.lock:
            waiting = self.pending.pop(key, None) is not None
            return database.execute(self._delete, (key,)) > 0 or waiting

    def write(self, connection: sqlite3.Connection) -> None:
        """Insert all pending rows: few long statements, because each step gives up the interpreter's lock."""
        rows = list(self.pending.values())
        start = 0
        for size in BATCHES:
            sql = self._insert + ", ".join([self._slots] * size)
            while len(rows) - start >= size:
                connection.execute(sql, list(itertools.chain.from_iterable(rows[start : start + size])))
                start += size
