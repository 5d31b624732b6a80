"""How far a run is, below the cell of a notebook that evaluates."""

from __future__ import annotations

import html
import sys
import time
from typing import Any

from merkl.execution.events import Status
from merkl.execution.plan import Plan
from merkl.execution.progress import Progress
from merkl.graph.call import Call

__all__ = ["NotebookProgress", "is_in_notebook"]

#: An evaluation that is over within this time shows nothing.
_QUIET_SECONDS = 0.5
#: Seconds between two updates of what is shown.
_EVERY = 0.25
#: Calls that run are named up to this number.
_SHOWN = 8


def is_in_notebook() -> bool:
    """Say whether this code runs in a kernel that can show and update output; does not load IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class NotebookProgress(Progress):
    """A bar with the counts of an evaluation, updated in place; what it was at the end stays."""

    def __init__(self) -> None:
        super().__init__()
        self._started = self._last = time.monotonic()
        self._handle: Any = None

    def plan_made(self, plan: Plan) -> None:
        """Count what is to be done."""
        self._started = time.monotonic() if self._handle is None else self._started
        super().plan_made(plan)

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """Count it; the last state is shown in any case."""
        super().call_ended(call, status, duration, error)
        if self._handle is not None and (self.done == self.total or status == "failed"):
            self._show()

    def changed(self) -> None:
        """Show the new state, if the last one was shown a moment ago."""
        now = time.monotonic()
        if self.total and now - self._started > _QUIET_SECONDS and now - self._last > _EVERY:
            self._last = now
            self._show()

    def _show(self) -> None:
        text = self.summary()
        running = list(dict.fromkeys(name for name, _ in self.running.values()))[:_SHOWN]
        if running:
            text += f" ({', '.join(running)})"
        bar = f'<progress value="{self.done}" max="{self.total}"></progress> {html.escape(text)}'
        bundle = {"text/plain": text, "text/html": bar}
        if self._handle is None:
            display: Any = sys.modules["IPython"].display.display
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
