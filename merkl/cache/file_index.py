"""An index of plain files, one a key, each renamed into place: safe on network file systems, where SQLite is not."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from merkl.cache.content_cache import ContentCache, Index, Indexed
from merkl.cache.file_contents import FileContentBackend
from merkl.cache.packing import pack_indexed, unpack_indexed

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

    def path(self, key: str) -> Path:
        """Return where the record of a key is or would be."""
        return self.directory / key[:2] / key

    def has(self, key: str) -> bool:
        return self.path(key).exists()

    def get(self, key: str) -> Indexed | None:
        try:
            packed = self.path(key).read_bytes()
        except FileNotFoundError:
            return None
        return unpack_indexed(packed)

    def put(self, key: str, indexed: Indexed) -> None:
        path = self.path(key)
        temporary = (
            self.directory
            / "tmp"
            / f"{os.uname().nodename}-{os.getpid()}-{next(_counter)}-{os.urandom(4).hex()}"
        )
        temporary.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                file.write(pack_indexed(indexed))
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
