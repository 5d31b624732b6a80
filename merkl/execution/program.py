"""A run of a function that makes calls: what of it is evaluated, and what is said of the rest."""

from __future__ import annotations

import contextvars
import warnings
from collections.abc import Callable, ItemsView, KeysView, Sequence, ValuesView
from types import CoroutineType
from typing import Any

from merkl._base.errors import MerklWarning
from merkl.execution.interrupts import interrupts
from merkl.execution.known_maps import KnownItems, expand_known_maps
from merkl.execution.lookups import Lookups
from merkl.execution.plan import Plan, calls_behind, make_plan
from merkl.execution.report import RunReport
from merkl.execution.results import Results
from merkl.execution.runner import Runner
from merkl.execution.selection import Selection
from merkl.graph.absent import replace_present
from merkl.graph.building import CallRecorder, GraphEnded, Stage, record_calls
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures
from merkl.graph.pipeline import collect_stages
from merkl.graph.writes import require_distinct_paths

__all__ = ["Program", "build_program"]


class Program:
    """What a function made: the structure that it returned, all calls in program order, and the stages yet to be run.

    `depends_on` are the Futures whose values decide how the graph goes on, where nothing was allowed to run; `items` those
    that maps would turn out to need, as far as `plan` found the lists in the cache.
    """

    def __init__(
        self,
        returned: Any,
        calls: list[Call],
        stages: Sequence[Stage] = (),
        depends_on: Sequence[Future[Any]] = (),
    ) -> None:
        self.returned = returned
        self.calls = calls
        self.stages = tuple(stages)
        self.depends_on = tuple(depends_on)
        self.items: KnownItems = {}
        require_distinct_paths(write for call in calls for write in call.writes)

    def wanted(self) -> list[Future[Any]]:
        """Return the Futures that a run evaluates.

        Those returned, those with a pending write, and those of tasks that are declared to return None, which are
        called for their effect.
        """
        wanted = [*self._returned_futures(), *self.depends_on, *self._items()]
        for call in self.calls:
            if call.writes:
                wanted += [write.future for write in call.writes]
            elif call.task.signature.returns is type(None) or call.task.signature.returns is None:
                wanted += call.futures()
        return wanted

    def all_calls(self) -> list[Call]:
        """Return all calls, also those of pipelines whose graphs were given again: what is wanted, or staged, leads to these."""
        staged = [future for stage in self.stages for future in stage.futures]
        return list(dict.fromkeys([*self.calls, *calls_behind([*self.wanted(), *staged])]))

    def _items(self) -> list[Future[Any]]:
        return [item for items in self.items.values() for item in items]

    def _returned_futures(self) -> list[Future[Any]]:
        return list(find_futures(self.returned))

    def plan(self, results: Results, selection: Selection) -> Plan:
        """Return the plan of a run, without running anything.

        Raises `SelectionError` where what was chosen is not there.
        """
        wanted, stages = self._choose(selection)
        rerun = selection if selection.rerun else None
        plan = make_plan(wanted, Lookups(results), stages=stages, rerun=rerun)
        self.items = expand_known_maps(plan, results)
        if self.items:
            plan = make_plan([*wanted, *self._items()], Lookups(results), stages=stages, rerun=rerun)
        plan.is_open = bool(self.depends_on)
        return plan

    def _choose(self, selection: Selection) -> tuple[list[Future[Any]], Sequence[Stage]]:
        wanted = self.wanted()
        if selection.is_partial or selection.rerun:
            wanted = selection.choose(wanted, self.calls, is_ended=bool(self.depends_on))
        if selection.is_partial:
            wanted += self.depends_on
            return wanted, selection.choose_stages(self.stages, wanted)
        return wanted, self.stages

    def evaluate(self, runner: Runner) -> Any:
        """Run what is needed, in program order, and return the structure with values in place of its Futures.

        Where tasks were chosen, it is their values that are returned, where files were, their paths (one, or a list).
        """
        selection = runner.selection
        wanted, stages = self._choose(selection)
        if selection.is_partial:
            returned = wanted if selection.until else []
            values = runner.evaluate_wanted(wanted, returned, stages=stages)
            interrupts.note_end_of_run()
            given = [*(values[future.__merkl_key__()] for future in returned), *selection.outputs]
            return given[0] if len(given) == 1 else given
        values = runner.evaluate_wanted(wanted, self._returned_futures(), stages=stages)
        interrupts.note_end_of_run()
        self._warn_of_unneeded(runner)
        return replace_present(self.returned, lambda future: values[future.__merkl_key__()])

    def _warn_of_unneeded(self, runner: Runner) -> None:
        needed = self._needed_keys(runner.report)
        for call in self.calls:
            if call.key() not in needed:
                warnings.warn(
                    f"the call of task {call.task.name!r} at {call.place()} does not run: nothing needs its result. "
                    "Return it, write it, or declare the task `-> None` if it is called for its effect",
                    MerklWarning,
                    stacklevel=2,
                )

    def _needed_keys(self, report: RunReport) -> set[bytes]:
        """Return the keys of the calls that were evaluated, and of all that these need.

        Of equal calls one may know what it needs, and another one, which a pipeline gave again, not.
        """
        equal: dict[bytes, list[Call]] = {}
        for call in self.calls:
            equal.setdefault(call.key(), []).append(call)
        done = report.run | report.linked | report.cached | report.interrupted | report.failed
        pending = [*done, *(future._call for future in self.wanted())]
        needed: set[bytes] = set()
        while pending:
            call = pending.pop()
            if call.key() not in needed:
                needed.add(call.key())
                for one in (call, *equal.get(call.key(), ())):
                    pending += [future._call for future in one.known_inputs()]
        return needed


def build_program(make: Callable[[], Any], *, may_run: bool = True) -> Program:
    """Call a function that makes calls, and return what it made.

    A generator yields execution order, as in a pipeline; a coroutine is run to its end. With `may_run` off nothing runs:
    where the function asks for a value that is not in the cache, the program ends there and says what it depends on.
    """
    recorder = CallRecorder(may_run=may_run)
    returned: Any = None
    depends_on: Sequence[Future[Any]] = ()
    with record_calls(recorder):
        try:
            made = make()
            if isinstance(made, CoroutineType):
                made = _run_coroutine(made)
            returned = _as_container(collect_stages("the function", made, recorder))
        except GraphEnded as end:
            depends_on = end.futures
    return Program(returned, recorder.calls, recorder.pending_stages(), depends_on)


def _run_coroutine(coroutine: CoroutineType[Any, Any, Any]) -> Any:
    """Run an `async def` that makes calls, on an event loop of its own, in this context: its calls are recorded."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(context.run, asyncio.run, coroutine).result()


def _as_container(returned: Any) -> Any:
    """Return what a function returned, with a list in place of a view of a dict, which may be one of Futures."""
    return list(returned) if isinstance(returned, (KeysView, ValuesView, ItemsView)) else returned
