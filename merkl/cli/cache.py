"""`merkl cache`: what is stored, what is damaged, what may go, and results carried from one cache to another."""

from __future__ import annotations

import datetime
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from merkl._base.errors import CacheError, MerklError
from merkl._base.places import shown_path
from merkl._base.sizes import format_size, parse_size
from merkl.cache import BaseCache, SqliteCache, nearest
from merkl.cache.configured import open_relative
from merkl.cache.exchange import export_entries, import_entries
from merkl.cache.figures import find_key, find_stats
from merkl.cache.interrupted import accept, pending
from merkl.cache.inventory import Item
from merkl.cache.repair import verify
from merkl.cache.sweep import Garbage, clear, collect, is_in_use
from merkl.cli.arguments import parse_options
from merkl.cli.errors import UsageError
from merkl.cli.output import print_json
from merkl.files.sweep import sweep_home
from merkl.workspace import Workspace

__all__ = ["USAGE", "carry_out"]

USAGE = """\
usage: merkl cache ls [TASK] [--interrupted] [--limit N]    list results, those used last first
       merkl cache stats                                    how much there is, by task and by codec
       merkl cache verify [--repair]                        hash every content again
       merkl cache gc [--keep-days N] [--max-size SIZE] [--unreachable] [--ignore-roots] [--grace-days N] [--yes]
       merkl cache clear [TASK | KEY] [--yes]               forget all results, those of a task, or one
       merkl cache export FILE KEY ...                      write results into one file
       merkl cache import FILE                              take results in from such a file
       merkl cache accept KEY                               keep what an interrupted task returned as its result
       merkl cache roots                                    list the runs whose results gc keeps

Each takes --json, and --cache URL for another cache than the nearest one of this project. A KEY may be its first four
digits or more. A TASK is its full name or the last part of it.

gc and clear only say what they would do unless --yes is given. gc removes contents that nothing names, and results that
  --keep-days N    were not used for N days
  --max-size SIZE  are too much for SIZE (20GB, 500MB), least recently used first
  --unreachable    no project asked for in its latest runs, nor made something from that it asked for
but none that was used within --grace-days (1), that a running process may use, or that a project reaches (unless
--ignore-roots is given).

verify exits with 1 if something is damaged and was not repaired.

examples:
  merkl cache ls train --limit 5
  merkl cache gc --keep-days 30 --max-size 20GB --yes
  merkl cache clear flow.train --yes
  merkl cache export results.merkl 3fa9 81c0
"""


def _ls(
    task: str | None = None,
    *,
    interrupted: bool = False,
    limit: int | None = None,
    json: bool = False,
    cache: str | None = None,
) -> int:
    """List results."""
    if limit is not None and limit < 0:
        raise UsageError(f"--limit: {limit} is no number of results: wanted is 0 or more")
    with closing(_open(cache)) as opened:
        found = _items(opened)
    items = [
        item
        for item in (pending(found) if interrupted else found)
        if bool(item.interrupted) == interrupted and _is_of(item, task) and not item.is_alias
    ]
    items.sort(key=lambda item: -item.used)
    if limit is not None:
        items = items[:limit]
    if json:
        _print_json([msgspec.structs.replace(item, key=_shown_key(item)) for item in items])
        return 0
    _print_items(items)
    if not items:
        print("merkl: no results" + (f" of task {task!r}" if task else ""), file=sys.stderr)
    return 0


def _shown_key(item: Item) -> str:
    """Return the key that people know a result by: what an interrupted body returned by that of its call."""
    return item.interrupted or item.key


#: Of what would go so many results are listed.
_MOST_LISTED = 20


def _print_some(items: Sequence[Item]) -> None:
    """Print the first of these results, and how many more there are."""
    shown = items[:_MOST_LISTED]
    _print_items(shown)
    if len(items) > len(shown):
        print(f"… and {len(items) - len(shown)} more; --json has them all")


def _print_items(items: Sequence[Item]) -> None:
    rows = [
        (
            _shown_key(item)[:12],
            format_size(item.size),
            item.codec,
            _day(item.created),
            _day(item.used),
            item.task,
        )
        for item in items
    ]
    _print_table(("key", "size", "codec", "made", "used", "task"), rows)


def _stats(*, json: bool = False, cache: str | None = None) -> int:
    """Say how much there is."""
    with closing(_open(cache)) as opened:
        found = find_stats(opened)
    if json:
        _print_json(found)
        return 0
    print(f"results   {found.results}" + (f" ({found.interrupted} interrupted)" if found.interrupted else ""))
    print(f"contents  {found.contents}")
    print(
        f"bytes     {format_size(found.unique_bytes)} ({format_size(found.bytes)} with equal contents counted again)"
    )
    for title, counts in (("task", found.by_task), ("codec", found.by_codec)):
        if counts:
            print(f"by {title}")
            for name, count in counts.items():
                print(f"  {count:>8}  {name}")
    return 0


def _verify(*, repair: bool = False, json: bool = False, cache: str | None = None) -> int:
    """Look for damage."""
    with closing(_open(cache)) as opened:
        found = verify(opened, repair=repair)
    unrepaired = [damage for damage in found if not damage.is_repaired]
    if json:
        _print_json(found)
    else:
        for damage in found:
            print(f"{damage.kind:<9} {damage.name}{'  (removed)' if damage.is_repaired else ''}")
        if not found:
            print("nothing is damaged")
        elif unrepaired:
            print(
                "merkl: `merkl cache verify --repair` removes these; results are then computed again",
                file=sys.stderr,
            )
    return 1 if unrepaired else 0


def _gc(
    *,
    keep_days: float | None = None,
    max_size: str | None = None,
    unreachable: bool = False,
    ignore_roots: bool = False,
    grace_days: float = 1.0,
    yes: bool = False,
    json: bool = False,
    cache: str | None = None,
) -> int:
    """Remove what may go."""
    for option, days in (("--keep-days", keep_days or 0.0), ("--grace-days", grace_days)):
        if not 0 <= days < math.inf:
            raise UsageError(f"{option}: {days:g} is no number of days: wanted is 0 or more")
    try:
        most = None if max_size is None else parse_size(max_size)
    except ValueError as error:
        raise UsageError(f"--max-size: {error}") from None
    with closing(_open(cache)) as opened:
        items = {} if json else {item.key: item for item in _items(opened)}
        garbage = collect(
            opened,
            keep_days=keep_days,
            max_size=most,
            unreachable=unreachable,
            ignore_roots=ignore_roots,
            grace_days=grace_days,
            besides_own=True,
            dry_run=not yes,
        )
        is_ours = cache is None and not is_in_use(opened)
        views = _sweep_home(opened, grace_days=grace_days, dry_run=not yes) if is_ours else 0
    if json:
        _print_json({**msgspec.to_builtins(garbage), "views": views})
    else:
        _print_garbage(garbage, [items[key] for key in garbage.keys if key in items], views)
    return 0


def _sweep_home(cache: BaseCache, *, grace_days: float, dry_run: bool) -> int:
    """Remove from the project's `.merkl` what results that are gone have left there."""
    named = {item.content_hash for item in cache.items()}
    age = max(grace_days * 86_400.0, 60.0)
    return sweep_home(Workspace().root / ".merkl", named, age=age, dry_run=dry_run)


def _print_garbage(garbage: Garbage, items: Sequence[Item], views: int) -> None:
    results = [item for item in items if not item.is_alias]
    if results:
        _print_some(results)
    verb = "removed" if garbage.removed else "would remove"
    line = f"merkl: {verb} {_count(len(results), 'result')} ({format_size(garbage.bytes)})"
    if garbage.orphans:
        line += f" and {_count(len(garbage.orphans), 'content')} that nothing names"
    if views:
        line += f" and {_count(views, 'path')} of results that are gone"
    if garbage.kept:
        line += f"; {garbage.kept} more would go but were used lately, or are used or reached by a project"
    print(line + ("" if garbage.removed else "; nothing was done, --yes does it"), file=sys.stderr)


def _clear(
    task: str | None = None, *, yes: bool = False, json: bool = False, cache: str | None = None
) -> int:
    """Forget results."""
    with closing(_open(cache)) as opened:
        items = _items_to_clear(opened, task)
        keys = [item.key for item in items]
        if yes:
            clear(opened, keys)
    results = [item for item in items if not item.is_alias]
    size = sum({item.content_hash: item.size for item in items}.values())
    if json:
        _print_json({"keys": keys, "bytes": size, "removed": yes})
        return 0
    if yes:
        print(f"merkl: forgot {_count(len(results), 'result')} ({format_size(size)})", file=sys.stderr)
        return 0
    _print_some(results)
    print(
        f"merkl: would forget {_count(len(results), 'result')} ({format_size(size)}); nothing was done, --yes does it",
        file=sys.stderr,
    )
    return 0


def _items_to_clear(cache: BaseCache, task: str | None) -> list[Item]:
    everything = _items(cache)
    items = [item for item in everything if _is_of(item, task)]
    if items or task is None:
        return items
    if len(task) < 4 or set(task) - set("0123456789abcdef"):
        raise CacheError(f"this cache has no result of a task {task!r}; see `merkl cache ls`")
    key = find_key(cache, task)
    return [item for item in everything if item.key == key]


def _export(file: Path, /, *keys: str, json: bool = False, cache: str | None = None) -> int:
    """Write results into a file."""
    if not keys:
        raise UsageError("which results? `merkl cache export FILE KEY ...`")
    if file.is_dir():
        raise UsageError(f"{file} is a folder; which file is to be written in it?")
    with closing(_open(cache)) as opened:
        found = [find_key(opened, key) for key in keys]
        try:
            count = export_entries(opened, found, file)
        except OSError as error:
            if isinstance(error, MerklError):
                raise
            raise CacheError(f"cannot write {file}: {error}") from error
    _say({"file": str(file), "keys": found}, f"wrote {_count(count, 'result')} to {file}", as_json=json)
    return 0


def _import(file: Path, /, *, json: bool = False, cache: str | None = None) -> int:
    """Take results in from a file."""
    if not file.is_file():
        raise UsageError(f"{file} is a folder, not a file" if file.is_dir() else f"there is no file {file}")
    with closing(_open(cache, is_new=True)) as opened:
        keys = import_entries(opened, file)
    _say(
        {"file": str(file), "keys": keys}, f"took in {_count(len(keys), 'result')} from {file}", as_json=json
    )
    return 0


def _accept(key: str, /, *, json: bool = False, cache: str | None = None) -> int:
    """Accept an interrupted result."""
    with closing(_open(cache)) as opened:
        accepted = accept(opened, key)
    workspace = Workspace()
    if workspace.ledger.database.path.exists():
        workspace.ledger.accept(accepted)
    workspace.close()
    _say({"key": accepted}, f"{accepted[:12]} counts as a result from now on", as_json=json)
    return 0


def _roots(*, json: bool = False, cache: str | None = None) -> int:
    """List roots."""
    with closing(_open(cache)) as opened:
        roots = list(opened.roots())
    if json:
        _print_json(roots)
        return 0
    rows = [
        (_day(root.at), str(len(root.keys)), root.host, root.project, root.name) for root in reversed(roots)
    ]
    _print_table(("run", "keys", "host", "project", "name"), rows)
    return 0


_SUBCOMMANDS: dict[str, Callable[..., int]] = {
    "ls": _ls,
    "stats": _stats,
    "verify": _verify,
    "gc": _gc,
    "clear": _clear,
    "export": _export,
    "import": _import,
    "accept": _accept,
    "roots": _roots,
}


def carry_out(words: list[str]) -> int:
    """Carry out one of the subcommands."""
    name = words[0] if words else ""
    subcommand = _SUBCOMMANDS.get(name)
    if subcommand is None:
        raise UsageError(
            f"{f'there is no `merkl cache {name}`' if name else 'what of the cache?'}; there are {', '.join(_SUBCOMMANDS)}"
        )
    bound, rest = parse_options(subcommand, words[1:])
    if rest:
        raise UsageError(f"`merkl cache {name}` takes no {rest[0]!r}; see `merkl cache --help`")
    return subcommand(*bound.args, **bound.kwargs)


def _open(url: str | None, *, is_new: bool = False) -> BaseCache:
    """Return the cache to look after.

    Raises:
        CacheError: there is none yet, and it is not to be made.
    """
    if url == "":
        raise UsageError("--cache is empty: wanted is the URL or the folder of a cache")
    workspace = Workspace()
    cache = nearest(workspace.cache if url is None else open_relative(url, Path.cwd()))
    if isinstance(cache, SqliteCache) and os.path.lexists(cache.path) and not cache.path.is_dir():
        raise CacheError(f"{cache.path} is no folder, so there is no cache in it")
    if not is_new and isinstance(cache, SqliteCache) and not cache.database.path.exists():
        raise CacheError(
            f"there is no cache at {shown_path(cache.path)} yet: it is made when the first result is stored"
        )
    return cache


def _items(cache: BaseCache) -> list[Item]:
    cache.flush()
    return list(cache.items())


def _is_of(item: Item, task: str | None) -> bool:
    return task is None or item.task == task or item.task.endswith((f".{task}", f":{task}"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _day(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M") if moment else "?"


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        print("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


def _print_json(value: Any) -> None:
    print_json(msgspec.to_builtins(value), sys.stdout)


def _say(facts: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        _print_json(facts)
    else:
        print(f"merkl: {sentence}", file=sys.stderr)
