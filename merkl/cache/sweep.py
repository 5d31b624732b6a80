"""What may go from a cache, and its removal beside running processes: nothing goes that one of them may have used.

A content is moved to a trash first and brought back if somebody names it meanwhile; it goes for good when no process is
left that could.
"""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable
from pathlib import Path

import msgspec

from merkl.cache.base import BaseCache
from merkl.cache.content_cache import ContentCache
from merkl.cache.figures import most_bytes_used
from merkl.cache.file_index import FileCache
from merkl.cache.inventory import USE_GRANULARITY, Item, Root
from merkl.cache.leases import live_since
from merkl.cache.repair import LEFTOVER_AGE, find_orphans, old_leftovers
from merkl.cache.sqlite import SqliteCache

__all__ = ["Garbage", "clear", "collect", "evict", "is_in_use", "live_roots", "reach"]

DAY = 86_400.0
#: Contents are checked and removed in groups of this size, so that writers wait only a moment.
GROUP = 200


class Garbage(msgspec.Struct, frozen=True):
    """What `collect` removed, or would remove.

    `keys` are results, `orphans` contents that nothing names, `bytes` what becomes free, `kept` says how many results would
    have gone but were used lately, or by a running process, or are reached from a project.
    """

    keys: tuple[str, ...]
    orphans: tuple[str, ...]
    bytes: int
    kept: int
    removed: bool
    #: bytes that results take afterwards
    left: int = 0


class _Choice(msgspec.Struct):
    """Which results go, while they are chosen; `freed` counts contents that no kept result names."""

    keys: list[str]
    contents: list[str]
    freed: int = 0
    kept: int = 0


def collect(
    cache: BaseCache,
    *,
    keep_days: float | None = None,
    max_size: int | None = None,
    unreachable: bool = False,
    ignore_roots: bool = False,
    grace_days: float = 1.0,
    besides_own: bool = False,
    dry_run: bool = True,
    now: float | None = None,
) -> Garbage:
    """Remove results that may go, least recently used first, and the contents that nothing names any more.

    Without `keep_days`, `max_size` and `unreachable` only contents that nothing names go.

    Args:
        cache: where.
        keep_days: results unused for longer go.
        max_size: results go until their contents have at most this many bytes.
        unreachable: results go that no registered project reaches.
        ignore_roots: what projects reach may go too.
        grace_days: results used within this time stay in any case, as does all that a live process may have used.
        besides_own: this process uses nothing of the cache but to look after it.
        dry_run: only say what would go.
        now: Unix time.
    """
    moment = time.time() if now is None else now
    limit = _last_use_that_may_go(cache, moment, grace_days, besides_own=besides_own)
    cache.flush()
    reached: Container[str] = () if ignore_roots else reach(cache, live_roots(cache))
    items = sorted(cache.items(), key=lambda item: item.used)
    total = sum({item.content_hash: item.size for item in items}.values())

    def is_unwanted(item: Item, freed: int) -> bool:
        return (
            (keep_days is not None and item.used < moment - keep_days * DAY)
            or (max_size is not None and total - freed > max_size)
            or unreachable
        )

    def may_go(item: Item) -> bool:
        return item.used <= limit and item.key not in reached and item.interrupted not in reached

    choice = _choose(items, is_unwanted, may_go)
    orphans = tuple(find_orphans(cache, age=grace_days * DAY)) if isinstance(cache, ContentCache) else ()
    if dry_run:
        return Garbage(
            tuple(choice.keys), orphans, choice.freed, choice.kept, removed=False, left=total - choice.freed
        )
    gone = tuple(key for key in choice.keys if _forget_unless_used(cache, key, limit))
    if isinstance(cache, ContentCache):
        _remove_contents(cache, [*choice.contents, *orphans])
        for path in old_leftovers(cache):
            path.unlink(missing_ok=True)
    return Garbage(gone, orphans, choice.freed, choice.kept, removed=True, left=total - choice.freed)


def evict(cache: BaseCache, max_size: int) -> Garbage | None:
    """Remove the least recently used results until the rest has at most `max_size` bytes; None where it has.

    Unlike `collect` this keeps nothing for a grace period: what no project reaches goes first, then what is reached. What
    another running process may have used stays.
    """
    if most_bytes_used(cache) <= max_size:
        return None
    moment = time.time()
    limit = _last_use_that_may_go(cache, moment, 0, besides_own=True)
    reached = reach(cache, live_roots(cache))
    items = sorted(cache.items(), key=lambda item: (item.key in reached, item.used))
    total = sum({item.content_hash: item.size for item in items}.values())
    if total <= max_size:
        return None
    choice = _choose(items, lambda item, freed: total - freed > max_size, lambda item: item.used <= limit)
    gone = tuple(key for key in choice.keys if _forget_unless_used(cache, key, limit))
    if isinstance(cache, ContentCache):
        _remove_contents(cache, choice.contents)
    return Garbage(gone, (), choice.freed, choice.kept, removed=True, left=total - choice.freed)


def clear(cache: BaseCache, keys: Iterable[str]) -> int:
    """Forget results, so that they are computed again, and their contents; return how many results there were."""
    wanted = set(keys)
    cache.flush()
    chosen = [item for item in cache.items() if item.key in wanted]
    count = sum(cache.forget(item.key) for item in chosen)
    if isinstance(cache, ContentCache):
        _remove_contents(cache, [item.content_hash for item in chosen if not item.is_inline])
    return count


def is_in_use(cache: BaseCache) -> bool:
    """Say whether another process uses a cache in a folder now."""
    now = time.time()
    return _live_since(cache, now, besides_own=True) < now


def live_roots(cache: BaseCache) -> list[Root]:
    """Return what projects asked for, without those projects of this machine whose folder is gone."""
    here = socket.gethostname()
    return [root for root in cache.roots() if root.host != here or _is_folder(root.project)]


def _is_folder(name: str) -> bool:
    """Say whether a folder is there, whose name may hold bytes that are no text, written out as `\\udcff`."""
    escaped = re.sub(r"\\u(dc[89a-f][0-9a-f])", lambda found: chr(int(found[1], 16)), name)
    return Path(name).is_dir() or Path(escaped).is_dir()


def reach(cache: BaseCache, roots: Iterable[Root]) -> set[str]:
    """Return the keys of roots and of all that they were made from, with the content keys that lead to them."""
    reached: set[str] = set()
    waiting = [key for root in roots for key in root.keys]
    while waiting:
        key = waiting.pop()
        if key in reached:
            continue
        reached.add(key)
        metadata = cache.recall(key)
        if metadata is not None:
            waiting += metadata.parents
            if metadata.content_key:
                reached.add(metadata.content_key)
    return reached


def _choose(
    items: Iterable[Item], is_unwanted: Callable[[Item, int], bool], may_go: Callable[[Item], bool]
) -> _Choice:
    """Go through results in order; `is_unwanted` is told how many bytes are free by then."""
    items = list(items)
    uses = Counter(item.content_hash for item in items)
    choice = _Choice([], [])
    for item in items:
        if not is_unwanted(item, choice.freed):
            continue
        if not may_go(item):
            choice.kept += not item.is_alias
            continue
        choice.keys.append(item.key)
        uses[item.content_hash] -= 1
        if not uses[item.content_hash]:
            choice.freed += item.size
            if not item.is_inline:
                choice.contents.append(item.content_hash)
    return choice


def _forget_unless_used(cache: BaseCache, key: str, limit: float) -> bool:
    """Forget a key if no process has used it since it was chosen."""
    if isinstance(cache, SqliteCache):
        row = cache.database.fetch("SELECT used FROM entries WHERE key = ?", (bytes.fromhex(key),))
        if row is None or row[0] > limit:
            return False
    return cache.delete(key)


def _remove_contents(cache: ContentCache, hashes: Iterable[str]) -> None:
    """Remove contents that nothing names, at once where no other process is there that could be about to."""
    named = cache.index.named()
    queue = iter(dict.fromkeys(hashes))
    while group := list(itertools.islice(queue, GROUP)):
        with cache.index.exclusive():
            for content_hash in group:
                if content_hash not in named:
                    cache.contents.trash(content_hash)
    is_alone = isinstance(cache, SqliteCache) and not is_in_use(cache)
    age = 0.0 if is_alone and not cache.is_writing else LEFTOVER_AGE
    cache.contents.empty_trash(cache.index.named(), age=age)


def _last_use_that_may_go(cache: BaseCache, moment: float, grace_days: float, *, besides_own: bool) -> float:
    """Return the latest noted use of a result that may go; it can have been used for a while after that was noted."""
    since = _live_since(cache, moment, besides_own=besides_own)
    if since == moment and not grace_days:
        return moment
    return min(moment - grace_days * DAY, since) - USE_GRANULARITY


def _live_since(cache: BaseCache, now: float, *, besides_own: bool = False) -> float:
    """Return when the longest-living process that uses a cache began to; of caches in folders that is known."""
    if isinstance(cache, SqliteCache):
        return live_since(cache.path, now, besides_own=besides_own)
    if isinstance(cache, FileCache):
        return live_since(cache.path / "index", now, besides_own=besides_own)
    return now
