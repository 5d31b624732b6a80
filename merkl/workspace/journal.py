"""What a workspace notes of its runs: rows in the ledger, and what the cache is to keep for them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from merkl.execution.chronicle import Chronicle
from merkl.execution.events import Observer
from merkl.execution.report import RunReport
from merkl.execution.upkeep import Upkeep
from merkl.workspace.parts import Parts

__all__ = ["Journal"]


class Journal:
    """One run being noted.

    Evaluations outside of `Workspace.run` belong to one run, the session of their workspace: `is_session`. `name` is that
    of the function that is run, `command` what was asked for.
    """

    def __init__(
        self, parts: Parts, name: str, *, command: Sequence[str] = (), is_session: bool = False
    ) -> None:
        self.chronicle = Chronicle(parts.ledger, root=parts.root, prepare=parts.make_home, command=command)
        self._upkeep = Upkeep(parts.cache, parts.root, name, parts.settings.cache.most_bytes)
        self._is_session = is_session
        if is_session:
            self._upkeep.run_started(self.run_id)

    @classmethod
    def of_session(cls, parts: Parts) -> Journal:
        """Open the journal of what a script or notebook evaluates."""
        return cls(parts, sys.argv[0] if sys.argv else "", is_session=True)

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.chronicle.run_id

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Who is to be told what happens."""
        return self.chronicle, self._upkeep

    def ended(self, report: RunReport, error: BaseException | None = None) -> None:
        """Have the ledger know how the run, or an evaluation of a session, ended."""
        counts = self._counts(report)
        if isinstance(error, KeyboardInterrupt):
            self.chronicle.ended("interrupted", counts)
        elif error is not None:
            self.chronicle.ended("failed", counts, error=error, is_built=report.is_built)
        else:
            self.chronicle.ended("interrupted" if report.interrupted else "done", counts)

    def _counts(self, report: RunReport) -> Mapping[str, int | float]:
        # Those of an evaluation count what was looked at: to count ancestors each time would make n² of a loop.
        return report.quick_counts() if self._is_session else report.counts()

    def close(self) -> None:
        """Write down what was not yet, at the end of a session."""
        self.chronicle.settle()
        self._upkeep.run_ended()
