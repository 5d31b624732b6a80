"""Contents as files: `ab/abcd…` by their hash, written under another name, hashed on the way, then renamed."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import stat
import threading
import time
import warnings
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from merkl._base.errors import MerklWarning
from merkl.cache.base import (
    Content,
    Spooled,
    content_chunks,
    hash_file_content,
    spool,
    verify_content,
)
from merkl.cache.contents import ContentBackend

__all__ = ["FileContentBackend", "MemoryStamps", "Stamp", "Stamps"]

_counter = itertools.count()


class Stamp(msgspec.Struct, frozen=True):
    """How a content file looked when its bytes were last known to be right."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return the stamp of a file's status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class Stamps(Protocol):
    """Remembers stamps by content hash."""

    def get(self, content_hash: str) -> Stamp | None:
        """Return the stamp of a content."""

    def put(self, content_hash: str, stamp: Stamp | None) -> None:
        """Remember a stamp, or with None that the content is not known to be right."""

    def forget(self, content_hash: str) -> None:
        """Know nothing of a content any more, because it is gone."""


class MemoryStamps:
    """Stamps for as long as this process lives: every file is hashed once in each process."""

    def __init__(self) -> None:
        self._stamps: dict[str, Stamp | None] = {}

    def get(self, content_hash: str) -> Stamp | None:
        """Return the stamp of a content."""
        return self._stamps.get(content_hash)

    def put(self, content_hash: str, stamp: Stamp | None) -> None:
        """Remember a stamp."""
        self._stamps[content_hash] = stamp

    def forget(self, content_hash: str) -> None:
        """Know nothing of a content any more."""
        self._stamps.pop(content_hash, None)


class SpoolFile(io.FileIO):
    """A temporary file inside a content backend: closing it removes it, unless the backend took it over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.adopted = False
        super().__init__(path, "x+")

    def write(self, data: Any, /) -> int:
        """Write all of `data`: the system takes at most 2 GiB at once, and less where the disk is about to be full."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += super().write(view[done:]) or 0
        return done

    def close(self) -> None:
        """Close the file, and remove it unless it became a content."""
        if not self.closed:
            super().close()
            if not self.adopted:
                self.adopted = True
                with contextlib.suppress(OSError):
                    self.path.unlink()


class Movable(Protocol):
    """A stream of chunks that is a whole file, which nobody else needs where `movable`."""

    path: str
    movable: bool

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over its bytes."""
        ...


class MovableFile(io.FileIO):
    """A file that may become a content by being renamed; until then it stays where it is, whatever happens."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.adopted = False
        super().__init__(path, "r")
        status = os.fstat(self.fileno())
        self.seen = (status.st_size, status.st_mtime_ns)

    def is_alone(self, directory: Path) -> bool:
        """Say whether it is a regular file without another name, on the file system of a directory."""
        status = os.lstat(self.path)
        is_plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        return is_plain and status.st_dev == os.stat(directory).st_dev


class FileContentBackend(ContentBackend):
    """Keeps each content as a read-only file `directory/ab/abcd…`.

    Args:
        directory: made when first written.
        stamps: where it is remembered how verified files looked; a file that looks otherwise is hashed before use.
        shared: others than this user can write to the directory.
        fsync: wait until the bytes are on the disk before a file gets its name.

    >>> import tempfile
    >>> from merkl.hashing.digests import hash_content
    >>> files = FileContentBackend(tempfile.mkdtemp())
    >>> files.put(b"hello", hash_content(b"hello"))
    >>> with files.get(hash_content(b"hello")) as file:
    ...     file.read()
    b'hello'
    """

    has_trash = True

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        stamps: Stamps | None = None,
        shared: bool = False,
        fsync: bool = True,
    ) -> None:
        self.directory = Path(directory)
        self.shared = shared
        self.fsync = fsync
        self._stamps: Stamps = MemoryStamps() if stamps is None else stamps
        self._fine_clock: bool | None = None

    def path(self, content_hash: str) -> Path:
        """Return where a content is or would be."""
        return self.directory / content_hash[:2] / content_hash

    def has(self, content_hash: str) -> bool:
        return os.path.exists(f"{self.directory}/{content_hash[:2]}/{content_hash}") or self._restore(
            content_hash
        )

    def get(self, content_hash: str) -> Content | None:
        try:
            file = open(self.path(content_hash), "rb")  # noqa: SIM115 - the caller owns it
        except FileNotFoundError:
            return self.get(content_hash) if self._restore(content_hash) else None
        try:
            stamp = Stamp.of(os.fstat(file.fileno()))
            if self._stamps.get(content_hash) != stamp:
                if not verify_content(file, content_hash):
                    file.close()
                    self._discard(content_hash)
                    return None
                self._stamps.put(content_hash, stamp)
        except BaseException:
            file.close()
            raise
        return file

    def put(self, content: Content, content_hash: str) -> None:
        path = self.path(content_hash)
        if self._is_known(path, content_hash):
            return
        if isinstance(content, MovableFile) or (
            isinstance(content, SpoolFile) and content.path.parent == self._temporary
        ):
            self._publish(content, path, content_hash)
        else:
            with self._new_file() as file:
                for piece in content_chunks(content):
                    file.write(piece)
                self._publish(file, path, content_hash)

    def delete(self, content_hash: str) -> bool:
        found = False
        for path in (self.path(content_hash), self._trash / content_hash):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                found = True
        if found:
            self._stamps.forget(content_hash)
        return found

    def age(self, content_hash: str) -> float | None:
        with contextlib.suppress(FileNotFoundError):
            return time.time() - self.path(content_hash).stat().st_mtime
        return None

    def is_right(self, content_hash: str) -> bool:
        if not self.has(content_hash):
            return False
        self.distrust(content_hash)
        with contextlib.suppress(FileNotFoundError), open(self.path(content_hash), "rb") as file:
            return verify_content(file, content_hash)
        return False

    def trash(self, content_hash: str) -> bool:
        self._trash.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(self.path(content_hash), self._trash / content_hash)
        except FileNotFoundError:
            return False
        self._stamps.forget(content_hash)
        return True

    def empty_trash(self, named: Container[str], *, age: float) -> int:
        freed = 0
        with contextlib.suppress(FileNotFoundError):
            for path in list(self._trash.iterdir()):
                if path.name in named:
                    self._restore(path.name)
                    continue
                with contextlib.suppress(FileNotFoundError):
                    status = path.stat()  # renaming set its ctime
                    if time.time() - status.st_ctime >= age:
                        path.unlink()
                        freed += status.st_size
        return freed

    def _restore(self, content_hash: str) -> bool:
        """Take a content back from the trash; say whether it is here now."""
        with contextlib.suppress(OSError):  # not in the trash, or nothing may be written here
            os.rename(self._trash / content_hash, self.path(content_hash))
            return True
        return False

    def hashes(self) -> Iterator[str]:
        for folder in sorted(self.directory.glob("[0-9a-f][0-9a-f]")):
            for name in sorted(os.listdir(folder)):
                if len(name) == 64:
                    yield name

    def size(self, content_hash: str) -> int | None:
        try:
            return self.path(content_hash).stat().st_size
        except FileNotFoundError:
            return None

    def spool(self, chunks: Iterable[bytes | memoryview] | Movable) -> Spooled:
        """Write chunks down while hashing them; a file that may be moved is only read."""
        if getattr(chunks, "movable", False):
            file = MovableFile(chunks.path)  # type: ignore[union-attr]
            self._temporary.mkdir(parents=True, exist_ok=True)
            if file.is_alone(self.directory):
                return hash_file_content(file)
            file.close()
        return spool(chunks, self._new_file())

    def distrust(self, content_hash: str) -> None:
        """Have a content hashed at its next use, however its file looks."""
        self._stamps.put(content_hash, None)

    def leftovers(self) -> Iterator[Path]:
        """Iterate over temporary files, those of running processes included."""
        with contextlib.suppress(FileNotFoundError):
            yield from self._temporary.iterdir()

    @property
    def _trash(self) -> Path:
        return self.directory / "trash"

    @property
    def _temporary(self) -> Path:
        return self.directory / "tmp"

    def _new_file(self) -> SpoolFile:
        name = f"{os.getpid()}-{threading.get_ident():x}-{next(_counter)}-{os.urandom(4).hex()}"
        try:
            return SpoolFile(self._temporary / name)
        except FileNotFoundError:
            self._temporary.mkdir(parents=True, exist_ok=True)
            return SpoolFile(self._temporary / name)

    def _is_known(self, path: Path, content_hash: str) -> bool:
        try:
            return self._stamps.get(content_hash) == Stamp.of(path.stat())
        except FileNotFoundError:
            return False

    def _publish(self, file: SpoolFile | MovableFile, path: Path, content_hash: str) -> None:
        """Give a complete temporary file its name; what stands under that name unverified is replaced."""
        descriptor = file.fileno()
        os.fchmod(descriptor, 0o444)
        if self.fsync:
            os.fsync(descriptor)
        try:
            os.rename(file.path, path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.rename(file.path, path)
        file.adopted = True
        if self.fsync:
            sync_folder(path.parent)
        stamp = Stamp.of(os.fstat(descriptor))
        is_as_hashed = not isinstance(file, MovableFile) or file.seen == (stamp.size, stamp.mtime_ns)
        self._stamps.put(content_hash, stamp if is_as_hashed and self._clock_is_fine() else None)

    def _clock_is_fine(self) -> bool:
        """Say whether every change shows in a file's times; on a coarse clock one right after another does not.

        Then a file just written gets no stamp and is hashed at its first read.
        """
        if self._fine_clock is None:
            with self._new_file() as file:
                seen = set()
                for _ in range(4):
                    file.write(b"x")
                    seen.add(os.fstat(file.fileno()).st_ctime_ns)
                self._fine_clock = len(seen) == 4
        return self._fine_clock

    def _discard(self, content_hash: str) -> None:
        warnings.warn(
            f"a stored result is damaged and is computed again: {self.path(content_hash)} does not have the bytes that "
            "its name says",
            MerklWarning,
            stacklevel=2,
        )
        with contextlib.suppress(OSError):
            self.delete(content_hash)


def sync_folder(folder: Path) -> None:
    """Make a rename inside a folder survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
