"""The workspace's own memory: runs, metadata of every result wherever it is stored, fingerprints, notes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec

from merkl._base.errors import CacheError
from merkl.cache.base import Metadata
from merkl.cache.conditions import ConditionError, problem_of_condition
from merkl.cache.database import Database, Schema
from merkl.cache.interrupted import as_accepted, interrupted_key
from merkl.cache.sqlite_index import (
    ENTRY_BRIEF,
    ENTRY_COLUMNS,
    INDEX_SCHEMA,
    decode_metadata,
    encode_metadata,
)
from merkl.hashing.digests import hash_content

__all__ = ["Ledger", "Run"]

SCHEMA = Schema(
    "ledger",
    (
        """
        CREATE TABLE runs (id TEXT PRIMARY KEY, started REAL NOT NULL, document TEXT NOT NULL);
        CREATE INDEX runs_by_start ON runs (started);
        CREATE TABLE fingerprints (fingerprint BLOB PRIMARY KEY, task TEXT NOT NULL, components TEXT NOT NULL);
        CREATE TABLE notes (id TEXT PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, value TEXT NOT NULL);
        CREATE INDEX notes_by_kind ON notes (kind, at);
        """,
        """
        CREATE TABLE blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
        """,
    ),
)

#: Keys that are asked for in one statement.
_AT_ONCE = 500

_ENTRY_DOCUMENT = ENTRY_COLUMNS.index("document")

#: Columns that `where` may name, as SQL over the JSON document (fields at their default are left out of it).
FIELDS = {
    "size": "0",
    "duration": "0.0",
    "codec": "''",
    "peak_memory": "NULL",
    "location": "''",
    "fingerprint": "''",
    "signature": "''",
    "decode_type": "''",
    "out": "NULL",
    "interrupted": "''",
    "accepted": "0",
    "tags": "'{}'",
    "arguments": "'[]'",
    "parents": "'[]'",
    "output": "''",
}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run: where, with what, how it ended. `ended` is None while it runs or if it was killed.

    `roots` names the set of keys that it was asked for, `environment` the versions of what was installed; both are kept
    once each (`Ledger.roots`, `Ledger.packages`). `status` is "running", "done", "failed" or "interrupted". Of one that failed,
    `error` says why in one line, `details` names the whole text with the traceback (`Ledger.details`), `location` is `file:line`
    of the call or of the user's code that raised, and `is_built` is off where its graph was not built to the end.
    """

    id: str
    started: float
    ended: float | None = None
    command: tuple[str, ...] = ()
    root: str = ""
    host: str = ""
    pid: int = 0
    python: str = ""
    environment: str = ""
    roots: str = ""
    status: str = ""
    error: str = ""
    details: str = ""
    location: str = ""
    is_built: bool = True
    counts: dict[str, int] = {}


def _shown(raw: bytes, metadata: Metadata) -> tuple[str, Metadata]:
    """Return a row under the key that people know it by: that of its call, also where it was interrupted."""
    return metadata.interrupted or raw.hex(), metadata


class Ledger:
    """Runs, metadata, fingerprint components and notes in the workspace's database.

    >>> import tempfile, pathlib
    >>> ledger = Ledger(Database(pathlib.Path(tempfile.mkdtemp()) / "merkl.db"))
    >>> ledger.record("a" * 64, Metadata(task="train", created=1.0, duration=90.0))
    >>> [key[:4] for key, metadata in ledger.log(task="train", where="duration > 60")]
    ['aaaa']
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        database.add(INDEX_SCHEMA)
        database.add(SCHEMA)
        self._entries = database.table("entries", ENTRY_COLUMNS, brief=ENTRY_BRIEF)
        self._history = database.table("history", ("key", "task", "created", "run", "document"))
        self._runs = database.table("runs", ("id", "started", "document"))
        self._fingerprints = database.table(
            "fingerprints", ("fingerprint", "task", "components"), conflict="IGNORE"
        )
        self._notes = database.table("notes", ("id", "kind", "key", "at", "value"))
        self._blobs = database.table("blobs", ("digest", "content"), conflict="IGNORE")
        self._seen: set[str] = set()

    # ---- runs -----------------------------------------------------------------------------------------------

    def save_run(self, run: Run) -> None:
        """Write a run down; once when it begins, and again when it ends."""
        self._runs.put((run.id, run.started, msgspec.json.encode(run).decode()))

    def run(self, identity: str) -> Run | None:
        """Return a run by its id."""
        row = self._runs.get(identity)
        return None if row is None else msgspec.json.decode(row[2], type=Run)

    def runs(self, *, limit: int | None = 20, since: float = 0.0) -> list[Run]:
        """Return the latest runs, newest first."""
        rows = self.database.query(
            "SELECT document FROM runs WHERE started >= ? ORDER BY started DESC, rowid DESC LIMIT ?",
            (since, -1 if limit is None else limit),
        )
        return [msgspec.json.decode(document, type=Run) for (document,) in rows]

    def find_runs(self, prefix: str) -> list[Run]:
        """Return the runs whose id begins with a prefix, newest first."""
        tail = prefix.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        rows = self.database.query(
            "SELECT document FROM runs WHERE id LIKE ? ESCAPE '\\' ORDER BY started DESC", (f"{tail}%",)
        )
        return [msgspec.json.decode(document, type=Run) for (document,) in rows]

    def save_keys(self, keys: Collection[bytes]) -> str:
        """Keep a set of keys, once however many runs have it; return its name."""
        return self.save_blob(b"".join(sorted(keys))) if keys else ""

    def roots(self, run: Run) -> list[str]:
        """Return the keys that a run was asked for."""
        content = self.blob(run.roots) or b""
        return [content[i : i + 32].hex() for i in range(0, len(content), 32)]

    def packages(self, run: Run) -> dict[str, str]:
        """Return the versions of the distributions that were installed when a run began."""
        content = self.blob(run.environment)
        return {} if content is None else msgspec.json.decode(content, type=dict[str, str])

    def details(self, run: Run) -> str:
        """Return all that was said of why a run failed, "" where it did not."""
        content = self.blob(run.details)
        return run.error if content is None else content.decode()

    # ---- results --------------------------------------------------------------------------------------------

    def record(self, key: str, metadata: Metadata) -> None:
        """Keep the metadata of a result (the workspace's own cache has done so when it stored it)."""
        self._history.put(
            (bytes.fromhex(key), metadata.task, metadata.created, metadata.run, encode_metadata(metadata))
        )

    def metadata(self, key: str) -> Metadata | None:
        """Return what is known of a result, stored or evicted."""
        raw = bytes.fromhex(key)
        row = self._entries.get(raw)
        if row is not None:
            return decode_metadata(row[_ENTRY_DOCUMENT])
        row = self._history.get(raw)
        return None if row is None else decode_metadata(row[-1])

    def known(self, key: str) -> Metadata | None:
        """Return what is known of a result, or where the call has none of what its interrupted body returned."""
        return self.metadata(key) or self.metadata(interrupted_key(key))

    def _known_of(self, keys: Collection[str]) -> dict[str, Metadata]:
        found = self.metadata_of(keys)
        instead = {interrupted_key(key): key for key in keys if key not in found}
        found.update((instead[key], metadata) for key, metadata in self.metadata_of(instead).items())
        return found

    def accept(self, key: str) -> None:
        """Take note that what an interrupted body returned counts as the result of its call from now on."""
        metadata = self.known(key)
        self._history.delete(bytes.fromhex(interrupted_key(key)))
        if metadata is not None and metadata.interrupted:
            self.record(key, as_accepted(metadata))
        self.flush()

    def metadata_of(self, keys: Collection[str]) -> dict[str, Metadata]:
        """Return what is known of many results, stored or evicted; asks for many at once."""
        found: dict[str, Metadata] = {}
        asked = [bytes.fromhex(key) for key in keys]
        for table in ("history", "entries"):
            for start in range(0, len(asked), _AT_ONCE):
                some = asked[start : start + _AT_ONCE]
                marks = ", ".join("?" * len(some))
                rows = self.database.query(f"SELECT key, document FROM {table} WHERE key IN ({marks})", some)
                found.update((key.hex(), decode_metadata(document)) for key, document in rows)
        return found

    def of_task(self, task: str, *, limit: int) -> list[tuple[str, Metadata]]:
        """Return the latest results of the task of exactly this name, newest first."""
        rows = self.database.query(
            "SELECT key, document, created FROM entries WHERE task = ? UNION ALL "
            "SELECT key, document, created FROM history WHERE task = ? "
            "AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.key = history.key) ORDER BY created DESC LIMIT ?",
            (task, task, limit),
        )
        return [_shown(raw, decode_metadata(document)) for raw, document, _ in rows]

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Return the keys that begin with these hex digits, of results and of calls that were interrupted or failed."""
        low = prefix.lower().ljust(64, "0")
        high = prefix.lower().ljust(64, "f")
        try:
            bounds = (bytes.fromhex(low), bytes.fromhex(high))
        except ValueError:
            return []
        within = "WHERE key BETWEEN ? AND ? AND document ->> '$.interrupted' IS NULL"
        # The text is looked at first: it costs a tenth of what reading the document does.
        instead = f"WHERE document LIKE '%\"interrupted\":\"{prefix.lower()}%' AND document ->> '$.interrupted' BETWEEN ? AND ?"
        rows = self.database.query(
            f"SELECT lower(hex(key)) AS key FROM entries {within} UNION SELECT lower(hex(key)) FROM history {within} UNION "
            f"SELECT document ->> '$.interrupted' FROM entries {instead} UNION "
            f"SELECT document ->> '$.interrupted' FROM history {instead} UNION "
            "SELECT key FROM notes WHERE id BETWEEN ? AND ? ORDER BY key LIMIT ?",
            (*bounds, *bounds, low, high, low, high, f"failed/{low}", f"failed/{high}", limit),
        )
        return [key for (key,) in rows]

    def children(self, key: str) -> list[tuple[str, Metadata]]:
        """Return the results that were made of this one, oldest first."""
        pattern = f'%"{key}"%'
        rows = self.database.query(
            "SELECT key, document FROM ("
            "SELECT key, document, created FROM entries WHERE document LIKE ? UNION "
            "SELECT key, document, created FROM history WHERE document LIKE ? "
            "AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.key = history.key)) ORDER BY created",
            (pattern, pattern),
        )
        found = [_shown(raw, decode_metadata(document)) for raw, document in rows]
        return [(child, metadata) for child, metadata in found if key in metadata.parents]

    def children_of_all(self) -> dict[str, list[str]]:
        """Return for each result that others were made of these others, oldest first; asks once for what a walk down needs."""
        rows = self.database.query(
            "SELECT key, document, created FROM entries UNION ALL SELECT key, document, created FROM history "
            "WHERE NOT EXISTS (SELECT 1 FROM entries WHERE entries.key = history.key) ORDER BY created"
        )
        found: dict[str, list[str]] = {}
        for raw, document, _ in rows:
            if '"parents"' in document:
                child, metadata = _shown(raw, decode_metadata(document))
                for parent in dict.fromkeys(metadata.parents):
                    found.setdefault(parent, []).append(child)
        return found

    def closure(self, keys: Iterable[str]) -> dict[str, Metadata]:
        """Return these results and all that they were made of, as far as they are known."""
        found: dict[str, Metadata] = {}
        level = dict.fromkeys(keys)
        while level:
            there = self._known_of(level)
            found.update(there)
            level = {
                parent: None
                for metadata in there.values()
                for parent in metadata.parents
                if parent not in found
            }
        return found

    def log(
        self,
        *,
        task: str | None = None,
        since: float | None = None,
        run: str | None = None,
        where: str | None = None,
        limit: int | None = None,
        only_tasks: bool = False,
    ) -> list[tuple[str, Metadata]]:
        """Return results, newest first; what an interrupted body returned under the key of its call.

        Args:
            task: qualified name, or its last part.
            since: Unix time.
            run: id of a run.
            where: an SQL expression over the fields of `Metadata`; tags as `tags ->> 'name'`.
            limit: how many at most.
            only_tasks: leave out rows that stand under a content key alone and say nothing of what made them, or nothing new.

        Raises:
            ConditionError: `where` is not an SQL expression over these fields.
        """
        conditions: list[str] = ["1"]
        parameters: list[Any] = []
        if task is not None:
            conditions.append("(task = ? OR task LIKE ? ESCAPE '\\' OR task LIKE ? ESCAPE '\\')")
            tail = task.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            parameters += [task, f"%.{tail}", f"%:{tail}"]
        if only_tasks:
            conditions.append("task <> ''")
        if since is not None:
            conditions.append("created >= ?")
            parameters.append(since)
        if run is not None:
            conditions.append("run = ?")
            parameters.append(run)
        fields = ", ".join(
            f"coalesce(document ->> '$.{field}', {default}) AS {field}" for field, default in FIELDS.items()
        )
        columns = f"key, task, created, run, document, {fields}"
        condition = " AND ".join(conditions)
        inner = (
            f"SELECT {columns} FROM entries WHERE {condition} UNION ALL SELECT {columns} FROM history WHERE {condition} "
            "AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.key = history.key)"
        )
        outer = f"SELECT key, document FROM ({inner})" + (f" WHERE ({where}\n)" if where else "")
        sql = f"{outer} ORDER BY created DESC LIMIT {-1 if limit is None else int(limit)}"
        parameters *= 2
        rows = [_shown(raw, decode_metadata(document)) for raw, document in self._ask(sql, parameters, where)]
        if only_tasks:
            # What was made of an interrupted result stands under its content key alone, until a call of that content is linked.
            linked = {metadata.content_key for key, metadata in rows if key != metadata.content_key}
            rows = [row for row in rows if row[0] != row[1].content_key or row[0] not in linked]
        return rows

    def _ask(self, sql: str, parameters: list[Any], where: str | None) -> list[Any]:
        """Run a query with a part that a user wrote: it may read and nothing else."""
        with self.database.lock:
            self.database.flush()
            self.database.execute("PRAGMA query_only = ON")
            try:
                return self.database.query(sql, parameters)
            except CacheError as error:
                if where is None:
                    raise
                problem = problem_of_condition(where, ["key", "task", "created", "run", "document", *FIELDS])
                if problem is None:
                    raise CacheError(f"cannot ask for {where!r}: {error.__cause__}") from error
                raise ConditionError(f"cannot ask for {where!r}: {problem}") from error
            finally:
                self.database.execute("PRAGMA query_only = OFF")

    # ---- fingerprints ---------------------------------------------------------------------------------------

    def save_components(self, fingerprint: str, task: str, components: Any) -> None:
        """Keep what a fingerprint was made of (JSON-able), once."""
        if fingerprint not in self._seen:
            self._seen.add(fingerprint)
            self._fingerprints.put(
                (bytes.fromhex(fingerprint), task, msgspec.json.encode(components).decode())
            )

    def components(self, fingerprint: str) -> Any | None:
        """Return what a fingerprint was made of."""
        row = self._fingerprints.get(bytes.fromhex(fingerprint))
        return None if row is None else msgspec.json.decode(row[2])

    # ---- what many rows share -------------------------------------------------------------------------------

    def save_blob(self, content: bytes, name: str = "") -> str:
        """Keep some bytes, once; return the name to ask for them by: by default their hash."""
        name = name or hash_content(content)
        if name not in self._seen:
            self._seen.add(name)
            self._blobs.put((name, content))
        return name

    def blob(self, name: str) -> bytes | None:
        """Return the bytes of that name."""
        row = self._blobs.get(name) if name else None
        return None if row is None else bytes(row[1])

    # ---- notes ----------------------------------------------------------------------------------------------

    def note(self, kind: str, key: str, value: Any) -> None:
        """Keep any JSON-able value under a kind and a key: interrupted results, graphs of pipelines, roots."""
        self._notes.put((f"{kind}/{key}", kind, key, time.time(), msgspec.json.encode(value).decode()))

    def noted(self, kind: str, key: str) -> Any | None:
        """Return the value of a note."""
        row = self._notes.get(f"{kind}/{key}")
        return None if row is None else msgspec.json.decode(row[4])

    def notes(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Iterate over the notes of a kind, oldest first."""
        for key, value in self.database.query(
            "SELECT key, value FROM notes WHERE kind = ? ORDER BY at", (kind,)
        ):
            yield key, msgspec.json.decode(value)

    def forget(self, kind: str, keys: Iterable[str]) -> None:
        """Remove notes."""
        for key in keys:
            self._notes.delete(f"{kind}/{key}")

    def flush(self) -> None:
        """Commit what was written."""
        self.database.flush()

    def close(self) -> None:
        """Commit and close."""
        self.database.close()
