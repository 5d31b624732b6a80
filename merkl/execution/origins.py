"""What made each written file: the source of its task and all tasks before it, and the input files; and whether that still holds.

It is asked later without importing any of the user's code: each definition and each binding at the top of a module is
digested from the source text alone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from merkl._base.errors import CacheError
from merkl.cache import Database, Schema
from merkl.execution.chronicle import classes_of_call
from merkl.files.reads import FileRead, changed_reads
from merkl.files.tracker import FileTracker
from merkl.fingerprint import Fingerprint
from merkl.fingerprint.definitions import SourceDefinitions
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.kept import RecalledCall
from merkl.graph.session import sessions
from merkl.graph.task import Task

__all__ = ["Origins"]

_SCHEMA = Schema(
    "origins",
    (
        """
        CREATE TABLE origins (key BLOB PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE sources (fingerprint BLOB PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
        """,
    ),
)


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """A definition, or a name that is bound at the top of a module, with the digest of its source."""

    file: str
    name: str
    digest: str


class _Sources(msgspec.Struct, frozen=True, array_like=True):
    """What a fingerprint was taken from: the content of each source file, and the parts that counted."""

    files: dict[str, str]
    parts: list[_Part]


class _Origin(msgspec.Struct, frozen=True, array_like=True):
    """What made a written file: the fingerprints of all calls before it, and the files they read (path, hash, is directory)."""

    fingerprints: list[bytes]
    reads: list[tuple[bytes, str, bool]]


_SOURCES = msgspec.msgpack.Decoder(_Sources)
_ORIGIN = msgspec.msgpack.Decoder(_Origin)


class Origins:
    """Keeps what made written files, and says of their keys whether it has changed since.

    `root` is the project's folder, to which paths inside of it are relative; `successors` gives for each fingerprint those of
    edits that were declared to change nothing.
    """

    def __init__(
        self,
        database: Database,
        tracker: FileTracker,
        root: Path,
        successors: Callable[[], Mapping[bytes, Sequence[bytes]]] = dict,
    ) -> None:
        database.add(_SCHEMA)
        self._origins = database.table("origins", ("key", "document"))
        self._sources = database.table("sources", ("fingerprint", "document"))
        self._tracker = tracker
        self._root = os.path.abspath(root)
        self._files: dict[str, tuple[str, SourceDefinitions] | None] = {}
        self._verdicts: dict[bytes, bool] = {}
        self._find_successors = successors
        self._successors: Mapping[bytes, Sequence[bytes]] | None = None

    # -- writing down ------------------------------------------------------------------------------------

    def record(self, future: Future[Any]) -> None:
        """Keep what makes a Future; trouble with the database is no error."""
        if isinstance(future._call, RecalledCall) and future._call.is_recalled:
            # A pipeline gave it without running its body, because nothing of what makes it has changed.
            with contextlib.suppress(CacheError):
                if self._origins.has(future.__merkl_key__()):
                    return
        fingerprints: dict[bytes, None] = {}
        reads: dict[FileRead, None] = {}
        self._files.clear()
        fingerprinter = sessions.current().fingerprinter
        for call in _ancestors(future._call):
            fingerprint = call.task.fingerprint()
            reads.update(dict.fromkeys(call.files))
            if fingerprint.digest not in fingerprints:
                fingerprints[fingerprint.digest] = None
                self._keep(fingerprint.digest, lambda: fingerprint, call.task)  # noqa: B023 - called at once
            for cls in classes_of_call(call) if call.extras else ():
                digest = fingerprinter.digest_class(cls)
                if digest in call.extras and digest not in fingerprints:
                    fingerprints[digest] = None
                    self._keep(digest, lambda: fingerprinter.fingerprint(cls, whole=True))  # noqa: B023
        origin = _Origin(
            list(fingerprints),
            [(os.fsencode(self._relative(r.path)), r.content_hash, r.is_directory) for r in reads],
        )
        with contextlib.suppress(CacheError):
            self._origins.put((future.__merkl_key__(), msgspec.msgpack.encode(origin)))

    def _keep(
        self, digest: bytes, take: Callable[[], Fingerprint], task: Task[..., Any, Any] | None = None
    ) -> None:
        """Write down what a digest in keys was taken from, once."""
        with contextlib.suppress(CacheError):
            if not self._sources.has(digest):
                self._sources.put((digest, msgspec.msgpack.encode(self._sources_of(take(), task))))

    def adopt(self, task: Task[..., Any, Any]) -> None:
        """Keep what a task is made of now: an edit of it was declared to change nothing."""
        self._files.clear()
        fingerprint = task.fingerprint()
        self._keep(fingerprint.digest, lambda: fingerprint, task)

    def _sources_of(self, fingerprint: Fingerprint, task: Task[..., Any, Any] | None) -> _Sources:
        parts: dict[tuple[str, str], _Part] = {}
        edited = self._edited(fingerprint)
        pending = [*self._definitions(fingerprint), *(self._binding_of(task) if task is not None else ())]
        while pending:
            file, name = pending.pop()
            if (file, name) in parts:
                continue
            source = self._source(file)
            parts[file, name] = _Part(file, name, source[1].digest(name) if source else "")
            if source is not None:
                pending += self._uses(file, source[1], name)
        files = {
            file: source[0]
            for file, _ in parts
            if file not in edited and (source := self._source(file)) is not None
        }
        unknown = [_Part(file, "", "?") for file in edited]
        return _Sources(files, [*parts.values(), *unknown])

    def _edited(self, fingerprint: Fingerprint) -> set[str]:
        """Return the files that say something else by now than the code that ran."""
        edited = set()
        for component in fingerprint.components:
            file, colon, _ = component.location.rpartition(":")
            source = self._source(file) if colon else None
            if colon and (source is None or not source[1].says(component.text)):
                edited.add(file)
        return edited

    def _definitions(self, fingerprint: Fingerprint) -> Iterator[tuple[str, str]]:
        """Yield where the components of a fingerprint are defined."""
        for component in fingerprint.components:
            file, colon, _ = component.location.rpartition(":")
            if colon:
                source = self._source(file)
                name = source[1].named(component.name) if source is not None else None
                if name is not None:
                    yield file, name
            elif component.kind in ("constant", "enum"):
                yield from self._global(component.name)

    def _binding_of(self, task: Task[..., Any, Any]) -> Iterator[tuple[str, str]]:
        """Yield the global that holds the task: a shell command is no definition, but the right side of an assignment."""
        module = sys.modules.get(task.__module__)
        for name, value in list(vars(module).items()) if module is not None else ():
            if value is task:
                yield from self._global(f"{task.__module__}.{name}")

    def _global(self, dotted: str) -> Iterator[tuple[str, str]]:
        module_name, _, name = dotted.rpartition(".")
        file = getattr(sys.modules.get(module_name), "__file__", None)
        if file and name:
            yield self._relative(file), name

    def _uses(self, file: str, source: SourceDefinitions, name: str) -> Iterator[tuple[str, str]]:
        """Yield the bindings that a binding's own text leads to; definitions among the components are there already."""
        if source.is_definition(name):
            return
        for used in (name, *source.names_in(name)):
            target = source.imported(used)
            if target is None:
                if used != name and source.is_bound(used):
                    yield file, used
            elif target.attribute is not None:
                package = self._package_of(file)
                base = package.rsplit(".", target.level - 1)[0] if target.level else ""
                module = ".".join(part for part in (base, target.module) if part)
                if self._is_ours(getattr(sys.modules.get(module), "__file__", None)):
                    yield from self._global(f"{module}.{target.attribute}")

    def _package_of(self, file: str) -> str:
        path = self._absolute(file)
        for module in list(sys.modules.values()):
            if getattr(module, "__file__", None) == path:
                return getattr(module, "__package__", None) or ""
        return ""

    def _is_ours(self, file: str | None) -> bool:
        return file is not None and not os.path.isabs(self._relative(file))

    # -- asking later ------------------------------------------------------------------------------------

    def is_stale(self, key: str) -> bool:
        """Say whether what made the output under a key has changed: its code, its ancestors' code, or their input files.

        Where nothing is known of it, it is not.
        """
        try:
            row = self._origins.get(bytes.fromhex(key))
            origin = None if row is None else _ORIGIN.decode(row[1])
        except (CacheError, ValueError, msgspec.DecodeError):
            return False
        if origin is None:
            return False
        reads = (
            FileRead(self._absolute(os.fsdecode(path)), content_hash, is_directory)
            for path, content_hash, is_directory in origin.reads
        )
        return any(map(self._has_changed, origin.fingerprints)) or bool(changed_reads(reads, self._tracker))

    def _has_changed(self, fingerprint: bytes) -> bool:
        if fingerprint not in self._verdicts:
            try:
                row = self._sources.get(fingerprint)
                sources = None if row is None else _SOURCES.decode(row[1])
            except (CacheError, msgspec.DecodeError):
                sources = None
            changed = sources is not None and self._differs(sources)
            self._verdicts[fingerprint] = changed  # for edits that were declared to lead back to each other
            if changed:
                if self._successors is None:
                    self._successors = self._find_successors()
                newer = self._successors.get(fingerprint, ())
                known = [one for one in newer if self._sources.has(one)]
                self._verdicts[fingerprint] = all(map(self._has_changed, known))
        return self._verdicts[fingerprint]

    def _differs(self, sources: _Sources) -> bool:
        for part in sources.parts:
            source = self._source(part.file)
            if source is not None and source[0] == sources.files.get(part.file):
                continue
            if part.digest != ("" if source is None else source[1].digest(part.name)):
                return True
        return False

    # -- source files ------------------------------------------------------------------------------------

    def _source(self, file: str) -> tuple[str, SourceDefinitions] | None:
        """Return the content hash of a source file and what it defines; None where it is gone or does not parse."""
        if file not in self._files:
            try:
                path = self._absolute(file)
                found = SourceDefinitions.read(path)
                self._files[file] = (found.content_hash, found)
            except (OSError, SyntaxError, ValueError, RecursionError):
                self._files[file] = None
        return self._files[file]

    def _relative(self, path: str) -> str:
        absolute = os.path.abspath(path)
        return absolute[len(self._root) + 1 :] if absolute.startswith(self._root + os.sep) else absolute

    def _absolute(self, path: str) -> str:
        return os.path.join(self._root, path)


def _ancestors(call: Call) -> Iterable[Call]:
    """Return a call and all calls before it."""
    seen = {call: None}
    pending = [call]
    while pending:
        for future in pending.pop().inputs():
            if future._call not in seen:
                seen[future._call] = None
                pending.append(future._call)
    return seen
