"""Evaluates Futures: plans what is missing, has it run here or on a target, and returns the values."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from merkl._base.errors import AbsentOutError, CacheError, MerklError
from merkl.cache import Record
from merkl.execution.audit import BodyWatch
from merkl.execution.body import place_items
from merkl.execution.calls import link_parts, run_call
from merkl.execution.evaluation import Evaluation
from merkl.execution.events import Observer, Status, observe_all
from merkl.execution.exits import refused_exits_of_bodies
from merkl.execution.forecast import refuse_runs
from merkl.execution.interrupts import interrupts
from merkl.execution.lookups import Lookups
from merkl.execution.memory import PeakMeter
from merkl.execution.passing import Passing
from merkl.execution.plan import Plan, PlannedStage, make_plan
from merkl.execution.report import RunReport
from merkl.execution.results import Results
from merkl.execution.selection import Selection
from merkl.execution.spread import Spread
from merkl.execution.targets.base import Target
from merkl.execution.working_folder import keep_working_folder
from merkl.graph.building import Stage
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures
from merkl.graph.task import MapTask, Task
from merkl.graph.writes import Write, pending_writes, require_distinct_paths

__all__ = ["Runner"]


class Runner:
    """Runs calls in program order: one after another in this process, or on a target.

    `observers` are told what happens, as is the report. `write_file` puts the value of a Future into the file of a
    `Write`. `run_id` names the run in the metadata, `scratch` is where the directories of calls are made (by default
    the system's place for temporary files). With `keeps_going` a failure ends only what depends on it; with
    `accepts_interrupted` the results of interrupted bodies count as if they were complete.
    """

    def __init__(
        self,
        results: Results,
        *,
        write_file: Callable[[Write, Record, Any], None],
        run_id: str = "",
        report: RunReport | None = None,
        observers: Sequence[Observer] = (),
        scratch: Path | None = None,
        target: Target | None = None,
        keeps_going: bool = False,
        accepts_interrupted: bool = False,
        selection: Selection | None = None,
    ) -> None:
        self.results = results
        self.report = report or RunReport()
        self.observer = observe_all((self.report, *observers))
        self.selection = selection or Selection()
        self.run_id = run_id
        self.scratch = scratch
        self.target = target
        self.keeps_going = keeps_going
        self.accepts_interrupted = accepts_interrupted
        self._write_file = write_file
        self._meter = PeakMeter()
        self._watch = None if self.observer.audited is None else BodyWatch(self.observer.audited)
        #: Keys of the calls whose results are being computed again: to find those by content would find what is lost.
        self._lost: set[bytes] = set()
        self._passing = Passing()

    def evaluate(
        self, futures: Sequence[Future[Any]], *, stages: Sequence[Stage] = (), goes_on: bool = False
    ) -> list[Any]:
        """Return the values of Futures; equal ones are computed once. Their pending writes are carried out.

        Instead of a value that a body left out, as its type allows, there is the error that says so.

        The stages run before all that they do not need. With `goes_on`, what this runner evaluates later takes over what no
        cache gives.

        Raises `TaskFailedError` where a body raised, and what checking and storing its result raise.
        """
        values = self.evaluate_wanted(futures, futures, stages=stages, goes_on=goes_on)
        return [values[future.__merkl_key__()] for future in futures]

    def plan(self, wanted: Sequence[Future[Any]], *, stages: Sequence[Stage] = ()) -> Plan:
        """Return what must run so that the wanted Futures have values."""
        rerun = self.selection if self.selection.rerun else None
        lookups = Lookups(self.results, at_hand=None if self._passing.is_empty else self._passing.find)
        plan = make_plan(wanted, lookups, stages=stages, rerun=rerun)
        if self._lost:
            plan.forced.update(self._lost.intersection(call.key() for call in plan.missing))
        return plan

    def evaluate_wanted(
        self,
        wanted: Sequence[Future[Any]],
        returned: Sequence[Future[Any]],
        *,
        stages: Sequence[Stage] = (),
        goes_on: bool = False,
    ) -> dict[bytes, Any]:
        """Evaluate all wanted Futures in one plan; load and return, by key, the values of the returned ones only."""
        with interrupts, interrupts.outside_body(), keep_working_folder(), self.results.nesting.evaluating():
            made = self.results.nesting.count
            plan = self.plan(wanted, stages=stages)
            if self.results.nesting.count > made:
                # The body of a pipeline ran again for this, and what it asked for is there now.
                plan = self.plan(wanted, stages=stages)
            plan.is_open = goes_on
            if self.selection.is_frozen:
                refuse_runs(plan, self.results)
            interrupts.check()
            evaluation = Evaluation(self.results, plan, run_id=self.run_id, recompute=self.recompute)
            evaluation.accepts_interrupted = self.accepts_interrupted
            evaluation.passing = self._passing if goes_on else None
            self._passing.give(plan, evaluation)
            _take_writes(evaluation, plan, wanted)
            self.observer.plan_made(plan)
            failures = self._run(evaluation) if plan.missing else []
            interrupts.check()  # the last body may have returned something after SIGTERM
            self.selection.settle(plan.missing)
            for write in evaluation.writes:
                if not failures or write.future.__merkl_key__() in evaluation.records:
                    self._write_file(
                        write, evaluation.record_of(write.future), evaluation.value_of(write.future)
                    )
            if failures:
                raise _first_of(failures)
            return {future.__merkl_key__(): _value_or_absence(evaluation, future) for future in returned}

    def _run(self, evaluation: Evaluation) -> list[MerklError]:
        """Run all missing calls; return the failures that were passed over."""
        target, self.target = self.target, None
        try:
            with refused_exits_of_bodies:
                # What is evaluated meanwhile runs here: an input whose content is lost, what a body in this process asks for.
                if target is None or target.is_in_use:
                    return self._run_here(evaluation, evaluation.plan.stages)
                target.is_in_use = True
                try:
                    return Spread(self, evaluation, target).run()
                finally:
                    target.is_in_use = False
        finally:
            self.target = target

    def recompute(self, future: Future[Any]) -> Any:
        """Compute again a result whose content turned out to be lost, or not to be of the declared type.

        Raises `CacheError` where that did not help.
        """
        with contextlib.suppress(CacheError):  # as on a full disk; it is not looked for below
            self.results.forget(future)
        key = future._call.key()
        if key in self._lost:
            raise CacheError(
                f"the result of task {future._call.task.name!r} was computed again, and what was stored cannot be read either: "
                "the warning says why. Where its class cannot be made again from what pickle keeps of it, give the class a "
                "`__reduce__`, or register a codec for it (merkl.register_codec)"
            )
        self._lost.add(key)
        try:
            return self.evaluate([future])[0]
        finally:
            self._lost.discard(key)

    # -- in this process -------------------------------------------------------------------------------

    def _run_here(self, evaluation: Evaluation, stages: Sequence[PlannedStage]) -> list[MerklError]:
        """Run calls one after another, but for those that are done; return the failures that were passed over.

        Where some are coroutines, these wait side by side, but not where bodies are watched: that is done one at a time.
        """
        tasks = {call.task for stage in stages for call in stage.calls}
        if self._watch is None and any(map(_may_wait, tasks)):
            return self._run_together(evaluation, stages)
        for call in (call for stage in stages for call in stage.calls):
            interrupts.check()
            rest = evaluation.without_done(call) if evaluation.is_extended else call
            if rest is None:
                continue
            if evaluation.lacks_inputs(rest):
                self.skip(evaluation, rest)
                continue
            try:
                self.run_here(evaluation, rest)
            except MerklError as error:
                if error not in evaluation.failures:
                    evaluation.failures.append(error)
                evaluation.without.update(part.key() for part in rest.parts)
                if not self.keeps_going or isinstance(error, CacheError):
                    raise
        return evaluation.failures

    def _run_together(self, evaluation: Evaluation, stages: Sequence[PlannedStage]) -> list[MerklError]:
        failures = Spread(self, evaluation, None).run(stages)
        evaluation.failures += [error for error in failures if error not in evaluation.failures]
        is_lost = any(isinstance(error, CacheError) for error in failures)
        if failures and (is_lost or not self.keeps_going):
            raise _first_of(failures)
        return evaluation.failures

    def skip(self, evaluation: Evaluation, call: Call) -> None:
        """Note that a call is not tried, as something that it needs failed."""
        if not all(part.key() in evaluation.without for part in call.parts):
            evaluation.without.update(part.key() for part in call.parts)
            self.tell_end(call, "skipped")

    def run_here(self, evaluation: Evaluation, call: Call) -> None:
        """Link or run one call whose inputs are there."""
        left = evaluation.take_made(call)
        _, rest, content_keys = ([], None, {}) if left is None else link_parts(evaluation, left)
        if rest is not call:
            running = frozenset(() if rest is None else rest.parts)
            for part in call.parts:
                if part not in running:
                    self.observer.call_ended(part, "linked")
        if rest is None:
            return
        try:
            values = evaluation.arguments(rest)
            for part in rest.parts:
                self.observer.call_started(part)
            status, duration = run_call(
                evaluation,
                rest,
                values,
                content_keys,
                interrupts,
                expand=lambda value: self._expand(evaluation, rest, value),
                scratch_parent=self.scratch,
                meter=self._meter,
                watch=self._watch,
            )
        except KeyboardInterrupt:
            self.tell_end(rest, "interrupted")
            raise
        except Exception as error:
            # What a call turned out to need has failed: that was told already.
            is_told = error in evaluation.failures
            self.tell_end(rest, "skipped" if is_told else "failed", error=None if is_told else error)
            raise
        finally:
            if self._watch is not None:
                self.observer.call_touched(self._watch.take())
        evaluation.remove_used(rest)
        self.tell_end(rest, status, duration)

    def tell_end(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """Tell observers what became of a call, or of each item of a batch."""
        for part in call.parts:
            self.observer.call_ended(part, status, duration / len(call.parts), error)

    def give_up(self) -> None:
        """Tell observers that the calls which run are interrupted: the run ends without waiting for them."""
        for call in sorted(self.report.running, key=lambda call: call.sequence):
            self.observer.call_ended(call, "interrupted")

    def _expand(self, evaluation: Evaluation, call: Call, value: Any) -> Any:
        """Evaluate the Futures in what an expanding call returned, together with what else is carried out."""
        futures = find_futures(value)
        place_items(call, futures)
        self._run_here(evaluation, self.extend(evaluation, futures))
        if any(future._call.key() in evaluation.without for future in futures):
            raise evaluation.failures[0]
        if evaluation.are_tainted(futures):
            evaluation.tainted_calls.add(call.key())
        return replace_futures(value, evaluation.value_of)

    def extend(self, evaluation: Evaluation, futures: Sequence[Future[Any]]) -> list[PlannedStage]:
        """Plan what a call turned out to need, and return what of it is still to be run."""
        plan = self.plan(futures)
        _take_writes(evaluation, plan, futures)
        self._passing.give(plan, evaluation)
        stages = evaluation.extend(plan)
        self.observer.plan_made(plan)
        return stages


def _value_or_absence(evaluation: Evaluation, future: Future[Any]) -> Any:
    try:
        return evaluation.value_of(future)
    except AbsentOutError as error:
        return error


def _may_wait(task: Task[..., Any, Any]) -> bool:
    """Say whether a task's calls are coroutines, or make calls that are."""
    return task.is_coroutine or (task.is_expanding and isinstance(task, MapTask) and task.inner.is_coroutine)


def _take_writes(evaluation: Evaluation, plan: Plan, wanted: Sequence[Future[Any]]) -> None:
    ran = [future for call in plan.missing if call.writes for future in call.futures()]
    writes = _pending_writes([*ran, *wanted])
    require_distinct_paths([*evaluation.writes, *writes])
    pending_writes.release(writes)
    evaluation.writes += writes


def _pending_writes(futures: Sequence[Future[Any]]) -> list[Write]:
    writes = [write for call in dict.fromkeys([f._call for f in futures]) for write in call.writes]
    keys = {future.__merkl_key__() for future in futures} if writes else set()
    return [write for write in writes if write.future.__merkl_key__() in keys]


def _first_of(failures: Sequence[MerklError]) -> MerklError:
    """Return the first failure, with a note of the others."""
    first, *others = failures
    if others:
        names = ", ".join(dict.fromkeys(str(getattr(error, "task", None)) for error in others))
        first.add_note(f"{len(others)} more call{'s' if len(others) > 1 else ''} failed, of: {names}")
    return first
