"""Results of interrupted bodies: kept beside the true ones, under a key of their own, until somebody accepts them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from merkl._base.errors import CacheError
from merkl.cache.base import BaseCache, Metadata
from merkl.cache.inventory import Item
from merkl.hashing.digests import hash_content

__all__ = ["accept", "as_accepted", "interrupted_key", "pending", "stored_key"]


def interrupted_key(key: str) -> str:
    """Return the key under which what an interrupted body returned is kept.

    >>> interrupted_key("0" * 64) != "0" * 64
    True
    """
    return hash_content(b"merkl interrupted 1 " + key.encode())


def stored_key(cache: BaseCache, key: str) -> str:
    """Return where a cache has the result of a call: under its key, or under that of an interrupted one if it has only that."""
    other = interrupted_key(key)
    return other if not cache.has(key) and cache.has(other) else key


def pending(items: Sequence[Item]) -> list[Item]:
    """Return what interrupted bodies returned, of these results, where their calls have no true result by now."""
    keys = {item.key for item in items}
    return [item for item in items if item.interrupted and item.interrupted not in keys]


def as_accepted(metadata: Metadata) -> Metadata:
    """Return the metadata of what an interrupted body returned as those of a result, which still say so.

    >>> as_accepted(Metadata(interrupted="0" * 64)).accepted
    True
    """
    return msgspec.structs.replace(metadata, interrupted="", accepted=True)


def accept(cache: BaseCache, prefix: str) -> str:
    """Make what an interrupted body returned the result of its call; return the key, which begins with `prefix`.

    Raises:
        CacheError: no interrupted result has such a key, or several have, or a finished one is there by now.
    """
    wanted = prefix.lower().removesuffix("…")
    kept = [item for item in cache.items() if item.interrupted]
    found = [item for item in kept if item.interrupted.startswith(wanted)]
    if not found or not wanted:
        raise CacheError(
            f"no interrupted result has a key that begins with {prefix!r}; see `merkl cache ls --interrupted`"
        )
    if len(found) > 1:
        some = ", ".join(item.interrupted[: len(wanted) + 4] for item in found[:3])
        raise CacheError(
            f"several interrupted results have keys that begin with {wanted} ({some}): give more digits"
        )
    item = found[0]
    key = item.interrupted
    if cache.has(key):
        raise CacheError(
            f"{key[:12]} has a result of a body that was not interrupted, which stays; `merkl cache clear {key[:12]}` forgets it"
        )
    metadata = cache.metadata(item.key)
    accepted = None if metadata is None else as_accepted(metadata)
    if not cache.link(key, item.key, accepted):
        raise CacheError(f"the content of the interrupted result {key[:12]} is lost")
    cache.delete(item.key)
    cache.flush()
    return key
