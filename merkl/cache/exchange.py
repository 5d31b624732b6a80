"""Results in one file, to carry them from one cache to another: a zip archive with one packed entry for each key."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import blake3
import msgspec

from merkl._base.errors import CacheError
from merkl.cache.base import BaseCache, Entry, close_content, content_chunks, content_size

__all__ = ["export_entries", "import_entries"]

_HEX = frozenset("0123456789abcdef")


def export_entries(cache: BaseCache, keys: Iterable[str], path: str | os.PathLike[str]) -> int:
    """Write results into one file that `import_entries` reads anywhere; return how many.

    The file has its name only when it is complete; one that was there stays as it is if something goes wrong.

    Raises:
        CacheError: one of the keys is not in the cache, or its content is lost.
        OSError: the file cannot be written.
    """
    target = Path(path)
    count = 0
    handle, temporary = tempfile.mkstemp(dir=target.absolute().parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for key in dict.fromkeys(keys):
                entry = cache.get(key)
                if entry is None:
                    raise CacheError(f"there is no result {key} in this cache to export")
                try:
                    _write(archive, key, entry)
                finally:
                    close_content(entry.content)
                count += 1
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return count


def _write(archive: zipfile.ZipFile, key: str, entry: Entry) -> None:
    head = Entry(b"", entry.content_hash, entry.metadata).pack()
    member = zipfile.ZipInfo(key)
    member.file_size = len(head) + content_size(entry.content)
    with archive.open(member, "w", force_zip64=member.file_size > 1 << 30) as file:
        file.write(head)
        for piece in content_chunks(entry.content):
            file.write(piece)


def import_entries(cache: BaseCache, path: str | os.PathLike[str]) -> list[str]:
    """Take in results from an exported file; return their keys. They are trusted like those of a shared cache.

    Raises:
        CacheError: the file is no export, or a result in it is damaged; nothing of it is taken in.
    """
    with _opened(path) as archive:
        for key in archive.namelist():
            _check(archive, key, path)
        for key in archive.namelist():
            with archive.open(key) as file:
                head = _read_head(file)
                spooled = cache.spool(iter(lambda: file.read(1 << 20), b""))
            try:
                metadata = msgspec.structs.replace(
                    head.metadata, size=spooled.size, origin=f"import of {Path(path).name}"
                )
                cache.put(key, Entry(spooled.file, spooled.content_hash, metadata))
            finally:
                spooled.close()
        cache.flush()
        return archive.namelist()


def _opened(path: str | os.PathLike[str]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise CacheError(f"{os.fspath(path)} is no export of a MerkL cache: {error}") from error


def _check(archive: zipfile.ZipFile, key: str, path: str | os.PathLike[str]) -> None:
    """Read one result without taking it in."""
    hasher = blake3.blake3()
    try:
        with archive.open(key) as file:
            head = _read_head(file)
            while piece := file.read(1 << 20):
                hasher.update(piece)
        is_right = len(key) == 64 and set(key) <= _HEX and hasher.hexdigest() == head.content_hash
    except (
        zipfile.BadZipFile,
        ValueError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        zlib.error,
        msgspec.MsgspecError,
    ) as error:
        raise CacheError(
            f"{os.fspath(path)} is no export of a MerkL cache: {error}; nothing was imported"
        ) from error
    if not is_right:
        raise CacheError(f"{os.fspath(path)}: the result {key[:80]} is damaged; nothing was imported")


def _read_head(file: IO[bytes]) -> Entry:
    start = file.read(4)
    return Entry.unpack(start + file.read(int.from_bytes(start, "little")))
