"""A run as a file of JSON lines, one for each thing that happened, written while it does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from merkl._base.tracebacks import describe_error
from merkl.execution.events import Observer, Status
from merkl.execution.plan import Plan
from merkl.graph.call import Call

__all__ = ["EventFile"]


class EventFile(Observer):
    """Appends events to a file: `{"event": …, "time": …}` with what belongs to each.

    `run_started` (run), `plan_made` (missing, found), `call_started` and `call_ended` (key, task, location; status, seconds,
    error), `run_ended` (error).
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def _write(self, event: str, **facts: Any) -> None:
        line = msgspec.json.encode({"event": event, "time": time.time(), **facts})
        self._file.write(line + b"\n")
        self._file.flush()

    def run_started(self, run_id: str) -> None:
        self._write("run_started", run=run_id)

    def plan_made(self, plan: Plan) -> None:
        self._write("plan_made", missing=len(plan.missing), found=len(plan.found))

    def call_started(self, call: Call) -> None:
        self._write("call_started", **_facts(call))

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        facts = {**_facts(call), "status": status, "seconds": duration}
        if error is not None:
            facts["error"] = describe_error(error)
        self._write("call_ended", **facts)

    def run_ended(self, error: BaseException | None = None) -> None:
        self._write("run_ended", error=None if error is None else describe_error(error))
        self._file.close()


def _facts(call: Call) -> dict[str, Any]:
    return {"key": call.key().hex(), "task": call.task.name, "location": call.location()}
