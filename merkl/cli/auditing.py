"""`merkl run --audit` and `--recheck`: what tasks touch behind their keys' backs, and whether they give the same again."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence
from typing import Any

from merkl._base.tracebacks import describe_error
from merkl.cli.errors import UsageError
from merkl.cli.replay import load_arguments
from merkl.execution.audit import Finding
from merkl.execution.events import Observer
from merkl.execution.replay import hash_outs, run_again
from merkl.execution.report import RunReport
from merkl.graph.call import Call
from merkl.graph.task import MapTask
from merkl.workspace import Workspace

__all__ = ["Auditor", "format_findings", "parse_share", "recheck"]

_REMEDIES = {
    "file": "pass it as a FileRef, or put it into deps=",
    "write": "return a FileRef instead",
    "environment": "pass the value as an argument",
    "network": "use extra_key= (an ETag, a version) or expires=",
    "program": "make it a bash_task, or put its version into deps=",
    "clock": "pass the time as an argument, or use expires=",
    "chance": "pass a seed, or use merkl.call_seed()",
}


#: Of what a task touched of one kind, so many are named.
_MOST_NAMED = 6


class Auditor(Observer):
    """Has bodies watched, and keeps what they touched, once each."""

    def __init__(self, workspace: Workspace) -> None:
        self.audited = (str(workspace.root / ".merkl"),)
        self._found: dict[Finding, None] = {}

    def call_touched(self, findings: Sequence[Finding]) -> None:
        """Keep what is new."""
        self._found.update(dict.fromkeys(findings))

    @property
    def findings(self) -> list[Finding]:
        """All that was found, in the order in which it was."""
        return list(self._found)


def format_findings(findings: list[Finding]) -> str:
    """Return what an audit found: for each task and kind once what it touched, and the remedy."""
    if not findings:
        return "audit: no body that ran touched anything that its key does not know"
    lines = ["audit: bodies touched what their keys do not know"]
    seen: dict[tuple[str, str], dict[str, None]] = {}
    for finding in findings:
        seen.setdefault((finding.task, finding.kind), {})[finding.what] = None
    for (task, kind), touched in seen.items():
        more = f" and {len(touched) - _MOST_NAMED} more" if len(touched) > _MOST_NAMED else ""
        lines.append(f"  {task}: {kind} {', '.join([*touched][:_MOST_NAMED])}{more}; {_REMEDIES[kind]}")
    return "\n".join(lines)


def parse_share(text: str) -> float:
    """Return the share that `5%` or `0.05` means.

    >>> parse_share("5%"), parse_share("1")
    (0.05, 1.0)
    """
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(f"--recheck {text!r}: wanted is a share like 5% or 0.05")
    return share


def recheck(workspace: Workspace, report: RunReport, share: float) -> list[dict[str, Any]]:
    """Run the bodies of a share of the cached calls again and return those that gave another content.

    Tasks that return None are called for their effect, and are left alone, as are maps (their calls are checked themselves).
    """
    calls = [call for call in report.cached if _can_be_checked(call)]
    wanted = math.ceil(len(calls) * share)
    chosen = random.sample(sorted(calls, key=lambda call: call.sequence), wanted)
    failures: list[dict[str, Any]] = []
    # What inputs are made again for it, as the user's files, belongs to no run of its own.
    workspace.writes_log = False
    with workspace:
        checked = 0
        for call in sorted(chosen, key=lambda call: call.sequence):
            problem = _problem_of(workspace, call)
            if problem is not None:
                checked += 1
                if problem:
                    name = f"{call.task.__module__}.{call.task.name}"
                    failures.append({"task": name, "key": call.key().hex(), "problem": problem})
    print(
        f"merkl: rechecked {checked} of {len(calls)} cached calls: {len(failures)} gave another content",
        file=sys.stderr,
    )
    for failure in failures:
        print(f"merkl: {failure['task']} {failure['key'][:12]} ({failure['problem']})", file=sys.stderr)
    return failures


def _can_be_checked(call: Call) -> bool:
    returns = call.task.signature.returns
    is_effect = returns is None or returns is type(None)
    return not (is_effect or isinstance(call.task, MapTask) or call.batch is not None)


def _problem_of(workspace: Workspace, call: Call) -> str | None:
    """Return how a call differs this time, "" where it does not, None where it cannot be checked."""
    records = {future.out: workspace.cache.lookup(future.hash) for future in call.futures()}
    try:
        arguments = load_arguments(workspace, call)
    except UsageError:
        return None
    stored = {out: record.content_hash for out, record in records.items() if record is not None}
    if not stored:
        return None
    try:
        values = run_again(call.task, arguments, call.key())
    except Exception as error:  # noqa: BLE001 - whatever a body raises is what is told
        return f"it raised {describe_error(error)}"
    again = hash_outs(call.task, arguments, values, workspace.codecs)
    changed = [str(out) for out, content in stored.items() if out in again and again[out] != content]
    if not changed:
        return ""
    where = "" if changed == ["None"] else f" (out {', '.join(changed)})"
    return f"it gave another content than is stored{where}: it is not deterministic, or depends on what its key does not know"
