"""What has become of the tracked files: clean, changed, missing or stale; stats in bulk, reads where in doubt."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, TypeAlias

from merkl._base.errors import MerklError
from merkl.files.content import hash_file
from merkl.files.tracker import FileTracker, TrackedFile

__all__ = ["FileState", "StatusReport", "check_files"]

FileState: TypeAlias = Literal["clean", "changed", "missing", "stale"]


@dataclass(slots=True)
class StatusReport:
    """The tracked files by state, each sorted by path."""

    clean: list[TrackedFile] = field(default_factory=list)
    changed: list[TrackedFile] = field(default_factory=list)
    missing: list[TrackedFile] = field(default_factory=list)
    stale: list[TrackedFile] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is changed, missing or stale."""
        return not (self.changed or self.missing or self.stale)


def check_files(
    tracker: FileTracker,
    *,
    rows: Iterable[TrackedFile] | None = None,
    is_stale: Callable[[str], bool] | None = None,
    rehash: bool = False,
) -> StatusReport:
    """Compare the tracked files with the disk.

    Args:
        tracker: whose files.
        rows: some of its records, sorted by path; all inputs and outputs by default.
        is_stale: says of a key whether what made its output has changed since.
        rehash: read every file, whatever its stat says.
    """
    report = StatusReport()
    for row, found in _stats(tracker.tracked() if rows is None else rows):
        state: str = _state(tracker, row, found, rehash=rehash)
        if state == "clean" and row.key and is_stale is not None and is_stale(row.key):
            state = "stale"
        getattr(report, state).append(row)
    return report


def _stats(rows: Iterable[TrackedFile]) -> Iterator[tuple[TrackedFile, os.stat_result | None]]:
    """Stat files folder by folder: one listing and its entries are quicker than as many lookups of whole paths."""
    for folder, group in groupby(rows, key=lambda row: row.path.rpartition(b"/")[0]):
        wanted = list(group)
        if len(wanted) < 3:
            yield from ((row, _stat(row.path)) for row in wanted)
            continue
        try:
            with os.scandir(folder or b"/") as listing:
                entries = {entry.name: entry for entry in listing}
        except OSError:
            entries = {}
        for row in wanted:
            entry = entries.get(row.path[len(folder) + 1 :])
            yield row, None if entry is None else _stat_entry(entry)


def _stat(path: bytes) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _stat_entry(entry: os.DirEntry[bytes]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None


def _state(
    tracker: FileTracker, row: TrackedFile, found: os.stat_result | None, *, rehash: bool
) -> Literal["clean", "changed", "missing"]:
    if found is None:
        return "missing"
    try:
        if row.is_directory:
            if not stat.S_ISDIR(found.st_mode):
                return "changed"
            return "clean" if tracker.tree_hash(os.fsdecode(row.path)) == row.content_hash else "changed"
        # An inode number taken from a listing is not asked for: `stat` gives all four at once.
        is_same = (
            row.settled
            and found.st_size == row.size
            and found.st_mtime_ns == row.mtime_ns
            and found.st_ctime_ns == row.ctime_ns
            and found.st_ino == row.inode
        )
        if is_same and not rehash:
            return "clean"
        if not stat.S_ISREG(found.st_mode) or found.st_size != row.size:
            return "changed"
        recorded_at = time.time_ns()
        content = hash_file(row.path)
    except (MerklError, OSError):
        return "changed"
    if content.content_hash != row.content_hash:
        return "changed"
    tracker.remember(os.fsdecode(row.path), content, recorded_at, role=row.role, key=row.key)
    return "clean"
