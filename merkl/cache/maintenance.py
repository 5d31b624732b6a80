"""Looking after the default cache: what is in it, what is damaged, what may go; export and import."""

from __future__ import annotations

import contextlib
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from merkl._base.errors import CacheError
from merkl.cache.base import BaseCache, Entry, close_content, content_bytes
from merkl.cache.leases import live_since
from merkl.cache.sqlite import SqliteCache
from merkl.cache.sqlite_index import USE_GRANULARITY
from merkl.hashing.digests import hash_content

__all__ = [
    "Damage",
    "Garbage",
    "Stats",
    "clear",
    "collect",
    "export_entries",
    "import_entries",
    "stats",
    "verify",
]

DAY = 86_400.0
#: Temporary files older than this belong to nobody any more.
LEFTOVER_AGE = DAY


class Stats(msgspec.Struct, frozen=True):
    """How much is in a cache; `unique_bytes` counts equal contents once, `by_codec` results."""

    results: int
    contents: int
    bytes: int
    unique_bytes: int
    by_codec: dict[str, int]
    by_task: dict[str, int]


class Damage(msgspec.Struct, frozen=True):
    """One thing that `verify` found: a result without its right content, or a content that no result names."""

    kind: str  # "damaged", "missing", "orphan" or "leftover"
    name: str
    repaired: bool = False


class Garbage(msgspec.Struct, frozen=True):
    """What `collect` removed, or would remove: keys, the bytes of contents set free, files that nothing names."""

    keys: tuple[str, ...]
    contents: tuple[str, ...]
    bytes: int
    removed: bool


def stats(cache: SqliteCache) -> Stats:
    """Count what is in a cache."""
    query = cache.database.query
    ((results, size),) = query("SELECT count(*), coalesce(sum(size), 0) FROM entries")
    ((contents, unique),) = query(
        "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT DISTINCT content, size FROM entries)"
    )
    return Stats(
        results,
        contents,
        size,
        unique,
        dict(query("SELECT codec, count(*) FROM entries GROUP BY codec ORDER BY 2 DESC")),
        dict(query("SELECT task, count(*) FROM entries WHERE task <> '' GROUP BY task ORDER BY 2 DESC")),
    )


def verify(cache: SqliteCache, *, repair: bool = False) -> list[Damage]:
    """Hash every content again; with `repair` forget the results whose content is lost, and remove orphans.

    Raises:
        CacheFormatError: the database itself is damaged.
    """
    with cache.database.lock:
        cache.flush()
    found: list[Damage] = []
    good: set[str] = set()
    bad: set[str] = set()
    for raw_key, raw_hash, inline in cache.database.pages(
        "SELECT key, content, inline FROM entries", key="key"
    ):
        key, content_hash = raw_key.hex(), raw_hash.hex()
        if inline is not None:
            fine = hash_content(inline) == content_hash
        else:
            if content_hash not in good and content_hash not in bad:
                (good if _is_right(cache, content_hash) else bad).add(content_hash)
            fine = content_hash in good
        if not fine:
            kind = "damaged" if inline is not None or cache.contents.has(content_hash) else "missing"
            found.append(Damage(kind, key, repair and cache.delete(key)))
    if repair:
        for content_hash in bad:
            cache.contents.delete(content_hash)
    found += [Damage("orphan", name, _remove(cache, name, repair)) for name in _orphans(cache, age=DAY)]
    for path in _old_leftovers(cache):
        if repair:
            path.unlink(missing_ok=True)
        found.append(Damage("leftover", path.name, repair))
    return found


def collect(
    cache: SqliteCache,
    *,
    keep_days: float | None = None,
    max_size: int | None = None,
    reachable: Iterable[str] | None = None,
    grace_days: float = 1.0,
    dry_run: bool = True,
    now: float | None = None,
) -> Garbage:
    """Remove results that may go, least recently used first, and the contents that nothing names any more.

    Args:
        cache: where.
        keep_days: results unused for longer go.
        max_size: results go until their contents have at most this many bytes.
        reachable: keys that projects still need, ancestors included; others go.
        grace_days: results used within this time stay in any case, as does all that a live process may have used.
        dry_run: only say what would go.
        now: Unix time.
    """
    moment = time.time() if now is None else now
    limit = min(moment - grace_days * DAY, live_since(cache.path, moment)) - USE_GRANULARITY
    cache.flush()
    rows = cache.database.query("SELECT key, content, size, used, inline IS NULL FROM entries ORDER BY used")
    keep = None if reachable is None else set(reachable)
    uses: dict[bytes, int] = {}
    for _, content, _, _, _ in rows:
        uses[content] = uses.get(content, 0) + 1
    total = sum(size for size in {content: size for _, content, size, _, _ in rows}.values())
    keys: list[str] = []
    freed = 0
    for key, content, size, used, _ in rows:
        if used > limit:
            continue
        old = keep_days is not None and used < moment - keep_days * DAY
        unneeded = keep is not None and key.hex() not in keep
        too_much = max_size is not None and total - freed > max_size
        if old or unneeded or too_much:
            keys.append(key.hex())
            uses[content] -= 1
            if not uses[content]:
                freed += size
    orphans = tuple(_orphans(cache, age=grace_days * DAY, now=moment))
    if dry_run:
        return Garbage(tuple(keys), orphans, freed, removed=False)
    removed = [key for key in keys if _forget_unless_used(cache, key, limit)]
    gone = tuple(name for name in _orphans(cache, age=0, now=moment) if _remove(cache, name, True))
    for path in _old_leftovers(cache):
        path.unlink(missing_ok=True)
    return Garbage(tuple(removed), gone, freed, removed=True)


def clear(cache: BaseCache, keys: Iterable[str]) -> int:
    """Forget results; return how many there were. Their contents go with the next `collect`."""
    return sum(cache.delete(key) for key in list(keys))


def export_entries(cache: BaseCache, keys: Iterable[str], path: str | Path) -> int:
    """Write results into one file that `import_entries` reads anywhere; return how many.

    Raises:
        CacheError: one of the keys is not in the cache.
    """
    count = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for key in dict.fromkeys(keys):
            entry = cache.get(key)
            if entry is None:
                raise CacheError(f"there is no result {key} in this cache to export")
            try:
                archive.writestr(key, entry.pack())
            finally:
                close_content(entry.content)
            count += 1
    return count


def import_entries(cache: BaseCache, path: str | Path) -> list[str]:
    """Take in results from an exported file; return their keys. They are trusted like those of a shared cache.

    Raises:
        CacheError: the file is no export, or a result in it is damaged; nothing of it is taken in.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            packed = {name: Entry.unpack(archive.read(name)) for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, msgspec.MsgspecError) as error:
        raise CacheError(f"{path} is no export of a MerkL cache: {error}") from error
    for key, entry in packed.items():
        is_key = len(key) == 64 and set(key) <= set("0123456789abcdef")
        if not is_key or hash_content(content_bytes(entry.content)) != entry.content_hash:
            raise CacheError(f"{path}: the result {key[:80]} is damaged; nothing was imported")
    for key, entry in packed.items():
        metadata = msgspec.structs.replace(entry.metadata, origin=f"import of {Path(path).name}")
        cache.put(key, Entry(entry.content, entry.content_hash, metadata))
    cache.flush()
    return list(packed)


def _is_right(cache: SqliteCache, content_hash: str) -> bool:
    cache.files.distrust(content_hash)
    content = cache.contents.get(content_hash)
    if content is None:
        return False
    close_content(content)
    return True


def _forget_unless_used(cache: SqliteCache, key: str, limit: float) -> bool:
    """Forget a key if no process has used it since it was chosen."""
    row = cache.database.fetch("SELECT used FROM entries WHERE key = ?", (bytes.fromhex(key),))
    return row is not None and row[0] <= limit and cache.delete(key)


def _orphans(cache: SqliteCache, *, age: float, now: float | None = None) -> Iterator[str]:
    """Iterate over contents that no result names and that are older than `age` seconds."""
    moment = time.time() if now is None else now
    for content_hash in list(cache.contents.hashes()):
        sql = "SELECT 1 FROM entries WHERE content = ? AND inline IS NULL"
        if cache.database.fetch(sql, (bytes.fromhex(content_hash),)):
            continue
        with contextlib.suppress(FileNotFoundError):
            if moment - cache.files.path(content_hash).stat().st_mtime < age:
                continue  # a writer may be about to name it
        yield content_hash


def _remove(cache: SqliteCache, content_hash: str, wanted: bool) -> bool:
    return wanted and cache.contents.delete(content_hash)


def _old_leftovers(cache: SqliteCache) -> list[Path]:
    old = []
    for path in cache.files.leftovers():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFTOVER_AGE:
                old.append(path)
    return old
