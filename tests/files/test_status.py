"""Status of tracked files: each state, and that looking does not lose what was recorded."""

from __future__ import annotations

import os
from pathlib import Path

from merkl.cache.database import Database
from merkl.files.status import check_files
from merkl.files.tracker import FileTracker


def names(rows: list[object]) -> list[str]:
    return [os.path.basename(os.fsdecode(getattr(row, "path", row))) for row in rows]  # type: ignore[call-overload]


def test_states_of_files(tmp_path: Path) -> None:
    tracker = FileTracker(Database(tmp_path / "x.db"))
    for name in ("clean", "touched", "changed", "longer", "missing", "old"):
        (tmp_path / name).write_text(name)
        is_output = name == "old"
        tracker.content_hash(
            tmp_path / name, role="output" if is_output else "input", key="k" if is_output else ""
        )
    (tmp_path / "touched").write_text("touched")
    (tmp_path / "changed").write_text("CHANGED")
    (tmp_path / "longer").write_text("longer than before")
    (tmp_path / "missing").unlink()
    for rehash in (False, True):
        report = check_files(tracker, is_stale=lambda key: key == "k", rehash=rehash)
        assert names(report.clean) == ["clean", "touched"]
        assert names(report.changed) == ["changed", "longer"]
        assert names(report.missing) == ["missing"]
        assert names(report.stale) == ["old"]
        assert not report.is_clean


def test_new_file_in_a_tracked_directory_is_a_change(tmp_path: Path) -> None:
    tracker = FileTracker(Database(tmp_path / "x.db"))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_text("1")
    tracker.tree_hash(tmp_path / "d", role="input")
    assert check_files(tracker).is_clean
    (tmp_path / "d" / "b").write_text("2")
    assert names(check_files(tracker).changed) == ["d"]
