"""Says of a run why its calls run: before they do (`--explain`), or beside each afterwards (`-v`)."""

from __future__ import annotations

import sys

from merkl.cli.ledgers import open_ledger
from merkl.execution.events import Observer
from merkl.execution.plan import Plan
from merkl.render.why_view import explain_briefly, explain_plan, format_why, needed_calls
from merkl.workspace import Workspace

__all__ = ["RunExplainer"]


class RunExplainer(Observer):
    """Explains each plan of a run when it is made; `reasons` has a few words for each call by key."""

    def __init__(self, workspace: Workspace, name: str, *, is_printing: bool) -> None:
        self.reasons: dict[str, str] = {}
        self._workspace = workspace
        self._name = name
        self._is_printing = is_printing

    def plan_made(self, plan: Plan) -> None:
        """Explain the calls that are about to run."""
        if not plan.missing and not self._is_printing:
            return
        needed = needed_calls(plan.wanted)
        ledger = open_ledger(self._workspace)
        view = explain_plan(self._name, needed, plan, ledger, is_stored=self._workspace.holds)
        self.reasons.update((one.key, explain_briefly(one)) for one in view.explanations)
        if self._is_printing:
            print(format_why(view), file=sys.stderr)
