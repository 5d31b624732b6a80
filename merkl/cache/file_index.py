"""An index of plain files, one a key, each renamed into place: safe on network file systems, where SQLite is not."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from merkl.cache.base import item_of
from merkl.cache.content_cache import ContentCache, Index, Indexed
from merkl.cache.file_contents import FileContentBackend
from merkl.cache.inventory import ROOTS_KEPT, USE_GRANULARITY, Item, Root
from merkl.cache.leases import Lease
from merkl.cache.packing import pack_indexed, unpack_indexed
from merkl.hashing.digests import hash_content

__all__ = ["FileCache", "FileIndex"]


_counter = itertools.count()


class FileIndex(Index):
    """Key -> record as `directory/ab/abcd…`; contents up to 4 KiB live in the record.

    Args:
        directory: made when first written.
        shared: others than this user can write to it.
        fsync: wait until a record is on the disk before it gets its name.
    """

    inline_limit = 4096

    def __init__(self, directory: str | os.PathLike[str], *, shared: bool = True, fsync: bool = True) -> None:
        self.directory = Path(directory)
        self.shared = shared
        self.fsync = fsync
        self._lease: Lease | None = None

    def path(self, key: str) -> Path:
        """Return where the record of a key is or would be."""
        return self.directory / key[:2] / key

    def has(self, key: str) -> bool:
        return self.path(key).exists()

    def get(self, key: str) -> Indexed | None:
        path = self.path(key)
        try:
            with open(path, "rb") as file:
                used = os.fstat(file.fileno()).st_mtime
                packed = file.read()
        except FileNotFoundError:
            return None
        self._take_lease()
        if time.time() - used > USE_GRANULARITY:
            with contextlib.suppress(OSError):  # its time of last use, unless somebody else owns it
                os.utime(path)
        return unpack_indexed(packed)

    def put(self, key: str, indexed: Indexed) -> None:
        self._write(self.path(key), pack_indexed(indexed))

    def items(self) -> Iterator[Item]:
        for key in self.keys():
            with contextlib.suppress(FileNotFoundError):
                path = self.path(key)
                used = path.stat().st_mtime
                indexed = unpack_indexed(path.read_bytes())
                if indexed is not None:
                    is_inline = indexed.inline is not None
                    yield item_of(key, indexed.record, indexed.metadata, is_inline=is_inline, used=used)

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        folders = sorted(self.directory.glob(prefix[:2] if len(prefix) >= 2 else "[0-9a-f][0-9a-f]"))
        names = (name for folder in folders for name in sorted(os.listdir(folder)))
        return list(itertools.islice((n for n in names if len(n) == 64 and n.startswith(prefix)), limit))

    def note_root(self, root: Root) -> None:
        group = hash_content(root.group.encode())[:16]
        self._write(self._roots / f"{group}-{root.at:020.6f}-{root.run}", msgspec.json.encode(root))
        for path in sorted(self._roots.glob(f"{group}-*"))[:-ROOTS_KEPT]:
            path.unlink(missing_ok=True)

    def roots(self) -> Iterator[Root]:
        for path in sorted(self._roots.glob("*")):
            with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
                yield msgspec.json.decode(path.read_bytes(), type=Root)

    @property
    def _roots(self) -> Path:
        return self.directory / "roots"

    def close(self) -> None:
        if self._lease is not None:
            self._lease.close()
            self._lease = None

    def _take_lease(self) -> None:
        """Say from the first use on that this process needs what it finds here."""
        if self._lease is None:
            self._lease = Lease(self.directory)

    def _write(self, path: Path, data: bytes) -> None:
        self._take_lease()
        temporary = (
            self.directory
            / "tmp"
            / f"{os.uname().nodename}-{os.getpid()}-{next(_counter)}-{os.urandom(4).hex()}"
        )
        temporary.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                if self.fsync:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def delete(self, key: str) -> bool:
        try:
            self.path(key).unlink()
        except FileNotFoundError:
            return False
        return True

    def keys(self) -> Iterator[str]:
        for folder in sorted(self.directory.glob("[0-9a-f][0-9a-f]")):
            for name in sorted(os.listdir(folder)):
                if len(name) == 64:
                    yield name


class FileCache(ContentCache):
    """A cache of files alone, in one folder: for network file systems, and for machines that share them.

    >>> import tempfile
    >>> FileCache(tempfile.mkdtemp()).has("0" * 64)
    False
    """

    def __init__(self, path: str | os.PathLike[str], *, shared: bool = True, fsync: bool = True) -> None:
        self.path = Path(path)
        self._options = {"shared": shared, "fsync": fsync}
        super().__init__(
            FileIndex(self.path / "index", shared=shared, fsync=fsync),
            FileContentBackend(self.path / "objects", shared=shared, fsync=fsync),
        )

    def __reduce__(self) -> Any:
        return (_open, (self.path, self._options))


def _open(path: Path, options: dict[str, Any]) -> FileCache:
    return FileCache(path, **options)
