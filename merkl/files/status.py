"""What has become of the tracked files: clean, changed, missing or stale; stats in bulk, reads where in doubt."""

from __future__ import annotations

import os
import stat
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from merkl._base.errors import MerklError
from merkl.files.content import hash_file
from merkl.files.tracker import FileTracker, Stamp, TrackedFile

__all__ = ["FileState", "StatusReport", "check_files"]

FileState: TypeAlias = Literal["clean", "changed", "missing", "stale"]

#: From so many files in one folder on, listing it is quicker than looking up each by its whole path.
_WORTH_LISTING: Final = 3


@dataclass(slots=True)
class StatusReport:
    """The tracked files by state, each sorted by path; of the clean ones the paths."""

    clean: list[bytes] = field(default_factory=list)
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
    below: Sequence[str] = (),
    is_stale: Callable[[str], bool] | None = None,
    rehash: bool = False,
) -> StatusReport:
    """Compare the tracked files with the disk.

    Args:
        tracker: whose files.
        below: only these paths and what is below them; all inputs and outputs by default.
        is_stale: says of a key whether what made its output has changed since.
        rehash: read every file, whatever its stat says.
    """
    report = StatusReport()
    chosen = _chooser(below)
    if rehash:
        doubtful = [row for row in tracker.tracked() if chosen(row.path)]
    else:
        stamps = tracker.stamps()
        clean, unlike = _compare_stats(stamps if not below else filter(lambda row: chosen(row[0]), stamps))
        doubtful = [row for path in unlike if (row := tracker.get(os.fsdecode(path))) is not None]
        for path, key in clean:
            if key and is_stale is not None and is_stale(key):
                report.stale += [row] if (row := tracker.get(os.fsdecode(path))) is not None else []
            else:
                report.clean.append(path)
    for row in doubtful:
        state: str = _state(tracker, row, rehash=rehash)
        if state == "clean" and row.key and is_stale is not None and is_stale(row.key):
            state = "stale"
        if state == "clean":
            report.clean.append(row.path)
        else:
            getattr(report, state).append(row)
    for rows in (report.clean, report.changed, report.missing, report.stale):
        rows.sort()
    return report


def _chooser(paths: Sequence[str]) -> Callable[[bytes], bool]:
    if not paths:
        return lambda path: True
    exact = {os.fsencode(os.path.abspath(path)) for path in paths}
    folders = tuple(path.rstrip(b"/") + b"/" for path in exact)
    return lambda path: path in exact or path.startswith(folders)


def _compare_stats(rows: Iterable[Stamp]) -> tuple[list[tuple[bytes, str]], list[bytes]]:
    """Return path and key of the files that look as recorded, and the paths of the others."""
    folders: defaultdict[bytes, list[Stamp]] = defaultdict(list)
    for row in rows:
        folders[row[0].rpartition(b"/")[0]].append(row)
    clean: list[tuple[bytes, str]] = []
    unlike: list[bytes] = []
    for folder, wanted in folders.items():
        # Written out, as it runs for each of perhaps a million files: one listing of the folder, one stat for each.
        find = _finder(folder, wanted)
        start = len(folder) + 1
        for row in wanted:
            entry = find(row[0][start:])
            try:
                found = entry.stat() if entry is not None else None
            except OSError:
                found = None
            if (
                found is not None
                and found.st_mtime_ns == row[2]
                and found.st_size == row[1]
                and found.st_ctime_ns == row[3]
                and found.st_ino == row[4]
                and stat.S_ISREG(found.st_mode)
            ):
                clean.append((row[0], row[5]))
            else:
                unlike.append(row[0])
    return clean, unlike


class _Lookup:
    """A file in a folder that is not worth listing."""

    __slots__ = ("_path",)

    def __init__(self, path: bytes) -> None:
        self._path = path

    def stat(self) -> os.stat_result:
        return os.stat(self._path)


def _finder(folder: bytes, wanted: Sequence[Stamp]) -> Callable[[bytes], os.DirEntry[bytes] | _Lookup | None]:
    if len(wanted) < _WORTH_LISTING:
        return lambda name: _Lookup(folder + b"/" + name)
    try:
        with os.scandir(folder or b"/") as listing:
            return {entry.name: entry for entry in listing}.get
    except OSError:
        return lambda name: None


def _state(tracker: FileTracker, row: TrackedFile, *, rehash: bool) -> Literal["clean", "changed", "missing"]:
    try:
        found = os.stat(row.path)
    except OSError:
        return "missing"
    try:
        if row.is_directory:
            if not stat.S_ISDIR(found.st_mode):
                return "changed"
            digest = tracker.tree_hash(os.fsdecode(row.path), is_trusting=not rehash)
            return "clean" if digest == row.content_hash else "changed"
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
