"""Finding what is damaged in a cache, and mending it: a result that is lost is computed again when it is needed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from merkl._base.errors import CacheError, CacheFormatError
from merkl._base.places import shown_path
from merkl.cache.base import BaseCache, close_content, verify_content
from merkl.cache.content_cache import ContentCache
from merkl.cache.inventory import Item
from merkl.cache.sqlite import SqliteCache

__all__ = ["LEFTOVER_AGE", "Damage", "find_orphans", "old_leftovers", "verify"]

#: Temporary files, and contents that nothing names, belong to nobody any more when they are older than this.
LEFTOVER_AGE = 86_400.0


class Damage(msgspec.Struct, frozen=True):
    """One thing that `verify` found.

    `kind` is "damaged" or "missing" (`name` is the key of a result without its right content), "orphan" (a content that no
    result names), "leftover" (a temporary file of a process that is gone) or "database".
    """

    kind: str
    name: str
    is_repaired: bool = False


def verify(cache: BaseCache, *, repair: bool = False) -> list[Damage]:
    """Hash every content again; with `repair` forget the results whose content is lost, and remove orphans.

    A database that cannot be read at all is moved aside, so that the cache begins anew; contents in files stay, and are
    found again when they are computed.

    Raises:
        CacheFormatError: the database was written by a newer MerkL, or is no MerkL file, or is damaged and `repair` is off.
    """
    found: list[Damage] = []
    if isinstance(cache, SqliteCache):
        found += _check_database(cache, repair)
    cache.flush()
    found += (
        _verify_contents(cache, repair) if isinstance(cache, ContentCache) else _verify_entries(cache, repair)
    )
    if isinstance(cache, ContentCache):
        for name in list(find_orphans(cache, age=LEFTOVER_AGE)):
            found.append(Damage("orphan", name, repair and cache.contents.trash(name)))
        if repair:
            cache.contents.empty_trash(cache.index.named(), age=LEFTOVER_AGE)
        for path in old_leftovers(cache):
            if repair:
                path.unlink(missing_ok=True)
            found.append(Damage("leftover", path.name, repair))
    return found


def _check_database(cache: SqliteCache, repair: bool) -> list[Damage]:
    path = cache.database.path
    try:
        rows = cache.database.query("PRAGMA quick_check(1)")
        if rows == [("ok",)]:
            return []
        damage = str(rows[0][0])
    except CacheFormatError as error:
        if not isinstance(error.__cause__, sqlite3.Error):
            raise
        damage = str(error.__cause__)
    if not repair:
        raise CacheFormatError(
            f"{shown_path(path)} is damaged ({damage}): `merkl cache verify --repair` moves it aside and begins anew; "
            "results are then computed again when they are needed"
        )
    with contextlib.suppress(CacheError):
        cache.close()
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    os.rename(path, aside)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    return [Damage("database", aside.name, is_repaired=True)]


def _verify_contents(cache: ContentCache, repair: bool) -> Iterator[Damage]:
    """Check each content of a cache once, however many results name it."""
    good: set[str] = set()
    bad: dict[str, str] = {}
    readable: set[str] = set()
    for item in cache.items():
        readable.add(item.key)
        if item.content_hash not in good and item.content_hash not in bad:
            # Before it is read: a backend may remove a content that is not what its name says at once.
            is_there = item.is_inline or cache.contents.has(item.content_hash)
            if _has_right_content(cache, item):
                good.add(item.content_hash)
            else:
                bad[item.content_hash] = "damaged" if is_there else "missing"
        if item.content_hash in bad:
            yield Damage(bad[item.content_hash], item.key, repair and cache.delete(item.key))
    for key in cache.keys():  # noqa: SIM118 - not a dict
        if key not in readable and cache.index.get(key) is None:
            yield Damage("damaged", key, repair and cache.delete(key))
    if repair:
        for content_hash in bad:
            cache.contents.delete(content_hash)


def _has_right_content(cache: ContentCache, item: Item) -> bool:
    if item.is_inline:
        indexed = cache.index.load(item.key)
        return indexed is not None and indexed.inline is not None
    return cache.contents.is_right(item.content_hash)


def _verify_entries(cache: BaseCache, repair: bool) -> Iterator[Damage]:
    """Read every entry of a cache of which nothing more is known."""
    for key in list(cache.keys()):
        entry = cache.get(key)
        if entry is not None:
            is_right = verify_content(entry.content, entry.content_hash)
            close_content(entry.content)
            if is_right:
                continue
        yield Damage("damaged", key, repair and cache.delete(key))


def find_orphans(cache: ContentCache, *, age: float) -> Iterator[str]:
    """Iterate over contents that no result names and that were put at least `age` seconds ago.

    A younger one may be of a writer that is about to name it.
    """
    named = cache.index.named()
    for content_hash in cache.contents.hashes():
        if content_hash not in named:
            known = cache.contents.age(content_hash)
            if known is None or known >= age:
                yield content_hash


def old_leftovers(cache: ContentCache) -> list[Path]:
    """Return the temporary files that belong to nobody any more."""
    old = []
    for path in cache.contents.leftovers():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFTOVER_AGE:
                old.append(path)
    return old
