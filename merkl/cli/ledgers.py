"""The ledger of the project at hand, and the results and runs that a prefix on the command line means."""

from __future__ import annotations

import datetime
import re
import time

from merkl.cache import Ledger, Run
from merkl.cli.errors import UsageError
from merkl.execution.failed_calls import describe_failed_call
from merkl.workspace import Workspace

__all__ = ["find_key", "find_run", "open_ledger", "parse_since"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def open_ledger(workspace: Workspace) -> Ledger | None:
    """Return the ledger of a workspace, None where nothing was ever run: to look must not make one."""
    return workspace.ledger if workspace.ledger.database.path.exists() else None


def find_key(ledger: Ledger | None, prefix: str) -> str:
    """Return the one key of a result that begins with a prefix, else of a call that failed.

    Raises `UsageError` where there is none, or several.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{1,64}", prefix):
        raise UsageError(
            f"{prefix!r} is no key: a key is up to 64 hexadecimal digits; `merkl log` lists results"
        )
    found = [] if ledger is None else ledger.find(prefix, limit=6)
    if not found:
        raise UsageError(f"no result has a key that begins with {prefix!r}; `merkl log` lists results")
    if len(found) > 1:
        assert ledger is not None
        lines = "".join(f"\n  {key[:20]}  {_name(ledger, key)}" for key in found[:5])
        more = "\n  and more" if len(found) > 5 else ""
        raise UsageError(f"several keys begin with {prefix!r}; give more digits:{lines}{more}")
    return found[0]


def _name(ledger: Ledger, key: str) -> str:
    metadata = ledger.known(key)
    failed = describe_failed_call(ledger, key) if metadata is None else None
    if failed is not None:
        return f"{failed.task} (failed)"
    return metadata.task if metadata is not None and metadata.task else "(stored under its content key)"


def find_run(ledger: Ledger | None, prefix: str) -> Run:
    """Return the run whose id begins with a prefix; `last` and `last~N` count back from the latest one."""
    back = re.fullmatch(r"last(?:~(\d+))?", prefix)
    if back:
        runs = [] if ledger is None else ledger.runs(limit=int(back[1] or 0) + 1)
        if len(runs) <= int(back[1] or 0):
            raise UsageError(f"there is no run {prefix!r}: {len(runs)} runs are known")
        return runs[-1]
    found = [] if ledger is None else ledger.find_runs(prefix)
    if not found:
        raise UsageError(f"no run has an id that begins with {prefix!r}; `merkl log` lists runs")
    if len(found) > 1:
        ids = ", ".join(run.id[:12] for run in found[:5])
        raise UsageError(f"several runs begin with {prefix!r}; give more digits: {ids}")
    return found[0]


def parse_since(text: str, now: float | None = None) -> float:
    """Return the Unix time that a text means: `2d`, `3h`, `30m`, `1w` ago, or a date.

    >>> parse_since("2h", now=10_000.0)
    2800.0
    """
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip())
    if ago:
        return (time.time() if now is None else now) - float(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(f"--since {text!r}: wanted is 30m, 3h, 2d, 1w or a date like 2025-01-31") from None
