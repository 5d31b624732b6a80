"""Puts results into the files that were asked for with `future.write(path)`, and reads them back by their sidecars."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

from merkl._base.errors import CacheError, MerklError, MissingInputError, OutputError
from merkl.cache import Record, Trust
from merkl.codecs import CodecRegistry
from merkl.execution.origins import Origins
from merkl.files import DirRef, FileRef
from merkl.files.codec import reference_to
from merkl.files.content import describe_kind, executable_mark
from merkl.files.remote import is_remote, look_up, send
from merkl.files.tracker import FileTracker
from merkl.files.transfer import allow_execution, atomic_path, replace_file, replace_tree
from merkl.graph.sidecar import Form, Sidecar, sidecar_of
from merkl.graph.writes import Write
from merkl.hashing.digests import hash_content

__all__ = ["FileWriter", "read_written"]


class FileWriter:
    """Writes values to files, each as a whole and only where the file is not up to date, and tracks what it wrote.

    `tracker` keeps the content of written files with the key that made them, `origins` (None: nobody) what that was.
    """

    def __init__(self, codecs: CodecRegistry, tracker: FileTracker, origins: Origins | None = None) -> None:
        self._codecs = codecs
        self._tracker = tracker
        self._origins = origins

    def write(self, write: Write, record: Record, value: Any) -> None:
        """Write a value to its file: str as UTF-8, bytes as they are, a FileRef or DirRef cloned, else its codec's bytes.

        Raises:
            OutputError: the path cannot be written to; what was there is untouched, and the result is in the cache.
        """
        if is_remote(write.path):
            self._send(write, record, value)
        else:
            self._put_with_sidecar(write, record, value)
        if self._origins is not None:
            self._origins.record(write.future)

    def _put_with_sidecar(self, write: Write, record: Record, value: Any) -> None:
        try:
            if write.sidecar:
                _require_room_for_name(sidecar_of(write.path))
            content_hash = self._put(write, value)
            if write.sidecar:
                sidecar = _describe(write, record, value, content_hash).to_json()
                if not self._holds(sidecar_of(write.path), sidecar):
                    _replace(sidecar_of(write.path), sidecar)
        except MerklError:
            raise
        except UnicodeEncodeError as error:
            raise OutputError(
                f"the result of task {write.future.task.name!r} ({write.future._call.place()}) cannot be written to "
                f"{write.path!r}: it is no text that UTF-8 can hold ({error}). Return bytes instead",
                path=write.path,
            ) from error
        except OSError as error:
            raise OutputError(
                f"the result of task {write.future.task.name!r} ({write.future._call.place()}) cannot be written to "
                f"{write.path!r}: {error.strerror or error}. Nothing there was changed; make room or choose another path, "
                "and run again: the result itself is in the cache",
                path=write.path,
            ) from error

    def _send(self, write: Write, record: Record, value: Any) -> None:
        """Bring a value to an object store, unless the object there is the one that was sent last time."""
        if isinstance(value, DirRef):
            raise OutputError(
                f"the result of task {write.future.task.name!r} is a directory, which is no object that could be written to "
                f"{write.path!r}: write its files one by one",
                path=write.path,
            )
        source: FileRef[Any] | bytes = value if isinstance(value, FileRef) else self._bytes_of(value)
        content_hash = (
            hash_content(source) if isinstance(source, bytes) else self._tracker.content_hash(source)
        )
        sent = self._tracker.sent(write.path)
        try:
            if sent is None or sent.content_hash != content_hash or not _is_still(write.path, sent.tag):
                tag = send(source, write.path)
                self._tracker.remember_sent(write.path, content_hash, tag, write.future.hash)
            if write.sidecar:
                send(_describe(write, record, value, content_hash).to_json(), sidecar_of(write.path))
        except OSError as error:
            raise OutputError(
                f"the result of task {write.future.task.name!r} ({write.future._call.place()}) cannot be written to "
                f"{write.path!r}: {error}. The result itself is in the cache: run again",
                path=write.path,
            ) from error

    def _put(self, write: Write, value: Any) -> str:
        """Bring a value to its path; return the hash of what is there now."""
        key = write.future.hash
        if isinstance(value, DirRef):
            return self._put_directory(write.path, value, key)
        _require_replaceable(write.path)
        if isinstance(value, FileRef):
            content_hash = self._tracker.content_hash(value)
            if not self._has_content(write.path, content_hash):
                replace_file(value, write.path)
            elif executable_mark(value) and not executable_mark(write.path):
                allow_execution(write.path)
        else:
            data = self._bytes_of(value)
            content_hash = hash_content(data)
            if not self._has_content(write.path, content_hash):
                _replace(write.path, data)
        return self._tracker.content_hash(write.path, role="output", key=key)

    def _put_directory(self, path: str, value: DirRef, key: str) -> str:
        wanted = self._tracker.tree_hash(value)
        if os.path.lexists(path):
            if not os.path.isdir(path):
                raise NotADirectoryError(f"a file is there, and the result is a directory: {path!r}")
            there = self._tracker.tree_hash(path)
            known = self._tracker.get(path)
            if there != wanted and not _is_empty(path) and (known is None or known.content_hash != there):
                raise OutputError(
                    f"the directory {path!r} holds files that this project did not write, and writing the result of a task "
                    "there would remove them. Move them away, or choose another path",
                    path=path,
                )
            if there == wanted:
                return self._tracker.tree_hash(path, role="output", key=key)
        replace_tree(value, path)
        return self._tracker.tree_hash(path, role="output", key=key)

    def _has_content(self, path: str, content_hash: str) -> bool:
        try:
            return self._tracker.content_hash(path) == content_hash
        except (MerklError, OSError):
            return False

    def _holds(self, path: str, data: bytes) -> bool:
        try:
            return Path(path).read_bytes() == data
        except OSError:
            return False

    def _bytes_of(self, value: Any) -> bytes:
        if isinstance(value, str):
            return value.encode("utf-8", "surrogateescape")
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
        content = self._codecs.encode(value).content
        return content if isinstance(content, bytes) else b"".join(bytes(piece) for piece in content)


def read_written(codecs: CodecRegistry, trust: Trust, path: str, sidecar: Sidecar) -> Any:
    """Return the value that a written file holds.

    Raises:
        CacheError: reading it would run code that the file brings along, and this project allows none.
        DecodeError: the file or the class that it names is not what it was.
    """
    if sidecar.form in ("file", "directory"):
        return reference_to(path, sidecar.decode_type)
    content = Path(path).read_bytes()
    if sidecar.form == "text":
        return content.decode("utf-8", "surrogateescape")
    if sidecar.form == "bytes":
        return content
    codec = codecs.get(sidecar.codec)
    if codec is not None and codec.needs_trust(sidecar.decode_type) and not trust.allow_pickle:
        raise CacheError(
            f"{path!r} is a pickle, which could run any code while it is read: set allow_pickle = true in "
            "[tool.merkl.cache] if you trust who wrote it"
        )
    return codecs.decode(sidecar.codec, sidecar.codec_version, sidecar.decode_type, bytearray(content))


def _is_still(url: str, tag: str) -> bool:
    try:
        return look_up(url).tag == tag
    except MissingInputError:
        return False


def _describe(write: Write, record: Record, value: Any, file_hash: str) -> Sidecar:
    return Sidecar(
        key=write.future.hash,
        task=f"{write.future.task.__module__}.{write.future.task.name}",
        out=write.future.out,
        content_hash=record.content_hash,
        file_hash=file_hash,
        form=_form_of(value),
        size=record.size,
        codec=record.codec,
        codec_version=record.codec_version,
        decode_type=record.decode_type,
        extra=record.extra,
    )


def _form_of(value: Any) -> Form:
    if type(value) is str:
        return "text"
    if type(value) is bytes:
        return "bytes"
    if isinstance(value, FileRef):
        return "file"
    return "directory" if isinstance(value, DirRef) else "codec"


def _require_replaceable(path: str) -> None:
    """Raise `OSError` where something else than a regular file is: a rename would do away with a device or a fifo."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path!r} is a directory")
    if not stat.S_ISREG(mode):
        raise OSError(f"{path!r} is {describe_kind(mode)}, which a file would take the place of")


def _require_room_for_name(path: str) -> None:
    """Raise `OSError` where a name is too long for its file system, before anything is written that belongs to it."""
    with contextlib.suppress(FileNotFoundError):
        os.lstat(path)


def _replace(path: str, data: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _is_empty(path: str) -> bool:
    with os.scandir(path) as entries:
        return next(entries, None) is None
