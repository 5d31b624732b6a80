"""Which cache a URL or a folder means."""

from __future__ import annotations

import contextlib
import os
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from merkl._base.errors import ConfigError
from merkl.cache.base import BaseCache
from merkl.cache.file_index import FileCache
from merkl.cache.memory import MemoryCache
from merkl.cache.s3 import S3Cache
from merkl.cache.sqlite import SqliteCache

__all__ = ["is_network_path", "open_cache", "open_folder"]

#: File systems that other machines may write to at the same time; SQLite's locks and shared memory fail there.
NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "lustre",
        "gpfs",
        "beegfs",
        "ceph",
        "glusterfs",
        "fuse.glusterfs",
        "afs",
        "9p",
        "panfs",
        "orangefs",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.rclone",
        "wekafs",
        "daos",
        "pvfs2",
        "ncpfs",
        "davfs",
        "fuse.ceph-fuse",
    ]
)


def open_cache(url: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> BaseCache:
    """Return the cache that a URL names: `s3://bucket/prefix`, `file:///folder`, `memory:`, or a plain path.

    Args:
        url: where results are kept. For S3 `?endpoint=…&region=…` may follow.
        options: for the cache's class; for S3 those of obstore.

    Raises:
        ConfigError: the URL is of no known kind, or holds credentials.

    >>> type(open_cache("memory:")).__name__
    'MemoryCache'
    """
    text = os.fspath(url)
    scheme, separator, rest = text.partition(":")
    if not separator or len(scheme) == 1:  # a path, perhaps with a drive letter
        return open_folder(text, options)
    if scheme == "memory":
        return MemoryCache()
    if scheme == "file":
        folder = urllib.parse.unquote(rest.removeprefix("//"))
        if rest.startswith("//") and not folder.startswith("/"):
            raise ConfigError(
                f"{text!r} names another machine, {folder.partition('/')[0]!r}: for a folder write file:///…, or its path"
            )
        return open_folder(folder, options)
    if scheme in ("s3", "gs", "az"):
        address, _, query = text.partition("?")
        return S3Cache(address, {**dict(urllib.parse.parse_qsl(query)), **(options or {})})
    raise ConfigError(f"no cache is known for {scheme}: in {text!r}; use s3://, file:///, memory: or a path")


def open_folder(path: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> BaseCache:
    """Return the cache for a folder: SQLite, or files alone on a network file system or where such a cache is."""
    folder = Path(path)
    given = dict(options or {})
    if (folder / "index").is_dir() or (is_network_path(folder) and not (folder / "merkl.db").exists()):
        return FileCache(folder, **{"shared": not _is_private(folder), **given})
    return SqliteCache(folder, **given)


def _is_private(folder: Path) -> bool:
    """Say whether nobody else can write to a folder, or to the nearest one above that it would be made in."""
    for place in (folder, *folder.absolute().parents):
        with contextlib.suppress(OSError):
            status = place.stat()
            return status.st_uid == os.geteuid() and not status.st_mode & 0o022
    return False


def is_network_path(
    path: str | os.PathLike[str], mounts: str | os.PathLike[str] = "/proc/self/mountinfo"
) -> bool:
    """Say whether a path is on a file system that several machines can mount; False where that can't be known."""
    target = os.path.realpath(path)
    best, kind = "", ""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                before, _, after = line.partition(" - ")
                point = before.split(" ")[4].encode("latin1", "replace").decode("unicode_escape")
                inside = target == point or target.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best):
                    best, kind = point, after.split(" ", 1)[0]
    except (OSError, IndexError):
        return False
    return kind in NETWORK
