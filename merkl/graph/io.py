"""Futures of files that exist: their text, their paths, all that match a pattern; and writing to files."""

from __future__ import annotations

import functools
import glob
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, overload

import msgspec

from merkl._base.errors import InputChangedError, MissingInputError
from merkl.codecs.base import Codec, DecodeError, Encoded
from merkl.files import DirRef, FileRef
from merkl.files.content import executable_mark
from merkl.files.remote import RemoteFile, fetch, is_remote, look_up
from merkl.graph.future import Future
from merkl.graph.options import TaskOptions
from merkl.graph.session import sessions
from merkl.graph.sidecar import Sidecar, read_sidecar
from merkl.graph.task import Task

__all__ = ["future_from_file", "glob_future", "path_future", "read_future", "write_future"]

T = TypeVar("T")


def _read_text(file: FileRef[Any]) -> str:
    return file.read_text()


def _read_bytes(file: FileRef[Any]) -> bytes:
    return file.read_bytes()


def _directory(directory: DirRef) -> DirRef:
    return directory


class _PathsCodec(Codec):
    """What identifies the files of a glob: names and contents. The list itself, with its paths, is never stored."""

    name: ClassVar[str] = "paths"

    def encode(self, value: Any, declared: Any) -> Encoded:
        tracker = sessions.current().files
        rows = [
            (os.fsencode(name), os.fsencode(file.suffix), tracker.content_hash(file) + executable_mark(file))
            for name, file in zip(_names(value), value, strict=True)
        ]
        # As a stream: of those that are not stored the value is kept, not the bytes.
        return Encoded(iter([msgspec.msgpack.encode(rows)]), self.name, self.version)

    def decode(self, content: Any, decode_type: str) -> Any:
        raise DecodeError("the paths of a glob are not stored")


_PATHS = _PathsCodec()


def _names(files: Iterable[FileRef[Any]]) -> tuple[str, ...]:
    """Return the paths of files from the deepest directory that holds all of them."""
    paths = [os.fspath(file) for file in files]
    base = os.path.commonpath(list(map(os.path.dirname, paths)))
    return tuple(os.path.relpath(path, base) for path in paths)


def _glob(names: tuple[str, ...], files: tuple[FileRef[Any], ...]) -> list[FileRef[Any]]:
    return list(files)


@overload
def read_future(path: str | os.PathLike[str], mode: Literal["r"] = "r") -> Future[str]: ...
@overload
def read_future(path: str | os.PathLike[str], mode: Literal["rb"]) -> Future[bytes]: ...
def read_future(path: str | os.PathLike[str], mode: str = "r") -> Future[Any]:
    """Return a Future of a file's content: text (UTF-8, newlines as they are) or, with "rb", bytes.

    Its key is that of the content and suffix, whatever the path. An `s3://…` URL is looked up now, and its object downloaded
    once for each version when it is needed.

    Raises:
        MissingInputError: there is no such file.
        ValueError: another mode.
    """
    if mode not in ("r", "rb"):
        raise ValueError(f"read_future(mode={mode!r}): it is 'r' for text or 'rb' for bytes")
    task = _task_of(_read_text if mode == "r" else _read_bytes)
    return _call(task, _fetched(path) if is_remote(path) else FileRef(path))


if TYPE_CHECKING:

    def path_future(path: str | os.PathLike[str]) -> Future[Any]: ...
else:

    def path_future(path):
        """Return a Future of a file or directory; it evaluates to a FileRef or DirRef of the path that was given.

        Its key is that of suffix and content (for a directory: names, modes and contents), whatever the path.

        Raises:
            MissingInputError: nothing is there.
        """
        if is_remote(path):
            return _fetched(path)
        if os.path.isdir(path):
            return _call(_task_of(_directory, keep="never"), DirRef(path))
        file = FileRef(path)
        return _call(_path_task(file.suffix), file)


def glob_future(
    pattern: str | os.PathLike[str], *, root: str | os.PathLike[str] = "."
) -> Future[list[FileRef[Any]]]:
    """Return a Future of all files that match a pattern now, sorted by name; it evaluates to FileRefs of the paths as matched.

    Its key covers names (from the directory that holds all of them) and contents, wherever that lies.

    Args:
        pattern: as of `glob`, with `**` for any directories on the way.
        root: where a relative pattern starts.

    Raises:
        MissingInputError: nothing matches.
    """
    top = os.fspath(root)
    start = "" if top == "." else glob.escape(top)
    found = sorted(glob.glob(os.path.join(start, os.fspath(pattern)), recursive=True))
    files = tuple(FileRef(path) for path in found if os.path.isfile(path))
    if not files:
        raise MissingInputError(f"No file matches {os.fspath(pattern)!r} in {os.path.abspath(top)!r}.")
    return _call(_task_of(_glob, keep="never", codec=_PATHS), _names(files), files)


def write_future(future: Future[T], path: str | os.PathLike[str], *, sidecar: bool = False) -> Future[T]:
    """Have the value of a Future written to a file whenever it is evaluated; the same as `future.write(path)`."""
    return future.write(path, sidecar=sidecar)


def future_from_file(path: str | os.PathLike[str]) -> Future[Any]:
    """Return the Future that was written to a file with a sidecar; see `Future.from_file`."""
    sidecar = read_sidecar(path)
    there: FileRef[Any] | DirRef = DirRef(path) if sidecar.form == "directory" else FileRef(path)
    files = sessions.current().files
    found = files.tree_hash(there) if sidecar.form == "directory" else files.content_hash(there)
    if found != sidecar.file_hash:
        raise InputChangedError(
            f"{os.fspath(path)!r} is not what task {sidecar.task!r} wrote there: it was changed since. Write it again, or "
            "read it as it is with read_future or path_future."
        )
    made = _call(_task_of(_load, keep="never"), there, sidecar)
    # Its key is the one that it had where it was written, so that what is made of it is found in a shared cache.
    made._call.adopt_key(made.task.fingerprint().digest, bytes.fromhex(sidecar.key))
    return made


def _call(task: Any, *args: Any) -> Future[Any]:
    """Call a task of this module as if the user's own code did."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") in (__name__, "merkl.graph.future"):
        frame = frame.f_back
    made: Future[Any] = task._invoke(args, {}, frame.f_code, frame.f_lasti)
    return made


def _fetched(url: str | os.PathLike[str]) -> Future[Any]:
    remote = look_up(os.fspath(url))
    return _call(_fetch_task(remote.suffix), remote)


@functools.cache
def _fetch_task(suffix: str) -> Any:
    """The task that downloads objects of one suffix; its result is kept, so that each version is downloaded once."""
    kind = FileRef[Literal[suffix]]  # type: ignore[valid-type]

    def download(remote: RemoteFile) -> Any:
        made = FileRef(suffix=suffix)
        fetch(remote, made)
        return made

    download.__annotations__ = {"remote": RemoteFile, "return": kind}
    return Task(
        _named(download, f"download{suffix}"),
        TaskOptions(code_version=1, hash_key="merkl.io.download", outs=1),
    )


def _load(file: Any, sidecar: Sidecar) -> Any:
    return sessions.current().load_written(os.fspath(file), sidecar)


@functools.cache
def _task_of(fn: Any, keep: Literal["always", "never"] = "always", codec: Codec | None = None) -> Any:
    options = TaskOptions(code_version=1, hash_key=f"merkl.io.{fn.__name__}", keep=keep, codec=codec)
    return Task(_named(fn, _NAMES[fn.__name__]), options)


def _named(fn: Any, name: str) -> Any:
    """Give a function the name under which its task is shown: that of the function of `merkl` that users called."""
    fn.__module__, fn.__qualname__ = "merkl", name
    return fn


_NAMES = {
    "_read_text": "read_future",
    "_read_bytes": "read_future",
    "_directory": "path_future",
    "_glob": "glob_future",
    "_load": "Future.from_file",
}


@functools.cache
def _path_task(suffix: str) -> Any:
    """The task for files of one suffix, so that a Future of one tells its type before anything runs."""
    kind = FileRef[Literal[suffix]]  # type: ignore[valid-type]

    def path(file: Any) -> Any:
        return file

    path.__annotations__ = {"file": kind, "return": kind}
    return Task(
        _named(path, f"path_future{suffix}"),
        TaskOptions(code_version=1, hash_key="merkl.io.path", keep="never", outs=1),
    )
