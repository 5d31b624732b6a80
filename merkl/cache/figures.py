"""How much is in a cache, and which result a person means by the first digits of its key."""

from __future__ import annotations

from collections import Counter

import msgspec

from merkl._base.errors import CacheError
from merkl.cache.base import BaseCache
from merkl.cache.interrupted import pending
from merkl.cache.sqlite import SqliteCache

__all__ = ["Stats", "find_key", "find_stats", "most_bytes_used"]

#: Fewer digits name too many results by accident.
SHORTEST_PREFIX = 4


class Stats(msgspec.Struct, frozen=True):
    """How much is in a cache; `unique_bytes` counts equal contents once, `by_codec` and `by_task` count results."""

    results: int
    contents: int
    bytes: int
    unique_bytes: int
    by_codec: dict[str, int]
    by_task: dict[str, int]
    interrupted: int = 0


def find_stats(cache: BaseCache) -> Stats:
    """Count what is in a cache."""
    cache.flush()
    sizes: dict[str, int] = {}
    results = total = interrupted = 0
    codecs: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    items = list(cache.items())
    waiting = {item.key for item in pending(items)}
    for item in items:
        sizes[item.content_hash] = item.size
        # What an interrupted body returned is nothing to anybody once its call has a true result.
        if item.is_alias or (item.interrupted and item.key not in waiting):
            continue
        interrupted += bool(item.interrupted)
        results += 1
        total += item.size
        codecs[item.codec] += 1
        if item.task:
            tasks[item.task] += 1
    unique = sum(sizes.values())
    return Stats(results, len(sizes), total, unique, _ordered(codecs), _ordered(tasks), interrupted)


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def most_bytes_used(cache: BaseCache) -> int:
    """Return how many bytes the results in a cache take at most: exact, or quick where the cache is SQLite."""
    if isinstance(cache, SqliteCache):
        return cache.sqlite_index.most_bytes_used()
    return sum({item.content_hash: item.size for item in cache.items()}.values())


def find_key(cache: BaseCache, prefix: str) -> str:
    """Return the one key that begins with these hex digits.

    Raises:
        CacheError: they are no hex digits or fewer than four, no key begins with them, or several do.
    """
    wanted = prefix.lower().removesuffix("…")
    if not SHORTEST_PREFIX <= len(wanted) <= 64 or set(wanted) - set("0123456789abcdef"):
        raise CacheError(
            f"{prefix!r} is no key: wanted are its first {SHORTEST_PREFIX} to 64 hex digits, as `merkl cache ls` shows them"
        )
    found = cache.find(wanted, limit=4)
    if not found:  # what an interrupted body returned is known by the key of its call
        found = [item.key for item in cache.items() if item.interrupted.startswith(wanted)]
    if not found:
        raise CacheError(f"no result in this cache has a key that begins with {wanted}; see `merkl cache ls`")
    if len(found) > 1:
        some = ", ".join(key[: len(wanted) + 4] for key in found[:3])
        raise CacheError(
            f"the keys of several results begin with {wanted} ({some}{', …' if len(found) > 3 else ''}): give more digits"
        )
    return found[0]
