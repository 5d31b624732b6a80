"""Contents and index in an object store (S3 and what speaks like it); the only file that imports obstore."""

from __future__ import annotations

import contextlib
import datetime
import io
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import IO, Any, BinaryIO

import msgspec

from merkl._base.errors import CacheError, ConfigError, MissingDependencyError
from merkl.cache.base import Content, content_bytes, content_size, verify_content
from merkl.cache.content_cache import ContentCache, Index, Indexed
from merkl.cache.contents import ContentBackend
from merkl.cache.inventory import ROOTS_KEPT, Root
from merkl.cache.packing import pack_indexed, unpack_indexed
from merkl.hashing.digests import hash_content

__all__ = ["ObjectStore", "S3Cache", "S3ContentBackend", "S3Index"]

#: Objects are read in ranges of this size: each its own request, with its own timeout and retries.
RANGE = 8 << 20
#: Contents up to here are held in memory, larger ones in a temporary file.
IN_MEMORY = 1 << 20

CLIENT_OPTIONS = {"connect_timeout": "5s", "read_timeout": "20s", "timeout": "60s"}
RETRIES = {"max_retries": 3, "retry_timeout": datetime.timedelta(seconds=60)}


class ObjectStore:
    """A bucket and prefix behind five operations, with timeouts, bounded retries and our errors.

    Args:
        url: `s3://bucket/prefix`, or any URL that obstore knows. It must not hold credentials.
        options: for obstore: `endpoint`, `region`, `access_key_id` …, also `client_options` and `retry_config`.

    Raises (at use):
        MissingDependencyError: obstore is not installed.
        CacheError: the store cannot be reached, or refuses.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise ConfigError(
                "a cache URL must not hold credentials: use the environment or the provider's own files"
            )
        self.url = url
        self.options = dict(options or {})
        self._pid = 0
        self._store: Any = None
        self._api: Any = None

    def get(self, path: str) -> tuple[BinaryIO | bytes, str | None] | None:
        """Return an object and its version tag, None if there is none; large ones as an open temporary file."""
        store = self._open()
        try:
            first = self._api.get(store, path, options={"range": (0, RANGE)})
            tag, total = first.meta["e_tag"], first.meta["size"]
            data = bytes(first.bytes())
            if total <= IN_MEMORY:
                return data, tag
            return self._spool(store, path, data, total), tag
        except Exception as error:
            if self._is(error, "NotFoundError", FileNotFoundError):
                return None
            # An empty object has no range; but the address of any may hold these digits.
            is_about_range = "416" in str(error) or "Range" in str(error)
            if is_about_range and (self.head(path) or (None,))[0] == 0:
                return b"", None
            raise self._translated(error, path) from error

    def put(self, path: str, content: Content, *, tag: str | None = None, create: bool = False) -> bool:
        """Write an object; with `create` or `tag` only if there is none, or still that one: else return False."""
        store = self._open()
        mode: Any = "create" if create else {"e_tag": tag} if tag is not None else "overwrite"
        size = content_size(content)
        try:
            if size <= RANGE or mode != "overwrite":
                self._api.put(store, path, content_bytes(content), mode=mode)
            else:
                file: Any = content if hasattr(content, "read") else io.BytesIO(content_bytes(content))
                file.seek(0)
                self._api.put(store, path, file, use_multipart=True, chunk_size=RANGE, max_concurrency=4)
        except Exception as error:
            if self._is(error, "AlreadyExistsError", FileExistsError) or self._is(error, "PreconditionError"):
                return False
            raise self._translated(error, path) from error
        return True

    def head(self, path: str, *, version: str | None = None) -> tuple[int, str] | None:
        """Return the size of an object and what tells its versions apart, None if there is none."""
        store = self._open()
        options = {"head": True, **({"version": version} if version else {})}
        try:
            meta = self._api.get(store, path, options=options).meta
        except Exception as error:
            if self._is(error, "NotFoundError", FileNotFoundError):
                return None
            raise self._translated(error, path) from error
        tag = version or meta["version"] or meta["e_tag"] or meta["last_modified"].isoformat()
        return meta["size"], tag

    def copy_to(self, path: str, sink: BinaryIO | IO[bytes], *, tag: str, version: str | None = None) -> int:
        """Write the version of an object that `head` found to a file; return the bytes, -1 if it is no longer that one."""
        store = self._open()
        start, total = 0, 1
        try:
            while start < total:
                options: Any = {"range": (start, start + RANGE), **({"version": version} if version else {})}
                part = self._api.get(store, path, options=options)
                meta = part.meta
                if tag not in (version, meta["version"], meta["e_tag"], meta["last_modified"].isoformat()):
                    return -1
                total = meta["size"]
                sink.write(part.bytes())
                start = min(start + RANGE, total)
        except Exception as error:
            if self._is(error, "NotFoundError", FileNotFoundError):
                return -1
            found = self.head(path, version=version)
            if found == (0, tag):  # an empty object has no range
                return 0
            raise self._translated(error, path) from error
        return start

    def send(self, path: str, content: BinaryIO | IO[bytes]) -> str:
        """Write an object in place of what is there; return what tells its versions apart."""
        store = self._open()
        is_large = content_size(content) > RANGE
        content.seek(0)
        try:
            found = self._api.put(
                store, path, content, use_multipart=is_large, chunk_size=RANGE, max_concurrency=4
            )
        except Exception as error:
            raise self._translated(error, path) from error
        return str(found["version"] or found["e_tag"] or "")

    def has(self, path: str) -> bool:
        """Say whether there is an object."""
        return self.size(path) is not None

    def size(self, path: str) -> int | None:
        """Return the size of an object, None if there is none."""
        head = self._head(path)
        return None if head is None else int(head["size"])

    def age(self, path: str) -> float | None:
        """Return how many seconds ago an object was written, None if there is none."""
        head = self._head(path)
        return None if head is None else time.time() - head["last_modified"].timestamp()

    def _head(self, path: str) -> Any:
        store = self._open()
        try:
            return self._api.head(store, path)
        except Exception as error:
            if self._is(error, "NotFoundError", FileNotFoundError):
                return None
            raise self._translated(error, path) from error

    def delete(self, path: str) -> bool:
        """Remove an object; say whether it was there."""
        if not self.has(path):
            return False
        try:
            self._api.delete(self._open(), path)
        except Exception as error:
            if self._is(error, "NotFoundError", FileNotFoundError):
                return False
            raise self._translated(error, path) from error
        return True

    def names(self, folder: str) -> Iterator[str]:
        """Iterate over the last parts of the names of all objects in a folder."""
        store = self._open()
        try:
            for page in self._api.list(store, folder):
                for item in page:
                    yield item["path"].rpartition("/")[2]
        except Exception as error:
            raise self._translated(error, folder) from error

    def _spool(self, store: Any, path: str, first: bytes, total: int) -> BinaryIO:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller owns it
        try:
            file.write(first)
            for start in range(len(first), total, RANGE):
                file.write(self._api.get_range(store, path, start=start, end=min(total, start + RANGE)))
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _open(self) -> Any:
        if self._store is None:
            try:
                import obstore
                import obstore.store
            except ImportError as error:
                raise MissingDependencyError(f"{self.url} needs obstore: pip install 'merkl[s3]'") from error
            options = {"virtual_hosted_style_request": False, **self.options}
            client = {**CLIENT_OPTIONS, **options.pop("client_options", {})}
            retries = {**RETRIES, **options.pop("retry_config", {})}
            if str(options.get("endpoint", "")).startswith("http://"):
                client["allow_http"] = True
            if not self.url.startswith("s3://"):
                options.pop("virtual_hosted_style_request")
            try:
                settings: Any = {"client_options": client, "retry_config": retries, **options}
                self._store = obstore.store.from_url(self.url, **settings)
            except Exception as error:
                raise self._translated(error, "") from error
            self._api = obstore
            self._pid = os.getpid()
        elif self._pid != os.getpid():
            raise CacheError(
                f"the cache {self.url} was used before this process was forked, and its client does not survive that; "
                "start workers with spawn or forkserver"
            )
        return self._store

    def _is(self, error: Exception, name: str, builtin: type[Exception] | None = None) -> bool:
        known = getattr(self._api.exceptions, name, None) if self._api is not None else None
        return (known is not None and isinstance(error, known)) or (
            builtin is not None and isinstance(error, builtin)
        )

    def _translated(self, error: Exception, path: str) -> CacheError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return CacheError(f"{self.url}{'/' if path else ''}{path}: {reason}")

    def __reduce__(self) -> Any:
        return (type(self), (self.url, self.options))


class S3ContentBackend(ContentBackend):
    """Contents as objects `objects/ab/abcd…` by their hash, in a bucket that machines share.

    >>> from merkl.hashing.digests import hash_content
    >>> contents = S3ContentBackend("memory:///")
    >>> contents.put(b"abc", hash_content(b"abc"))
    >>> contents.get(hash_content(b"abc"))
    b'abc'
    """

    shared = True
    #: A row proves that the object was there; looking for it costs a request.
    may_vanish = False

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.store = ObjectStore(url, options)

    def place(self, content_hash: str) -> str:
        """Return the URL of the object of a content."""
        return f"{self.store.url}/{_path('objects', content_hash)}"

    def has(self, content_hash: str) -> bool:
        return self.store.has(_path("objects", content_hash))

    def get(self, content_hash: str) -> Content | None:
        found = self.store.get(_path("objects", content_hash))
        if found is None:
            return None
        content: Any = found[0]
        if verify_content(content, content_hash):
            return content  # type: ignore[no-any-return]
        with contextlib.suppress(AttributeError):
            content.close()
        self.store.delete(_path("objects", content_hash))
        return None

    def put(self, content: Content, content_hash: str) -> None:
        path = _path("objects", content_hash)
        if content_size(content) > RANGE and self.store.size(path) == content_size(content):
            return
        self.store.put(path, content)

    def delete(self, content_hash: str) -> bool:
        return self.store.delete(_path("objects", content_hash))

    def hashes(self) -> Iterator[str]:
        return self.store.names("objects")

    def age(self, content_hash: str) -> float | None:
        return self.store.age(_path("objects", content_hash))

    def size(self, content_hash: str) -> int | None:
        return self.store.size(_path("objects", content_hash))


class S3Index(Index):
    """Key -> record as objects `index/ab/abcd…`; contents up to 16 KiB live in the record.

    Of machines that race for a new key the first wins: the others find its record when they look again.
    """

    inline_limit = 16 * 1024
    shared = True

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.store = ObjectStore(url, options)

    def place(self, key: str) -> str:
        """Return the URL of the record of a key."""
        return f"{self.store.url}/{_path('index', key)}"

    def has(self, key: str) -> bool:
        return self.store.has(_path("index", key))

    def get(self, key: str) -> Indexed | None:
        found = self.store.get(_path("index", key))
        return None if found is None else unpack_indexed(content_bytes(found[0]))

    def put(self, key: str, indexed: Indexed) -> None:
        path = _path("index", key)
        packed = pack_indexed(indexed)
        for _ in range(3):
            if self.store.put(path, packed, create=True):
                return
            found = self.store.get(path)
            if found is None:
                continue
            stored = unpack_indexed(content_bytes(found[0]))
            if (
                stored is not None
                and stored.record == indexed.record
                and stored.metadata.seal == indexed.metadata.seal
            ):
                return
            self.store.put(path, packed, tag=found[1])  # False: somebody else was quicker, and theirs counts
            return

    def delete(self, key: str) -> bool:
        return self.store.delete(_path("index", key))

    def keys(self) -> Iterator[str]:
        return self.store.names("index")

    def note_root(self, root: Root) -> None:
        """Keep one object for each of the latest few runs of a group, without looking at those that are there."""
        group = hash_content(root.group.encode())[:16]
        slot = int(hash_content(root.run.encode())[:8], 16) % ROOTS_KEPT
        self.store.put(f"roots/{group}-{slot}", msgspec.json.encode(root))

    def roots(self) -> Iterator[Root]:
        for name in self.store.names("roots"):
            found = self.store.get(f"roots/{name}")
            if found is not None:
                with contextlib.suppress(msgspec.MsgspecError):
                    yield msgspec.json.decode(content_bytes(found[0]), type=Root)


class S3Cache(ContentCache):
    """A whole cache in a bucket, index included, for machines that share nothing else.

    >>> S3Cache("memory:///").has("0" * 64)
    False
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.url = url
        self._options = dict(options or {})
        super().__init__(S3Index(url, options), S3ContentBackend(url, options))

    def __reduce__(self) -> Any:
        return (type(self), (self.url, self._options))


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name[:2]}/{name}"
