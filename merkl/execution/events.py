"""What happens in a run, told to whoever wants to know: the report, the progress display, a file of events, the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from merkl.execution.audit import Finding
from merkl.execution.plan import Plan
from merkl.graph.call import Call

__all__ = ["Observer", "Observers", "Status", "observe_all"]

#: What became of a call that was planned: its body ran; its result was found by content key; its body was cut short by
#: Ctrl-C; it raised; it was not tried, because something that it needs failed.
Status = Literal["run", "linked", "interrupted", "failed", "skipped"]


class Observer:
    """Is told what happens in a run; a subclass overrides what it wants to know.

    All methods are called in the process and thread that evaluates, wherever the calls run. They must return quickly and
    must not raise.
    """

    #: Where it is not None bodies are watched, and `call_touched` is told; the paths are folders whose files are no finding.
    audited: tuple[str, ...] | None = None

    def run_started(self, run_id: str) -> None:
        """A run begins; it may make several plans."""

    def plan_made(self, plan: Plan) -> None:
        """It is known which calls are missing and which results are there: before the first of these calls starts."""

    def call_started(self, call: Call) -> None:
        """The body of a call starts; not told of calls that are linked, nor again at a retry."""

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """A planned call is done with; `duration` is the seconds of its body, `error` why it failed."""

    def call_touched(self, findings: Sequence[Finding]) -> None:
        """A body that was watched touched this, which its key does not know."""

    def run_ended(self, error: BaseException | None = None) -> None:
        """The run is over; `error` is what ended it early."""


class Observers(Observer):
    """Tells several observers, in order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self.observers = tuple(observers)
        # Most observers want to know only some of what is told for each call.
        self._of_starts = [
            observer.call_started
            for observer in observers
            if type(observer).call_started is not Observer.call_started
        ]
        self._of_ends = [
            observer.call_ended
            for observer in observers
            if type(observer).call_ended is not Observer.call_ended
        ]
        self.audited = next((one.audited for one in self.observers if one.audited is not None), None)

    def run_started(self, run_id: str) -> None:
        """Tell all."""
        for observer in self.observers:
            observer.run_started(run_id)

    def plan_made(self, plan: Plan) -> None:
        """Tell all."""
        for observer in self.observers:
            observer.plan_made(plan)

    def call_started(self, call: Call) -> None:
        """Tell all who want to know."""
        for tell in self._of_starts:
            tell(call)

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """Tell all who want to know."""
        for tell in self._of_ends:
            tell(call, status, duration, error)

    def call_touched(self, findings: Sequence[Finding]) -> None:
        """Tell all."""
        for observer in self.observers:
            observer.call_touched(findings)

    def run_ended(self, error: BaseException | None = None) -> None:
        """Tell all."""
        for observer in self.observers:
            observer.run_ended(error)


def observe_all(observers: Sequence[Observer]) -> Observer:
    """Return one observer that stands for all; a single one stands for itself, which costs nothing."""
    return observers[0] if len(observers) == 1 else Observers(observers)
