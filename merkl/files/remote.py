"""Objects behind `s3://…` URLs (and `gs://`, `az://`) as inputs and outputs: looked up by version, fetched and sent whole."""

from __future__ import annotations

import functools
import io
import os
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from merkl._base.errors import ConfigError, InputChangedError, MissingInputError
from merkl.cache.s3 import ObjectStore
from merkl.files.suffix import suffix_of

__all__ = ["RemoteFile", "fetch", "is_remote", "look_up", "send"]

_SCHEMES: Final = ("s3", "s3a", "gs", "az", "memory")
_CREDENTIALS: Final = ("secret", "password", "token", "access_key", "account_key", "sas")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One version of an object: what enters the key of a Future that reads it. `tag` is its ETag or version."""

    url: str
    size: int
    tag: str

    @property
    def suffix(self) -> str:
        """The suffix of its name."""
        return suffix_of(urllib.parse.urlsplit(self.url).path)


def is_remote(path: str | bytes | os.PathLike[str]) -> bool:
    """Say whether a path is the URL of an object.

    >>> is_remote("s3://bucket/a.csv"), is_remote("data/a.csv"), is_remote("C:/a.csv")
    (True, False, False)
    """
    scheme, colon, _ = os.fsdecode(path).partition("://")
    return bool(colon) and scheme.lower() in _SCHEMES


def look_up(url: str) -> RemoteFile:
    """Return the version that an object has now; nothing is downloaded.

    Raises:
        MissingInputError: there is no such object.
        CacheError: the store cannot be reached, or refuses.
        ConfigError: the URL names no object, or holds credentials.
    """
    store, name, version = _split(url)
    found = store.head(name, version=version)
    if found is None:
        raise MissingInputError(f"There is no object {url!r}.")
    size, tag = found
    return RemoteFile(url, size, tag)


def fetch(remote: RemoteFile, target: str | os.PathLike[str]) -> None:
    """Download the version of an object that was looked up.

    Raises:
        InputChangedError: there is another version now.
        CacheError: the store cannot be reached, or refuses.
    """
    store, name, version = _split(remote.url)
    with open(target, "wb") as file:
        size = store.copy_to(name, file, tag=remote.tag, version=version)
    if size != remote.size:
        raise InputChangedError(
            f"{remote.url!r} is not the object any more that it was when the graph was built: run again"
        )


def send(source: str | os.PathLike[str] | bytes, url: str) -> str:
    """Upload a file or bytes in place of what is there, and return the tag that the object got.

    Raises:
        CacheError: the store cannot be reached, or refuses.
    """
    store, name, version = _split(url)
    if version is not None:
        raise ConfigError(f"{url!r} names a version, and those are never written to")
    with _opened(source) as content:
        return store.send(name, content)


def _opened(source: str | os.PathLike[str] | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")


def _split(url: str) -> tuple[ObjectStore, str, str | None]:
    parts = urllib.parse.urlsplit(url)
    name = urllib.parse.unquote(parts.path).lstrip("/")
    if not name or name.endswith("/"):
        raise ConfigError(f"{url!r} names no object: wanted is s3://bucket/name")
    options = dict(urllib.parse.parse_qsl(parts.query))
    version = options.pop("versionId", None)
    secret = [key for key in options if any(word in key.lower() for word in _CREDENTIALS)]
    if secret or "@" in parts.netloc:
        raise ConfigError(
            f"the URL of {parts.netloc.rpartition('@')[2]}{parts.path} must not hold credentials: use the environment or "
            "the provider's own files"
        )
    scheme = "s3" if parts.scheme == "s3a" else parts.scheme
    return _store_at(f"{scheme}://{parts.netloc}", tuple(sorted(options.items()))), name, version


@functools.lru_cache(maxsize=64)
def _store_at(base: str, options: tuple[tuple[str, str], ...]) -> ObjectStore:
    return ObjectStore(base, dict(options))
