"""The content hash of one file, read in a way that notices when the file changes meanwhile."""

from __future__ import annotations

import os
import stat as stat_module
import sys
from dataclasses import dataclass
from typing import Final

import blake3

from merkl._base.errors import InputChangedError, MerklError, MissingInputError, UnsupportedFileError
from merkl.files.stat import StatSignature, signature_of
from merkl.hashing.digests import hash_content

__all__ = ["FileContent", "describe_kind", "executable_mark", "hash_file", "require_regular"]

# Below this, one read beats setting up a memory map.
_MAP_FROM: Final = 256 * 1024
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class FileContent:
    """The content hash of a file, with the signature that it had before and after it was read."""

    signature: StatSignature
    content_hash: str


def hash_file(path: str | bytes | os.PathLike[str]) -> FileContent:
    """Return the BLAKE3 hash of a regular file's bytes; large files are memory-mapped and use all cores.

    Args:
        path: the file; links are followed.

    Raises:
        MissingInputError: nothing is there.
        UnsupportedFileError: it is a directory, socket, fifo or device, or cannot be read.
        InputChangedError: it was written to during each of three attempts to read it.
    """
    path = os.fsdecode(path)
    for _ in range(_ATTEMPTS):
        before = require_regular(path)
        try:
            content_hash = _hash_small(path) if before.st_size < _MAP_FROM else _hash_mapped(path)
        except OSError as error:
            raise _unreadable(path, error) from error
        after = require_regular(path)
        if signature_of(before) == signature_of(after):
            return FileContent(signature_of(after), content_hash)
    raise InputChangedError(
        f"{path!r} changes faster than it can be read: it was written to during each of {_ATTEMPTS} attempts to "
        "hash it. Let its writer finish first, or give the task a copy."
    )


def require_regular(path: str) -> os.stat_result:
    """Stat a path that must be a regular file, following links.

    Raises:
        MissingInputError: nothing is there.
        UnsupportedFileError: it is of another kind, or cannot be looked at.
    """
    sys.audit("merkl.files.look", path)
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not stat_module.S_ISREG(found.st_mode):
        kind = describe_kind(found.st_mode)
        remedy = (
            "Use DirRef for a directory." if kind == "a directory" else "Copy what it gives to a file first."
        )
        raise UnsupportedFileError(
            f"{path!r} is {kind}, not a regular file, and has no content hash. {remedy}"
        )
    return found


def executable_mark(path: str | os.PathLike[str]) -> str:
    """Return what stands behind a file's content hash where its owner may execute it, else "".

    A compiled program that may not be run is another file; who else may read or write it is the machine's business.
    """
    return "+x" if os.stat(path).st_mode & stat_module.S_IXUSR else ""


def describe_kind(mode: int) -> str:
    """Name the kind of file that a stat mode stands for.

    >>> describe_kind(0o010644)
    'a fifo'
    """
    kinds = {
        stat_module.S_IFREG: "a regular file",
        stat_module.S_IFDIR: "a directory",
        stat_module.S_IFLNK: "a symbolic link",
        stat_module.S_IFSOCK: "a socket",
        stat_module.S_IFIFO: "a fifo",
        stat_module.S_IFBLK: "a block device",
        stat_module.S_IFCHR: "a character device",
    }
    return kinds.get(stat_module.S_IFMT(mode), "a file of unknown kind")


def _unreadable(path: str, error: OSError | ValueError) -> MerklError:
    """Return the error for a path that cannot be looked at or read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MissingInputError(
            f"There is no file {path!r}{_dangling(path)}. The path was looked up from {os.getcwd()!r}."
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnsupportedFileError(f"{path!r} cannot be read: {reason}. Mend the path or its permissions.")


def _dangling(path: str) -> str:
    return f" (a link to the missing {os.readlink(path)!r})" if os.path.islink(path) else ""


def _hash_small(path: str) -> str:
    # O_NONBLOCK: should the file have been replaced by a fifo since the stat, opening it must not hang.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return hash_content(file.read())


def _hash_mapped(path: str) -> str:
    return blake3.blake3(max_threads=blake3.blake3.AUTO).update_mmap(path).hexdigest()
