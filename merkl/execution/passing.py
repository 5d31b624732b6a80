"""Results that live as long as a run: those that its code asked for on the way, and that no cache gives again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from merkl.cache import Record
from merkl.execution.results import FreshResult
from merkl.graph.future import Future

if TYPE_CHECKING:
    from merkl.execution.evaluation import Evaluation
    from merkl.execution.plan import Plan

__all__ = ["Passing"]


class Passing:
    """What was computed for a value that the code asked for, without a cache or by an interrupted body.

    The code goes on with that value, so the rest of the run must too: nothing of it is computed a second time.
    """

    def __init__(self) -> None:
        self._fresh: dict[bytes, FreshResult] = {}
        self._tainted: set[bytes] = set()

    def add(self, key: bytes, fresh: FreshResult, *, is_tainted: bool) -> None:
        """Keep a result for the rest of the run."""
        self._fresh[key] = fresh
        if is_tainted:
            self._tainted.add(key)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._fresh

    def find(self, future: Future[Any]) -> Record | None:
        """Return the record of a result of this run."""
        fresh = self._fresh.get(future.__merkl_key__())
        return None if fresh is None else fresh.record

    def give(self, plan: Plan, evaluation: Evaluation) -> None:
        """Have an evaluation know the results that its plan has found here."""
        for key in plan.records.keys() & self._fresh.keys():
            evaluation.fresh[key] = self._fresh[key]
            if key in self._tainted:
                evaluation.tainted.add(key)
