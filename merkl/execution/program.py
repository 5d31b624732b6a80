"""A run of a function that makes calls: what of it is evaluated, and what is said of the rest."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from merkl._base.errors import MerklWarning
from merkl.execution.runner import Runner
from merkl.graph.building import CallRecorder, record_calls
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures
from merkl.graph.writes import require_distinct_paths

__all__ = ["Program", "build_program"]


class Program:
    """What a function made: the structure that it returned, and all calls in program order."""

    def __init__(self, returned: Any, calls: list[Call]) -> None:
        self.returned = returned
        self.calls = calls
        require_distinct_paths(write for call in calls for write in call.writes)

    def wanted(self) -> list[Future[Any]]:
        """Return the Futures that a run evaluates.

        Those returned, those with a pending write, and those of tasks that are declared to return None, which are
        called for their effect.
        """
        wanted = self._returned_futures()
        for call in self.calls:
            if call.writes:
                wanted += [write.future for write in call.writes]
            elif call.task.signature.returns is type(None) or call.task.signature.returns is None:
                wanted += call.futures()
        return wanted

    def _returned_futures(self) -> list[Future[Any]]:
        return list(find_futures(self.returned))

    def evaluate(self, runner: Runner) -> Any:
        """Run what is needed, in program order, and return the structure with values in place of its Futures."""
        wanted = self.wanted()
        values = runner.evaluate_wanted(wanted, self._returned_futures())
        self._warn_of_unneeded(runner)
        return replace_futures(self.returned, lambda future: values[future.__merkl_key__()])

    def _warn_of_unneeded(self, runner: Runner) -> None:
        report = runner.report
        done = report.run | report.linked | report.cached | report.interrupted
        keys = {call.key() for call in done}
        for call in self.calls:
            if call not in done and call.key() not in keys:
                warnings.warn(
                    f"the call of task {call.task.name!r} at {call.location()} does not run: nothing needs its result. "
                    "Return it, write it, or declare the task `-> None` if it is called for its effect",
                    MerklWarning,
                    stacklevel=2,
                )


def build_program(make: Callable[[], Any]) -> Program:
    """Call a function that makes calls, and return what it made."""
    recorder = CallRecorder()
    with record_calls(recorder):
        returned = make()
    return Program(returned, recorder.calls)
