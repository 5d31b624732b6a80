"""Bring a file from one path to another: atomically, sharing blocks where the file system can, hashing on the way."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import blake3

from merkl.files.content import executable_mark
from merkl.files.tree import Tree, scan_tree

__all__ = [
    "allow_execution",
    "atomic_path",
    "clone_file",
    "copy_hashed",
    "remove_tree",
    "replace_file",
    "replace_tree",
    "sync_directory",
]

_CHUNK: Final = 4 * 1024 * 1024
# ioctl_ficlone(2): give the destination the source's blocks, copied on write. Linux numbers; macOS has
# clonefile.
_FICLONE: Final = 0x40049409
_NOT_CLONABLE: Final = frozenset(
    {
        errno.EOPNOTSUPP,
        errno.EXDEV,
        errno.EINVAL,
        errno.ENOTTY,
        errno.ENOSYS,
        errno.EBADF,
        errno.EPERM,
        errno.ETXTBSY,
    }
)


def clone_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str], *, mode: int | None = None
) -> None:
    """Make `target` a new file with the bytes of `source`; the two share nothing that a write to one could reach.

    Blocks are shared copy-on-write where the file system has that (Btrfs, XFS, APFS), else copied in the
    kernel.

    Args:
        source: a regular file; links are followed.
        target: a path where nothing is yet.
        mode: permission bits of the new file; the default is what a new file gets.

    Raises:
        FileExistsError: something is at `target`.
        OSError: as reading and writing do; a half-made target is removed.
    """
    with open(source, "rb") as reading:
        writing = open(target, "xb")  # noqa: SIM115 - removed by the handler below, which must see it closed
        try:
            with writing:
                if not _reflink(reading, writing):
                    _copy_in_kernel(reading, writing)
                if mode is not None:
                    os.fchmod(writing.fileno(), mode)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(target)
            raise


def copy_hashed(source: IO[bytes], sink: IO[bytes]) -> tuple[str, int]:
    """Copy a stream into another; return the BLAKE3 hash and the number of the bytes that went over.

    >>> import io
    >>> copy_hashed(io.BytesIO(b"abc"), io.BytesIO())[1]
    3
    """
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
    size = 0
    while chunk := source.read(_CHUNK):
        hasher.update(chunk)
        sink.write(chunk)
        size += len(chunk)
    return hasher.hexdigest(), size


@contextlib.contextmanager
def atomic_path(target: str | os.PathLike[str], *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path beside `target` that becomes `target` if the block ends well, and is removed if not.

    Readers see the old file or the whole new one, never a part. Missing parent directories are made. A target
    that is a link is written through, as opening it would.

    Raises:
        OSError: as writing does.

    >>> import tempfile
    >>> where = Path(tempfile.mkdtemp()) / "report.txt"
    >>> with atomic_path(where) as temporary:
    ...     _ = temporary.write_text("done")
    >>> where.read_text()
    'done'
    """
    final = Path(os.path.realpath(target))
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.parent / _temporary_name(final.name)
    try:
        yield temporary
        if durable:
            _sync_file(temporary)
        os.replace(temporary, final)
        if durable:
            sync_directory(final.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def replace_file(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Put a clone of `source` at `target` atomically, over whatever file is there; an existing mode is kept.

    What may be executed is so there too, for whoever may read it.

    Raises:
        OSError: as reading and writing do; the old target is untouched then.
    """
    with atomic_path(target) as temporary:
        clone_file(source, temporary)
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        if executable_mark(source):
            allow_execution(temporary)


def allow_execution(path: str | os.PathLike[str]) -> None:
    """Let everybody execute a file who may read it."""
    mode = os.stat(path).st_mode & 0o7777
    os.chmod(path, mode | (mode & 0o444) >> 2)


def replace_tree(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Put a clone of a directory at `target`, in place of the directory that is there; others see the old or the new one.

    Raises:
        OSError: as reading and writing do; the old directory is untouched then.
    """
    final = Path(os.path.realpath(target))
    final.parent.mkdir(parents=True, exist_ok=True)
    made, old = (final.parent / _temporary_name(final.name) for _ in range(2))
    try:
        _clone_tree(scan_tree(source), os.fsencode(made))
        with contextlib.suppress(FileNotFoundError):
            os.rename(final, old)
        try:
            os.rename(made, final)
        except BaseException:
            with contextlib.suppress(OSError):
                os.rename(old, final)
            raise
        sync_directory(final.parent)
    finally:
        remove_tree(made)
        remove_tree(old)


def remove_tree(path: Path) -> None:
    """Remove a directory of our own with all that is in it, directories without write permission too."""
    if not path.is_dir() or path.is_symlink():
        return
    for parent, names, _ in os.walk(path):
        for name in names:
            inside = os.path.join(parent, name)
            if not os.path.islink(inside):
                with contextlib.suppress(OSError):
                    os.chmod(inside, 0o700)
    shutil.rmtree(path, ignore_errors=True)


def _clone_tree(tree: Tree, target: bytes) -> None:
    os.mkdir(target)
    for entry in tree.entries:
        path = os.path.join(target, entry.name)
        if entry.kind == "directory":
            os.mkdir(path)
        elif entry.kind == "link":
            os.symlink(entry.target, path)
        else:
            clone_file(entry.source, os.fsdecode(path), mode=entry.mode)
    for entry in reversed(tree.entries):
        if entry.kind == "directory":
            os.chmod(os.path.join(target, entry.name), entry.mode)


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Make a rename inside a directory survive a power cut, where the system lets one do so."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _temporary_name(name: str) -> str:
    # The whole name must stay below 255 bytes, and a name may be that long by itself.
    stem = os.fsdecode(os.fsencode(name)[:200])
    return f".{stem}.{secrets.token_hex(6)}.tmp"


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reflink(reading: IO[bytes], writing: IO[bytes]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
    except OSError as error:
        if error.errno in _NOT_CLONABLE:
            return False
        raise
    return True


def _copy_in_kernel(reading: IO[bytes], writing: IO[bytes]) -> None:
    if sys.platform.startswith("linux"):
        try:
            while os.copy_file_range(reading.fileno(), writing.fileno(), 1 << 30):
                pass
            if os.fstat(writing.fileno()).st_size:
                return
        except OSError as error:
            if error.errno not in _NOT_CLONABLE:
                raise
    # From the start: what an interrupted attempt left is overwritten. Files in /proc have size 0 and end up
    # here.
    reading.seek(0)
    writing.seek(0)
    shutil.copyfileobj(reading, writing, _CHUNK)
