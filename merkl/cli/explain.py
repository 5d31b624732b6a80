"""Says of a run why its calls run: before they do (`--explain`), or beside each afterwards (`-v`)."""

from __future__ import annotations

import sys

from merkl.cli.ledgers import open_ledger
from merkl.execution.events import Observer
from merkl.execution.forecast import will_run
from merkl.execution.plan import Plan
from merkl.graph.call import Call
from merkl.render.earlier_calls import EarlierCalls
from merkl.render.why_text import explain_briefly, format_why
from merkl.render.why_view import explain_plan, needed_calls
from merkl.workspace import Workspace

__all__ = ["RunExplainer"]


class RunExplainer(Observer):
    """Explains each plan of a run when it is made; `reasons` has a few words for each call by key."""

    def __init__(self, workspace: Workspace, name: str, *, is_printing: bool) -> None:
        self.reasons: dict[str, str] = {}
        self._workspace = workspace
        self._name = name
        self._is_printing = is_printing
        self._run = ""
        self._is_first = True
        # What was needed so far and was there.
        self._made: list[Call] = []
        # What earlier runs had, and which calls of this one are in its place: for all plans of the run.
        self._earlier: EarlierCalls | None = None

    def run_started(self, run_id: str) -> None:
        """Know which results are not earlier ones."""
        self._run = run_id

    def plan_made(self, plan: Plan) -> None:
        """Explain the calls that are about to run."""
        needed = needed_calls(plan.wanted)
        is_first, self._is_first = self._is_first, False
        if not plan.missing and not (self._is_printing and is_first):
            self._made += needed
            return
        ledger = open_ledger(self._workspace)
        if ledger is not None and self._earlier is None:
            self._earlier = EarlierCalls(ledger, pipeline=self._name, run=self._run)
        view = explain_plan(
            self._name if is_first else f"{self._name}, once values are known",
            needed,
            plan,
            ledger,
            is_stored=self._workspace.holds,
            running=will_run(plan, self._workspace.parts.results_to_look_at()),
            earlier=self._earlier,
            made=self._made,
        )
        for one in view.explanations:
            # A call that has run by now is told of again where what follows from it does.
            self.reasons.setdefault(one.key, explain_briefly(one))
        if self._is_printing:
            print(format_why(view), file=sys.stderr)
