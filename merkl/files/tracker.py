"""What is known of files on disk: their content hashes, found again by a stat as long as that is proof enough."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from merkl._base.errors import CacheError, CacheFormatError
from merkl.cache.database import Database, Schema, Table
from merkl.files.content import FileContent, hash_file, require_regular
from merkl.files.stat import StatSignature, is_settled, signature_of
from merkl.files.suffix import suffix_of
from merkl.files.tree import digest_tree, scan_tree

__all__ = ["FILES_SCHEMA", "FileTracker", "Role", "SentObject", "Stamp", "TrackedFile"]

#: "seen": hashed once, nothing more; "input": a Future reads it; "output": a Future wrote it.
Role: TypeAlias = Literal["seen", "input", "output"]

#: Stands in the suffix column of a directory; no file's suffix holds a slash.
DIRECTORY: Final = "/"

FILES_SCHEMA: Final = Schema(
    "files",
    (
        """
        CREATE TABLE files (
            path BLOB PRIMARY KEY,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            ctime_ns INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            settled INTEGER NOT NULL,
            content_hash TEXT NOT NULL,
            suffix TEXT NOT NULL,
            role TEXT NOT NULL,
            key TEXT NOT NULL,
            recorded_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX files_by_role ON files (role) WHERE role != 'seen';
        """,
        """
        CREATE TABLE sent (
            url TEXT PRIMARY KEY,
            content_hash TEXT NOT NULL,
            tag TEXT NOT NULL,
            key TEXT NOT NULL
        ) WITHOUT ROWID;
        """,
    ),
)


class TrackedFile(NamedTuple):
    """One record: `path` as the file system has it in bytes, the stat that was taken, what was found, who wrote it.

    In the table a path inside of the project is relative to it, so that a project can be moved.
    """

    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    settled: int
    content_hash: str
    suffix: str
    role: Role
    key: str
    recorded_at: int

    @property
    def signature(self) -> StatSignature:
        """The stat as it was recorded."""
        return StatSignature(self.size, self.mtime_ns, self.ctime_ns, self.inode)

    @property
    def is_directory(self) -> bool:
        """Whether the row stands for a directory, its hash being the digest of the tree."""
        return self.suffix == DIRECTORY

    def matches(self, signature: StatSignature) -> bool:
        """Say whether a file with this signature certainly has the recorded content."""
        return bool(self.settled) and self.signature == signature


#: Path, size, mtime (-1 where a stat can say nothing), ctime and inode of a record, and its key.
Stamp: TypeAlias = tuple[bytes, int, int, int, int, str]


class SentObject(NamedTuple):
    """What was last written to the URL of an object: its content, the tag that it got, and the key that made it."""

    url: str
    content_hash: str
    tag: str
    key: str


class FileTracker:
    """Gives content hashes of files and directories, reading a file only where its stat leaves a doubt.

    A record counts if size, mtime, ctime and inode are all the same and the file had settled when it was made
    (see `merkl.files.stat`). Records are kept in a table of the workspace's database; without one, in memory,
    until `attach` gives one. Trouble with the database costs speed, never correctness.

    Args:
        database: where the table is kept.
        root: the project's directory; what lies in its `.merkl` is no user's input or output.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "x"
    >>> _ = path.write_text("abc")
    >>> FileTracker().content_hash(path)[:16]
    '6437b3ac38465133'
    """

    def __init__(
        self, database: Database | None = None, *, root: str | os.PathLike[str] | None = None
    ) -> None:
        self._root = None if root is None else os.fsencode(os.path.abspath(root)).rstrip(b"/") + b"/"
        self._private = None if root is None else os.path.join(os.path.realpath(root), ".merkl", "")
        self._memory: dict[bytes, TrackedFile] = {}
        self._database: Database | None = None
        self._table: Table | None = None
        self._sent: Table | None = None
        self._is_writing = True
        #: Off where graphs are only looked at: as input counts what the last task read that ran, or was asked for.
        self.notes_inputs = True
        if database is not None:
            self.attach(database)

    def attach(self, database: Database, *, is_writing: bool = True) -> None:
        """Keep records in a database from now on, those made so far too; the first database stays.

        Args:
            database: is opened when the next record is looked for.
            is_writing: False: records are looked for there, and new ones kept in memory.
        """
        if self._database is not None:
            return
        database.add(FILES_SCHEMA)
        self._database = database
        self._table = database.table("files", TrackedFile._fields)
        self._sent = database.table("sent", SentObject._fields)
        self._is_writing = is_writing
        if is_writing:
            waiting, self._memory = self._memory, {}
            for row in waiting.values():
                self._put(row)

    def content_hash(self, path: str | os.PathLike[str], *, role: Role = "seen", key: str = "") -> str:
        """Return the BLAKE3 hash of a file's bytes.

        Args:
            path: a regular file; links are followed.
            role: what the file is to the user; "input" and "output" are what `merkl status` goes through.
            key: of the Future that wrote it.

        Raises:
            MissingInputError: nothing is there.
            UnsupportedFileError: it is no regular file.
            InputChangedError: it changes all the time.
        """
        absolute = os.path.abspath(os.fsdecode(path))
        signature = signature_of(require_regular(absolute))
        known = self.get(absolute)
        if self._is_private(absolute) or (role == "input" and not self.notes_inputs):
            role, key = "seen", ""
        if known is not None and known.matches(signature):
            # A file that was written stays one, but of the key that wrote it last: it may hold the same as before.
            is_other = (known.role, known.key) != (role, key)
            if is_other and (role == "output" or (role == "input" and known.role != "output")):
                self._put(known._replace(role=role, key=key))
            return known.content_hash
        return self._hash(absolute, known, role, key).content_hash

    def tree_hash(
        self,
        path: str | os.PathLike[str],
        *,
        role: Role = "seen",
        key: str = "",
        is_trusting: bool = True,
    ) -> str:
        """Return the digest, in hex, of a directory's names, modes and contents.

        With `is_trusting` off every file is read, whatever its stat says.

        Raises:
            MissingInputError: nothing is there.
            UnsupportedFileError: it is no directory, or holds something without content.
        """
        tree = scan_tree(path)
        known = self.below(tree.root)

        def hash_one(source: str, signature: StatSignature) -> str:
            row = known.get(os.fsencode(source))
            if is_trusting and row is not None and row.matches(signature):
                return row.content_hash
            return self._hash(source, row, "seen", "").content_hash

        found = digest_tree(tree, hash_one).hex()
        if role == "input" and not self.notes_inputs:
            return found
        if role != "seen" and not self._is_private(tree.root):
            encoded = os.fsencode(tree.root)
            before = self.get(tree.root) if role == "input" else None
            if before is not None and before.role == "output" and before.content_hash == found:
                return found
            self._put(TrackedFile(encoded, 0, 0, 0, 0, 0, found, DIRECTORY, role, key, time.time_ns()))
        return found

    def remember(
        self, path: str | os.PathLike[str], content: FileContent, recorded_at: int, *, role: Role, key: str
    ) -> None:
        """Record what was found in a file by someone who has read it, from `recorded_at` (nanoseconds) on."""
        absolute = os.path.abspath(os.fsdecode(path))
        self._record(absolute, content.signature, content.content_hash, role, key, recorded_at)

    def remember_sent(self, url: str, content_hash: str, tag: str, key: str) -> None:
        """Record what was written to the URL of an object, and the tag that it got."""
        if self._sent is not None and self._is_writing and tag:
            with contextlib.suppress(CacheError):
                self._sent.put((url, content_hash, tag, key))

    def sent(self, url: str) -> SentObject | None:
        """Return what was last written to the URL of an object."""
        with contextlib.suppress(CacheError):
            row = None if self._sent is None else self._sent.get(url)
            return None if row is None else SentObject._make(row)
        return None

    def get(self, path: str | os.PathLike[str]) -> TrackedFile | None:
        """Return the record of a path, whether or not it still holds."""
        encoded = os.fsencode(os.path.abspath(os.fsdecode(path)))
        if self._table is None or encoded in self._memory:
            return self._memory.get(encoded)
        with contextlib.suppress(CacheError):
            row = self._table.get(self._stored(encoded))
            return None if row is None else TrackedFile(encoded, *row[1:])
        return None

    def below(self, directory: str | os.PathLike[str]) -> Mapping[bytes, TrackedFile]:
        """Return the records of all paths inside a directory."""
        prefix = os.fsencode(os.path.abspath(os.fsdecode(directory))).rstrip(b"/") + b"/"
        rows = {path: row for path, row in self._memory.items() if path.startswith(prefix)}
        if self._database is None:
            return rows
        columns = ", ".join(TrackedFile._fields)
        stored = self._stored(prefix)
        holds_root = self._root is not None and self._root.startswith(prefix)
        where, bounds = (
            ("", ()) if holds_root else ("WHERE path > ? AND path < ?", (stored, stored[:-1] + b"0"))
        )
        with contextlib.suppress(CacheError):
            found = map(self._row, self._database.query(f"SELECT {columns} FROM files {where}", bounds))
            return {**{row.path: row for row in found if row.path.startswith(prefix)}, **rows}
        return rows

    def tracked(self) -> Iterable[TrackedFile]:
        """Return the records of all inputs and outputs."""
        waiting = [row for row in self._memory.values() if row.role != "seen"]
        if self._database is None:
            return waiting
        columns = ", ".join(TrackedFile._fields)
        rows = self._database.query(f"SELECT {columns} FROM files WHERE role != 'seen' ORDER BY path")
        return itertools.chain(map(self._row, rows), waiting)

    def stamps(self) -> Iterable[Stamp]:
        """Return of all inputs and outputs what a bulk comparison needs."""
        waiting = [
            (row.path, row.size, row.mtime_ns if row.settled else -1, row.ctime_ns, row.inode, row.key)
            for row in self._memory.values()
            if row.role != "seen"
        ]
        if self._database is None:
            return waiting
        # In the order of the primary key, and with paths made whole by SQLite: half as long as otherwise.
        rows = self._database.query(
            "SELECT CASE WHEN substr(path, 1, 1) = x'2f' THEN path ELSE CAST(? || path AS BLOB) END, "
            "size, CASE WHEN settled THEN mtime_ns ELSE -1 END, ctime_ns, inode, key FROM files WHERE role != 'seen' "
            "ORDER BY path",
            (self._root or b"",),
        )
        return itertools.chain(rows, waiting)

    def forget(self, path: str | os.PathLike[str]) -> bool:
        """Delete the record of a path; say whether there was one."""
        encoded = os.fsencode(os.path.abspath(os.fsdecode(path)))
        waited = self._memory.pop(encoded, None) is not None
        if self._table is None:
            return waited
        return self._table.delete(self._stored(encoded)) or waited

    def _stored(self, path: bytes) -> bytes:
        """Return a path as the table has it."""
        root = self._root
        return path[len(root) :] if root is not None and path.startswith(root) else path

    def _row(self, row: Sequence[Any]) -> TrackedFile:
        path = row[0]
        return TrackedFile(path if path[:1] == b"/" or self._root is None else self._root + path, *row[1:])

    def _is_private(self, path: str) -> bool:
        return self._private is not None and os.path.join(
            os.path.realpath(os.path.dirname(path)), ""
        ).startswith(self._private)

    def _hash(self, path: str, known: TrackedFile | None, role: Role, key: str) -> TrackedFile:
        # The clock is read first: a write that comes later than that leaves the record unsettled.
        recorded_at = time.time_ns()
        content = hash_file(path)
        if known is not None and role == "seen":
            role, key = known.role, known.key
            if role != "seen" and known.content_hash != content.content_hash:
                # Only looked at: what a task read or wrote there stays on record, so that `merkl status` can tell.
                return self._make_row(path, content.signature, content.content_hash, role, key, recorded_at)
        return self._record(path, content.signature, content.content_hash, role, key, recorded_at)

    def _record(
        self, path: str, signature: StatSignature, content_hash: str, role: Role, key: str, recorded_at: int
    ) -> TrackedFile:
        row = self._make_row(path, signature, content_hash, role, key, recorded_at)
        self._put(row)
        return row

    def _make_row(
        self, path: str, signature: StatSignature, content_hash: str, role: Role, key: str, recorded_at: int
    ) -> TrackedFile:
        return TrackedFile(
            os.fsencode(path),
            signature.size,
            signature.mtime_ns,
            signature.ctime_ns,
            signature.inode,
            int(is_settled(signature, recorded_at)),
            content_hash,
            # A lone surrogate (a byte of the name that is no UTF-8) cannot go into a TEXT column.
            suffix_of(path).encode("utf-8", "replace").decode(),
            role,
            key,
            recorded_at,
        )

    def _put(self, row: TrackedFile) -> None:
        if self._table is None or not self._is_writing:
            self._memory[row.path] = row
            return
        try:
            self._table.put((self._stored(row.path), *row[1:]))
        except CacheFormatError:
            raise
        except CacheError:
            return
