"""How files and directories are stored: a file as its own bytes, a directory as one archive; read back as views.

A view is a path that carries the suffix: a link to the stored file where it is one, else a copy.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, ClassVar, Final

import blake3

from merkl._base.errors import CacheError, MissingInputError
from merkl.cache.base import content_chunks
from merkl.codecs.base import Codec, DecodeError, Encoded
from merkl.codecs.registry import CodecRegistry
from merkl.files.archive import pack_tree
from merkl.files.content import executable_mark, hash_file, require_regular
from merkl.files.dirref import DirRef
from merkl.files.fileref import FileRef
from merkl.files.scratch import is_in_scratch
from merkl.files.transfer import atomic_path
from merkl.files.tree import scan_tree
from merkl.files.view import is_intact, unpack_view

__all__ = ["DirectoryCodec", "FileCodec", "FileStream", "reference_to", "register_codecs"]

_CHUNK: Final = 4 * 1024 * 1024
#: Ends the suffix of a stored file that may be executed; no suffix has a slash.
_EXECUTABLE: Final = "/x"
#: Errors that say of a folder that it takes no file.
_NO_PLACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def register_codecs(registry: CodecRegistry, views: str | os.PathLike[str]) -> None:
    """Teach a registry of codecs to store FileRef and DirRef.

    Args:
        registry: the one that a workspace stores results with.
        views: the directory where results that are read back get their paths; made when first needed.
    """
    registry.register(FileCodec(Path(views)), FileRef)
    registry.register(DirectoryCodec(Path(views)), DirRef)


def reference_to(path: str, decode_type: str) -> FileRef[Any] | DirRef:
    """Return a reference to a file or directory as the one that was stored: of its class, and with its suffix.

    Raises:
        DecodeError: its class is gone.
    """
    name, _, text = decode_type.partition("|")
    base: type[Any] = DirRef if os.path.isdir(path) else FileRef
    kind, _ = _type_from(f"{name}|", base)
    made: FileRef[Any] | DirRef = (
        kind.restore(path) if base is DirRef else kind.restore(path, _suffix_from(text))
    )
    return made


class FileStream:
    """The bytes of a file on their way into a cache, as an iterable of chunks.

    Where `movable`, the file was made by the call and nobody else has it: a cache on the same file system may
    rename it instead of reading it twice, after hashing it.
    """

    def __init__(self, path: str, *, movable: bool) -> None:
        self.path = path
        self.movable = movable

    def __iter__(self) -> Iterator[bytes]:
        with open(self.path, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                yield chunk


class _ViewCodec(Codec):
    """What both codecs have in common: results that are read back get their paths in the directory `views`."""

    wants_file: ClassVar[bool] = True
    keeps_file: ClassVar[bool] = False
    #: the value that goes on is the one read back: the body's own file lies in a directory that is removed
    reads_back: ClassVar[bool] = True

    def __init__(self, views: Path) -> None:
        self._views = views
        self._spare: Path | None = None

    def _make(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return a view by its name, made in a temporary folder where the workspace's own takes none.

        A disk that is full or read-only says nothing about the content: to compute it again would not help.

        Raises:
            CacheError: the temporary folder takes none either.
        """
        view = self._views / name[:2] / name
        try:
            make(view)
        except OSError as error:
            if error.errno not in _NO_PLACE:
                raise
        else:
            return view
        try:
            self._spare = self._spare or Path(tempfile.mkdtemp(prefix="merkl-views-"))
            view = self._spare / name[:2] / name
            make(view)
        except OSError as error:
            raise CacheError(
                f"a stored result cannot be put to {view}, where it would be read from, nor below {self._views}: "
                f"{error.strerror}. Make room and run again"
            ) from error
        return view


class FileCodec(_ViewCodec):
    """Stores a FileRef as the bytes of its file; its suffix, and whether it may be executed, are part of the content identity."""

    name: ClassVar[str] = "file"

    def encode(self, value: Any, declared: Any) -> Encoded | None:
        """Return the file as a stream.

        Raises:
            MissingInputError: the body returned a FileRef that it never wrote to.
            UnsupportedFileError: something else than a regular file is there.
        """
        if not isinstance(value, FileRef):
            return None
        path = os.fspath(value)
        if value.is_fresh and not os.path.lexists(path):
            raise MissingInputError(
                f"The body returned {value!r}, a path that FileRef() made, but wrote no file there. Write to it first."
            )
        require_regular(path)
        stream = FileStream(path, movable=_is_ours(path))
        suffix = _suffix_text(value.suffix) + (_EXECUTABLE if executable_mark(path) else "")
        return Encoded(stream, self.name, self.version, _type_text(value, FileRef, suffix), suffix)

    def decode(self, content: Any, decode_type: str) -> FileRef[Any]:
        """Return a FileRef to a view of the stored bytes.

        Raises:
            DecodeError: `decode_type` is not what `encode` gave.
        """
        kind, text = _type_from(decode_type, FileRef)
        suffix = _suffix_from(text)
        stored = _stored_path(content)
        content_hash = _content_hash(content, stored)
        is_executable = text.endswith(_EXECUTABLE)

        def make(view: Path) -> None:
            if stored is not None and not is_executable:
                _link_view(view, stored)
            else:
                _copy_view(view, content)
                if is_executable:
                    os.chmod(view, 0o755)

        view = self._make(content_hash + ("+x" if is_executable else "") + suffix, make)
        return kind.restore(view, suffix)  # type: ignore[no-any-return]


class DirectoryCodec(_ViewCodec):
    """Stores a DirRef as one archive, whose bytes depend on names, modes and contents alone."""

    name: ClassVar[str] = "directory"

    def encode(self, value: Any, declared: Any) -> Encoded | None:
        """Return the directory as a stream.

        Raises:
            MissingInputError: the directory is gone.
            UnsupportedFileError: it holds a socket, fifo or device.
        """
        if not isinstance(value, DirRef):
            return None
        stream = pack_tree(scan_tree(value))
        return Encoded(stream, self.name, self.version, _type_text(value, DirRef, ""), "")

    def decode(self, content: Any, decode_type: str) -> DirRef:
        """Return a DirRef to an unpacked copy, which is made again if anyone changed it.

        Raises:
            DecodeError: the bytes are no directory.
        """
        kind, _ = _type_from(decode_type, DirRef)
        content_hash = _content_hash(content, _stored_path(content))

        def make(view: Path) -> None:
            if not is_intact(view):
                unpack_view(view, _as_file(content))

        return kind.restore(self._make(f"{content_hash}.dir", make))  # type: ignore[no-any-return]


def _is_ours(path: str) -> bool:
    """Whether a file may be moved: it is the call's own, under one name, and not just a link to someone else's."""
    found = os.lstat(path)
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and is_in_scratch(path)


def _type_text(value: object, base: type, suffix: str) -> str:
    kind = type(value)
    name = "" if kind is base else f"{kind.__module__}:{kind.__qualname__}"
    return f"{name}|{suffix}"


def _suffix_text(suffix: str) -> str:
    """A suffix as text that any cache takes; no suffix of text begins as one of other bytes does."""
    try:
        suffix.encode()
    except UnicodeEncodeError:
        return f"bytes:{os.fsencode(suffix).hex()}"
    return suffix


def _suffix_from(text: str) -> str:
    text = text.removesuffix(_EXECUTABLE)
    return os.fsdecode(bytes.fromhex(text[6:])) if text.startswith("bytes:") else text


def _type_from(decode_type: str, base: type[Any]) -> tuple[type[Any], str]:
    name, bar, suffix = decode_type.partition("|")
    if not bar:
        raise DecodeError(f"{decode_type!r} names no {base.__name__} and suffix")
    if not name:
        return base, suffix
    module, _, qualname = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise DecodeError(f"the class {name} of a stored file is gone: {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise DecodeError(f"the class {name} of a stored file is no {base.__name__} any more")
    return found, suffix


def _stored_path(content: Any) -> str | None:
    """The path of a content that is a stored file, named by its hash, so that a view may link to it."""
    name = getattr(content, "name", None)
    if isinstance(name, str | os.PathLike) and _HASH.fullmatch(os.path.basename(os.fspath(name))):
        path = os.path.abspath(os.fspath(name))
        return path if os.path.isfile(path) else None
    return None


def _content_hash(content: Any, stored: str | None) -> str:
    if stored is not None:
        return os.path.basename(stored)
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
    for chunk in content_chunks(content):
        hasher.update(chunk)
    return hasher.hexdigest()


def _as_file(content: Any) -> IO[bytes]:
    if hasattr(content, "read"):
        content.seek(0)
        return content  # type: ignore[no-any-return]
    return io.BytesIO(content)


def _link_view(view: Path, stored: str) -> None:
    with contextlib.suppress(OSError):
        if os.readlink(view) == stored:
            return
    view.parent.mkdir(parents=True, exist_ok=True)
    temporary = view.with_name(f".{secrets.token_hex(8)}.tmp")
    os.symlink(stored, temporary)
    os.replace(temporary, view)


def _copy_view(view: Path, content: Any) -> None:
    if not view.is_symlink() and view.is_file() and _content_hash_of_view(view) == view.name[:64]:
        return
    with contextlib.suppress(FileNotFoundError):
        view.unlink()  # a link would be written through
    with atomic_path(view, durable=False) as temporary, open(temporary, "wb") as file:
        for chunk in content_chunks(content):
            file.write(chunk)


def _content_hash_of_view(view: Path) -> str:
    return hash_file(view).content_hash
