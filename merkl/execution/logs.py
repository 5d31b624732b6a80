"""What happens in a run, for Python's logging: runs and failures as INFO and ERROR, calls as DEBUG, under `merkl`."""

from __future__ import annotations

import logging

from merkl.execution.events import Observer, Status
from merkl.execution.plan import Plan
from merkl.graph.call import Call

__all__ = ["LOGGER", "LogObserver"]

LOGGER = logging.getLogger("merkl")
LOGGER.addHandler(logging.NullHandler())


class LogObserver(Observer):
    """Writes a run to the logger; only put to work where somebody listens, so that it costs nothing otherwise."""

    def plan_made(self, plan: Plan) -> None:
        """Say how much there is to do."""
        LOGGER.info("%d calls to run, %d results found", len(plan.missing), len(plan.found))

    def call_started(self, call: Call) -> None:
        """Say that a body starts."""
        LOGGER.debug("start %s %s (%s)", call.task.name, call.key().hex()[:12], call.place())

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """Say what became of a call."""
        level = logging.ERROR if status == "failed" else logging.DEBUG
        said = f": {error}".partition("\n")[0] if error is not None else ""
        LOGGER.log(
            level, "%s %s %s in %.3f s%s", status, call.task.name, call.key().hex()[:12], duration, said
        )
