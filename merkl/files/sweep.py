"""Removes from a workspace's folder what results that are gone have left there: their paths, and files of dead runs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Container, Iterator
from pathlib import Path

from merkl.files.transfer import remove_tree

__all__ = ["sweep_home"]


def sweep_home(home: Path, named: Container[str], *, age: float, dry_run: bool) -> int:
    """Remove views of contents that nothing names any more, and directories of calls that ended long ago.

    Args:
        home: the `.merkl` of a project.
        named: the hashes of the contents that results have.
        age: what was made or changed within so many seconds stays.
        dry_run: only count.

    Returns:
        How many there were.
    """
    limit = time.time() - age
    count = 0
    for path in [*_views(home, named), *_entries(home / "scratch")]:
        with contextlib.suppress(OSError):
            if os.lstat(path).st_mtime < limit:
                count += 1
                if not dry_run:
                    _remove(path)
    return count


def _views(home: Path, named: Container[str]) -> Iterator[Path]:
    """Iterate over views (and what belongs to them) whose content has no name, and temporary ones."""
    for folder in _entries(home / "views"):
        for path in _entries(folder):
            if path.name[:64] not in named:
                yield path


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink()


def _entries(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder)]
    except OSError:
        return []
