"""The SQLite file of a workspace or cache: opened late, migrated by number, written in batches, safe to share.

Any part of MerkL keeps its own tables in it: a `Schema` says how they come to be, a `Table` reads and writes them.
Many quick writes are gathered and committed together at most `delay` seconds later; reads see them at once.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sqlite3
import sys
import threading
import time
import urllib.parse
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from merkl._base.errors import CacheError, CacheFormatError, MerklWarning
from merkl._base.places import shown_path
from merkl.cache.leases import Lease
from merkl.cache.schema import Schema, check_identity, migrate
from merkl.cache.table import Row, Table

__all__ = ["Database", "Row", "Schema", "Table"]

#: Rows that may wait for a commit before the writing thread commits itself.
MOST_PENDING = 2000
#: Seconds to wait for a lock that was waited for in vain before: not each of many reads is to wait anew.
SHORT_TIMEOUT = 1.0
#: After a failed commit, rows are kept for another try up to this many.
MOST_KEPT = 50_000


class Database:
    """A SQLite file that threads and processes share; nothing is touched before the first use.

    Args:
        path: the file; its folder is made when first written.
        delay: seconds that a pending row waits at most.
        busy_timeout: seconds to wait for another process's lock.
        read_only: never write; pending rows are refused.

    Raises (at use):
        CacheFormatError: the file is damaged, is no MerkL file, or was written by a newer MerkL.
        CacheError: it is locked for longer than the timeout, the disk is full, or it cannot be opened.

    >>> import tempfile
    >>> database = Database(Path(tempfile.mkdtemp()) / "x.db")
    >>> database.add(Schema("notes", ("CREATE TABLE notes (name TEXT PRIMARY KEY, text TEXT);",)))
    >>> notes = database.table("notes", ("name", "text"))
    >>> notes.put(("a", "hello"))
    >>> notes.get("a")
    ('a', 'hello')
    >>> database.close()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        delay: float = 0.05,
        busy_timeout: float = 30.0,
        read_only: bool = False,
    ) -> None:
        self.path = Path(path)
        self._tables: dict[str, Table] = {}
        self._hooks: list[Callable[[sqlite3.Connection], None]] = []
        self.delay = delay
        self.busy_timeout = busy_timeout
        self._timeout = busy_timeout
        self.read_only = read_only
        self._schemas: list[Schema] = []
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_AfterFork(weakref.ref(self)))

    def _reset(self) -> None:
        #: Guards connection and pending rows; hold it while you use the connection.
        self.lock = threading.RLock()
        #: None until the first use; see `connect`.
        self.connection: sqlite3.Connection | None = None
        self._lease: Lease | None = None
        self._count = 0
        self._not_before = 0.0
        self._flusher: threading.Thread | None = None
        self._is_told = False
        self._warned = False
        for table in self._tables.values():
            table.pending = {}

    def forget_parent(self) -> None:
        """Begin anew in a forked child: connection, lock and pending rows are the parent's."""
        if self.connection is not None:
            _INHERITED.append(self.connection)  # closing it here could harm the parent's
        self._reset()

    # ---- schema -------------------------------------------------------------------------------------------

    def add(self, schema: Schema) -> None:
        """Have these tables from the next use on."""
        with self.lock:
            if all(known.name != schema.name for known in self._schemas):
                self._schemas.append(schema)
                if self.connection is not None:
                    migrate(self.connection, self.path, [schema], read_only=self.read_only)

    def table(
        self, name: str, columns: Sequence[str], *, conflict: str = "REPLACE", brief: int | None = None
    ) -> Table:
        """Return the table of that name, its primary key first among the columns; all who ask share it."""
        with self.lock:
            if name not in self._tables:
                self._tables[name] = Table(self, name, columns, conflict=conflict, brief=brief)
            return self._tables[name]

    def before_commit(self, hook: Callable[[sqlite3.Connection], None]) -> None:
        """Have `hook` called inside every commit of pending rows."""
        self._hooks.append(hook)

    def connect(self) -> sqlite3.Connection:
        """Return the open connection; hold `lock` while you use it."""
        if self.connection is None:
            with self._translated():
                self.connection = self._open()
            if not self.read_only:
                self._lease = Lease(self.path.parent)
        return self.connection

    def _open(self) -> sqlite3.Connection:
        connection = self._connect_read_only() if self.read_only else self._connect()
        try:
            check_identity(connection, self.path)
            if not self.read_only:
                self._prepare(connection)
            migrate(connection, self.path, self._schemas, read_only=self.read_only)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and not (
                os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)
            ):
                raise PermissionError
        except OSError as error:
            if not self.path.exists():
                raise CacheError(f"cannot create the cache {shown_path(self.path)}: {error}") from error
            self.read_only = True
            warnings.warn(
                f"{shown_path(self.path)} is read-only: results are read from it, none is stored",
                MerklWarning,
                2,
            )
            return self._connect_read_only()
        return self._sqlite(str(self.path))

    def _connect_read_only(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise CacheError(
                f"there is no cache at {shown_path(self.path)}, and it may not be created (read-only)"
            )
        uri = f"file:{urllib.parse.quote(str(self.path.absolute()))}"
        connection = self._sqlite(uri + "?mode=ro", uri=True)
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            # In WAL mode even a reader writes beside the file; where it can't, take the file as it stands.
            connection.close()
            connection = self._sqlite(uri + "?immutable=1", uri=True)
        return connection

    def _sqlite(self, name: str, *, uri: bool = False) -> sqlite3.Connection:
        return sqlite3.connect(
            name,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            uri=uri,
        )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._timeout
        while True:
            try:  # the switch to WAL does not wait for locks by itself
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -16384")
        # Pages that one commit after the other writes to reach the file once for several commits, not for each.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")

    # ---- reading and writing ------------------------------------------------------------------------------

    def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query over committed rows, None if there is none."""
        with self.lock:
            connection = self.connection or self.connect()
            try:
                row: Row | None = connection.execute(sql, parameters).fetchone()
            except sqlite3.Error as error:
                raise self.error(error) from error
            return row

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query, pending ones written first."""
        with self.lock:
            self.flush()
            with self._translated():
                return self.connect().execute(sql, parameters).fetchall()

    def pages(self, sql: str, *, key: str, size: int = 1000) -> Iterator[Row]:
        """Iterate over `sql` (a SELECT whose first column is `key`, no WHERE) in key order, holding no lock between pages."""
        self.flush()
        last: Any = None
        while True:
            where, parameters = ("", ()) if last is None else (f"WHERE {key} > ?", (last,))
            with self.lock, self._translated():
                rows = (
                    self.connect()
                    .execute(f"{sql} {where} ORDER BY {key} LIMIT {size}", parameters)
                    .fetchall()
                )
            if not rows:
                return
            yield from rows
            last = rows[-1][0]

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement now, after the pending rows; return the number of rows it changed."""
        with self.lock:
            self.flush()
            if self.read_only:
                return 0
            with self._translated():
                return self.connect().execute(sql, parameters).rowcount

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run several statements as one, after the pending rows; all or none of it happens."""
        with self.lock:
            self.flush()
            with self._translated():
                connection = self.connect()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise

    def note_pending(self) -> None:
        """Count one more pending row, and see that it is committed in time (call with the lock held)."""
        self._count += 1
        if self._count >= MOST_PENDING:
            self._flush_or_warn()
        elif self._flusher is None:
            self._start_flusher()

    def flush(self) -> None:
        """Commit all pending rows.

        Raises:
            CacheError: they could not be written now; they are kept for another try.
        """
        with self.lock:
            if not self._count:
                return
            with self._translated():
                connection = self.connect()
                if not self.read_only:
                    self._commit(connection)
                    self._be_patient(self.busy_timeout)
            for table in self._tables.values():
                table.pending.clear()
            self._count = 0

    def _commit(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for table in self._tables.values():
                if table.pending:
                    table.write(connection)
            for hook in self._hooks:
                hook(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _flush_or_warn(self) -> None:
        if time.monotonic() < self._not_before and self._count < MOST_KEPT:
            return
        try:
            self.flush()
        except CacheFormatError:
            raise
        except CacheError as error:
            self._not_before = time.monotonic() + 5.0
            if not self._warned:
                self._warned = True
                warnings.warn(f"results cannot be stored for now, the run goes on: {error}", MerklWarning, 2)
            if self._count >= MOST_KEPT:
                for table in self._tables.values():
                    table.pending.clear()
                self._count = 0

    def _start_flusher(self) -> None:
        self._flusher = threading.Thread(target=self._flush_later, name="merkl-commit", daemon=True)
        atexit.register(self._flush_at_exit)
        try:
            self._flusher.start()
        except RuntimeError:  # the interpreter is shutting down
            self._flusher = None
            self._flush_or_warn()

    def _flush_later(self) -> None:
        while True:
            time.sleep(self.delay)
            with self.lock:
                if not self._count:
                    self._flusher = None
                    atexit.unregister(self._flush_at_exit)
                    return
                # Said again, and louder, by the next read; nothing may end this thread while rows wait.
                with contextlib.suppress(CacheError, MerklWarning):
                    self._flush_or_warn()

    def _flush_at_exit(self) -> None:
        with self.lock:
            try:
                self.flush()
            except CacheError as error:
                # The last one to be told is a person, unless somebody was told when it was closed.
                if not self._is_told:
                    sys.stderr.write(f"merkl: warning: the last results could not be stored: {error}\n")

    def close(self) -> None:
        """Commit and close; the next use opens it again."""
        with self.lock:
            try:
                self.flush()
            except CacheError:
                self._is_told = True
                raise
            finally:
                if self.connection is not None:
                    self.connection.close()
                    self.connection = None
                if self._lease is not None:
                    self._lease.close()
                    self._lease = None

    def __del__(self) -> None:
        connection = getattr(self, "connection", None)
        if connection is not None:
            connection.close()

    def __reduce__(self) -> Any:
        raise TypeError(f"a Database stays in its process; open {shown_path(self.path)} again there")

    # ---- errors -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self.error(error) from error

    def _be_patient(self, seconds: float) -> None:
        """Wait this long for locks from now on."""
        if self._timeout != seconds:
            self._timeout = seconds
            if self.connection is not None:
                self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def error(self, error: sqlite3.Error) -> CacheError:
        """Return SQLite's error as ours, with what to do."""
        file = shown_path(self.path)
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return CacheFormatError(
                f"{file} is damaged ({error}): run `merkl cache verify --repair`, or move the file away to start "
                "with an empty cache; nothing was changed"
            )
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            self._be_patient(min(self.busy_timeout, SHORT_TIMEOUT))
            return CacheError(f"{file} is locked by another process for more than {self.busy_timeout:g} s")
        if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such "):
            return CacheFormatError(
                f"{file} has not the tables that it should have ({error}): another version of MerkL, one that was "
                "never released, wrote it, or another program changed it. Move the file away to start with an empty cache; "
                "nothing was changed"
            )
        if code == sqlite3.SQLITE_FULL:
            return CacheError(f"{file}: no space left on the disk: free some, or run with --no-cache")
        return CacheError(f"{file}: {error}")


#: Connections that came along through a fork, kept so that nothing closes them.
_INHERITED: list[sqlite3.Connection] = []


class _AfterFork(msgspec.Struct, frozen=True):
    """Tells a database that it is in a forked child, without keeping it alive."""

    database: Any

    def __call__(self) -> None:
        database = self.database()
        if database is not None:
            database.forget_parent()
