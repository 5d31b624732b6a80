"""Whether a worker has the same cache as the run: a mark that the run leaves there must be found by the worker."""

from __future__ import annotations

import contextlib
import secrets

from merkl._base.errors import TargetError
from merkl.cache import BaseCache, Entry, Metadata
from merkl.hashing.digests import hash_content

__all__ = ["CacheMark", "require_mark"]


class CacheMark:
    """A mark in a cache, until it is removed.

    Raises `TargetError` where the cache takes nothing.
    """

    def __init__(self, cache: BaseCache) -> None:
        self.key = secrets.token_hex(32)
        self._cache = cache
        try:
            cache.put(self.key, Entry(b"merkl", hash_content(b"merkl"), Metadata(codec="raw", size=5)))
            cache.flush()
            is_there = cache.has(self.key)
        except OSError as error:
            raise TargetError(
                f"the cache cannot be written, so nothing can run elsewhere: {error}"
            ) from error
        if not is_there:
            raise TargetError(
                "the cache takes nothing (it is read-only), so nothing can run elsewhere: leave out the target, or do without "
                "the cache (--no-cache)"
            )

    def remove(self) -> None:
        """Take it out again; in a cache in trouble it stays, for gc to find."""
        with contextlib.suppress(OSError):
            self._cache.delete(self.key)


def require_mark(cache: BaseCache, key: str) -> None:
    """Raise `TargetError` where a cache, as a worker has opened it, does not have the mark of that key."""
    try:
        is_shared = cache.has(key)
    except OSError as error:
        raise TargetError(f"the worker cannot reach the cache of the run: {error}") from error
    if not is_shared:
        path = getattr(cache, "path", None)
        shown = type(cache).__name__ if path is None else f"{type(cache).__name__} {path}"
        raise TargetError(
            f"the worker does not share the cache of the run: its {shown} is another one. Use a cache that both sides "
            "reach: a bucket, or a folder on a file system that they share"
        )
