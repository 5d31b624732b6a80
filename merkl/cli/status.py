"""`merkl status`: what has become of the files that tasks read and wrote."""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec

from merkl._base.places import shown_path
from merkl.cache import Run
from merkl.cli.arguments import parse_options
from merkl.cli.errors import UsageError
from merkl.files.status import StatusReport, check_files
from merkl.files.tracker import FileTracker, TrackedFile
from merkl.render.log_view import describe_failure, run_record
from merkl.workspace import Workspace

__all__ = ["USAGE", "carry_out"]

USAGE = """\
usage: merkl status [--json] [--rehash] [--forget] [PATHS ...]

Compare the files that tasks have read or written with what they were then: below PATHS, or all of them.

  changed   its content is another one now
  missing   it is not there any more
  stale     it was written by a task, and what made it has changed since: the code, that of a task before it,
            or an input file
  clean     none of these

Nothing is run or imported: code is read as text. Exit code 3 if anything but clean. If the latest run failed, it says so.

  --json    print one JSON object
  --rehash  read every file, whatever its time and size say
  --forget  track no longer what is changed or missing

examples:
  merkl status
  merkl status data/ figures/accuracy.png
  merkl status --json | jq -r '.files[] | select(.state == "stale") | .path'
"""

_STATES = ("changed", "missing", "stale", "clean")


def _options(
    *,
    json: bool = False,
    rehash: bool = False,
    forget: bool = False,
) -> None:
    """The options of `merkl status`."""


def carry_out(words: list[str]) -> int:
    paths: list[str] = []
    if "--" in words:
        words, paths = words[: words.index("--")], words[words.index("--") + 1 :]
    bound, rest = parse_options(_options, words)
    unknown = [word for word in rest if word.startswith("-")]
    if unknown:
        raise UsageError(f"unknown option {unknown[0]!r}; see `merkl status --help`")
    options = dict(bound.arguments)
    workspace = Workspace()
    report = StatusReport()
    failed: Run | None = None
    record: dict[str, Any] | None = None
    if (workspace.root / ".merkl" / "merkl.db").exists():
        origins = workspace.origins
        report = check_files(
            workspace.files,
            below=_known(workspace.files, [*rest, *paths]),
            is_stale=None if origins is None else origins.is_stale,
            rehash=options.get("rehash", False),
        )
        if options.get("forget"):
            for row in (*report.changed, *report.missing):
                workspace.files.forget(os.fsdecode(row.path))
        latest = next(iter(workspace.ledger.runs(limit=1)), None)
        failed = latest if latest is not None and latest.status == "failed" else None
        record = run_record(workspace.ledger, failed) if failed is not None else None
        workspace.close()
    if options.get("json"):
        view = _view(report, workspace.files)
        print(msgspec.json.encode({**view, "failed_run": record}).decode())
    else:
        _print(report)
        if failed is not None:
            print(
                f"merkl: the latest run failed ({failed.id[:8]}): {describe_failure(failed)}", file=sys.stderr
            )
    return 0 if report.is_clean else 3


def _known(tracker: FileTracker, paths: list[str]) -> list[str]:
    """Return the paths that a user gave; raises `UsageError` for one where nothing is and nothing was."""
    for path in paths:
        if not path:
            raise UsageError("a path is empty; `merkl status` without paths is about all files")
        if not os.path.lexists(path) and tracker.get(path) is None and not tracker.below(path):
            raise UsageError(f"there is nothing at {path!r}, and nothing is known of it")
    return paths


def _view(report: StatusReport, tracker: FileTracker) -> dict[str, Any]:
    known = {row.path: row for row in tracker.tracked()} if report.clean else {}
    by_state: dict[str, list[TrackedFile]] = {
        **{state: getattr(report, state) for state in _STATES[:3]},
        "clean": [known[path] for path in report.clean],
    }
    return {
        "clean": report.is_clean,
        "files": [
            {
                # JSON is text: a byte of a name that is no UTF-8 shows as U+FFFD there, and `raw` has it in hex.
                "path": row.path.decode("utf-8", "replace"),
                **({} if _is_text(row.path) else {"raw": row.path.hex()}),
                "state": state,
                "role": row.role,
                "key": row.key or None,
                "content_hash": row.content_hash,
            }
            for state in _STATES
            for row in by_state[state]
        ],
    }


def _is_text(path: bytes) -> bool:
    return path.decode("utf-8", "replace").encode() == path


def _print(report: StatusReport) -> None:
    lines = []
    for state in _STATES[:3]:
        for row in getattr(report, state):
            lines.append(f"{state:<8} {_printable(shown_path(os.fsdecode(row.path)))}\n")
    sys.stdout.write("".join(lines))
    counts = ", ".join(f"{len(getattr(report, state))} {state}" for state in _STATES)
    print(f"merkl: {counts}", file=sys.stderr)


def _printable(path: str) -> str:
    """Return a path on one line: quoted where it holds a newline or anything else that does not print."""
    return path if path.isprintable() else repr(path)
