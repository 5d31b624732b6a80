"""Carries out a plan on a target: hands out calls in program order, takes their ends, and deals with what goes wrong.

Coroutines are a target of their own, beside one or without any.
"""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from merkl._base.errors import (
    CacheError,
    ConfigError,
    MerklError,
    MerklWarning,
    MissingDependencyError,
    TargetError,
)
from merkl._base.lazy import LazyModule
from merkl.execution.attempts import Attempts
from merkl.execution.body import expand_call, failure_of, outcome_of, place_items, require_unchanged
from merkl.execution.coroutine_calls import CoroutineCall, CoroutineCalls
from merkl.execution.evaluation import Evaluation
from merkl.execution.events import Status
from merkl.execution.handover_errors import ran_too_long, unmet_resources, unpicklable, worker_died
from merkl.execution.interrupts import Terminated, interrupts
from merkl.execution.output import body_output
from merkl.execution.plan import PlannedStage
from merkl.execution.schedule import ProgramOrder, Schedule
from merkl.execution.targets.base import Death, Reply, Target
from merkl.execution.targets.by_name import is_by_name
from merkl.execution.targets.failures import load_error
from merkl.execution.targets.here import Here
from merkl.execution.targets.resources import UnmetResourcesError
from merkl.execution.working_folder import return_to_working_folder
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures

if TYPE_CHECKING:
    from merkl.execution import handover
    from merkl.execution.runner import Runner
else:
    handover = LazyModule("merkl.execution.handover")  # only targets need it

__all__ = ["Spread"]

#: Seconds between two looks at what nobody tells: timeouts, Ctrl-C.
_TICK = 0.2
#: What ready calls wait for, beside the end of another call of their task: room among the coroutines; the plain calls
#: that were made before them.
_ROOM = "room"
_IN_ORDER = "order"


class Spread:
    """One plan on a target; without one, coroutines wait at once, and plain calls run one after another in this process.

    Expanding calls (a map over a list) are carried out here, as they only make further calls; so are calls whose code
    the workers do not have.
    """

    def __init__(self, runner: Runner, evaluation: Evaluation, target: Target | None) -> None:
        self._runner = runner
        self._observer = runner.observer
        self._evaluation = evaluation
        self._is_inline = target is None
        self._target = target = target or Here()
        self._coroutines = CoroutineCalls(runner, evaluation, target.wake)
        self._schedule = Schedule(lambda call: call.task.is_expanding or self._is_coroutine(call))
        self._in_flight: dict[bytes, Call] = {}
        #: In program order, what a target that takes calls before their inputs are there has not got yet.
        self._unsubmitted: dict[bytes, Call] = {}
        self._running_of_task: dict[int, int] = {}
        self._attempts = Attempts()
        self._differing: set[bytes] = set()
        #: Fingerprints of tasks of which fresh workers, too, had other code.
        self._homebound: set[bytes | None] = set()
        self._expansions: dict[bytes, tuple[Any, float]] = {}
        #: Without a target: that of the plain calls.
        self._order = ProgramOrder(self._schedule, self._expansions)
        self._failures: list[tuple[float, MerklError]] = []
        self._recoveries: set[tuple[bytes, bytes]] = set()
        self._is_stopping = False
        self._was_interrupted = False
        #: The calls that were out when Ctrl-C was passed on, until one of them says that its body got it.
        self._asked: set[bytes] = set()

    def run(self, stages: Sequence[PlannedStage] | None = None) -> list[MerklError]:
        """Run all missing calls, or those of some stages; return the failures, first made first.

        Raises `KeyboardInterrupt` where a body let it through, `TargetError` where the target is lost.
        """
        if self._observer.audited is not None and not self._target.can_audit:
            raise TargetError(
                "bodies can be watched in this process and on local processes (--target N), not on this target: "
                "leave out --audit or the target"
            )
        self._add(self._evaluation.plan.stages if stages is None else stages)
        interrupts.forwards.append(self._forward)
        is_done = False
        try:
            self._loop()
            is_done = True
        finally:
            interrupts.forwards.remove(self._forward)
            if not is_done:
                self._coroutines.give_up()
                self._target.close(at_once=True)
        self._target.settle()
        if self._was_interrupted:
            raise Terminated if interrupts.is_terminated else KeyboardInterrupt
        return [error for _, error in sorted(self._failures, key=lambda pair: pair[0])]

    def _add(self, stages: Sequence[PlannedStage], *, needed_by: Call | None = None) -> None:
        added = self._schedule.add(stages, needed_by=needed_by)
        if self._target.takes_unready:
            self._unsubmitted.update((call.key(), call) for call in added)
        if self._is_inline:
            for call in added:
                if not self._is_coroutine(call):
                    self._order.add(call)

    def _is_coroutine(self, call: Call) -> bool:
        """Say whether the body of a call waits in this process, beside others."""
        if (
            not (self._target.leaves_coroutines and call.task.is_coroutine)
            or self._observer.audited is not None
        ):
            return False
        return self._is_inline or not call.task.options.resources

    def _loop(self) -> None:
        while len(self._schedule):
            if interrupts.take() or interrupts.is_terminated:
                self._end_run()
            if not self._is_stopping:
                for call in self._attempts.take_due():
                    self._again(call)
                self._hand_out()
            elif not self._in_flight:
                return
            if not self._in_flight and not self._attempts.has_delayed:
                if len(self._schedule) and not self._is_stopping and not self._schedule.has_ready:
                    raise AssertionError("calls wait for each other")
                continue
            is_waiting = not (self._is_inline and self._schedule.has_ready)
            replies = self._target.poll(_TICK if is_waiting else 0)
            self._coroutines.warn_of_blocking()
            # A quick call may have started and ended since the last look: its start is told first.
            for key in self._target.started():
                for part in self._in_flight[key].parts if key in self._in_flight else ():
                    self._observer.call_started(part)
            for reply in replies:
                self._take(reply)
            for ended in self._coroutines.ended():
                self._take_coroutine(ended)

    def _forward(self) -> bool:
        is_passed_on = self._target.interrupt()
        is_passed_on = self._coroutines.interrupt() or is_passed_on
        # Where calls wait for others on the target, most of them have no body that could get it.
        if is_passed_on and not self._target.takes_unready:
            self._asked = set(self._in_flight)
        # A body that runs in this thread gets it too.
        return is_passed_on and not interrupts.is_in_body

    def _note_answer(self, key: bytes, status: Status) -> None:
        """Stop where Ctrl-C came while no body ran: workers were storing results, say, or between two calls."""
        if key not in self._asked:
            return
        self._asked.discard(key)
        if status == "interrupted":
            self._asked.clear()
        elif not self._asked:
            self._end_run()

    def _stop(self) -> None:
        """Start nothing more."""
        self._is_stopping = True
        for key in self._target.cancel():
            self._forget(key)

    # -- handing out -----------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        if self._target.takes_unready:
            self._hand_out_ahead()
            return
        is_full = False
        self._schedule.unpark(_IN_ORDER)
        while (call := self._schedule.take_ready(only_apart=is_full)) is not None:
            if call.task.is_expanding:
                self._guarded(call, self._expand)
            elif not self._has_turn(call):
                self._schedule.park(call, id(call.task))
            elif self._is_coroutine(call):
                self._start_coroutine(call)
            elif self._is_inline:
                if self._run_in_turn(call):
                    break
            elif not self._guarded(call, self._submit):
                self._schedule.put_back(call)
                is_full = True
            if self._is_stopping:
                break

    def _hand_out_ahead(self) -> None:
        """Submit what depends only on calls that are done or submitted; expand what is ready."""
        while (call := self._schedule.take_ready()) is not None:
            if call.task.is_expanding:
                self._guarded(call, self._expand)
        for call in list(self._unsubmitted.values()):
            if call.task.is_expanding or call not in self._schedule:
                del self._unsubmitted[call.key()]
            elif all(self._is_under_way(future) for future in call.inputs()) and self._has_turn(call):
                self._guarded(call, self._submit)

    def _is_under_way(self, future: Future[Any]) -> bool:
        key = self._schedule.unit_key(future._call)
        return key in self._in_flight or not self._schedule.is_waiting(key)

    def _has_turn(self, call: Call) -> bool:
        most = call.task.options.max_concurrency
        return most is None or self._running_of_task.get(id(call.task), 0) < most

    def _guarded(self, call: Call, action: Any) -> bool:
        """Do something for a call; what it raises is the failure of that call alone."""
        try:
            return bool(action(call))
        except UnmetResourcesError as error:
            self._fail(call, unmet_resources(call, error))
        except (TargetError, ConfigError, MissingDependencyError):
            raise
        except MerklError as error:
            self._fail(call, error)
        except Exception as error:  # noqa: BLE001 - an argument that cannot be pickled
            self._fail(call, unpicklable(call, error))
        return True

    def _submit(self, call: Call) -> bool:
        resources = self._attempts.resources(call)
        if not self._target.admits(resources):
            return False
        # Of changed code workers would get what is here now, and store what it gives under the key of what it was.
        is_other = call.has_changed_code() and not is_by_name(call.task)
        if is_other or call.parts[0].fingerprint in self._homebound:
            self._run_in_this_process(call)
            return True
        require_unchanged(call)
        retries, audited = self._attempts.retries(call), self._observer.audited
        ticket = handover.make_ticket(
            call, self._evaluation, self._parent_of, resources=resources, retries=retries, audited=audited
        )
        self._target.submit(ticket)
        self._unsubmitted.pop(ticket.key, None)
        self._note_flight(call)
        return True

    def _parent_of(self, future: Future[Any]) -> bytes | None:
        """Return the key of the submitted call that a Future comes from, None where its result is known."""
        unit = self._schedule.unit_key(future._call)
        is_known = unit not in self._in_flight or future.__merkl_key__() in self._evaluation.records
        return None if is_known else unit

    def _note_flight(self, call: Call) -> None:
        self._in_flight[call.key()] = call
        self._running_of_task[id(call.task)] = self._running_of_task.get(id(call.task), 0) + 1

    def _forget(self, key: bytes) -> Call | None:
        call = self._in_flight.pop(key, None)
        if call is not None:
            self._running_of_task[id(call.task)] -= 1
            self._schedule.unpark(id(call.task))
        return call

    # -- in this process -------------------------------------------------------------------------------

    def _start_coroutine(self, call: Call) -> None:
        if not self._coroutines.has_room(call):
            self._schedule.park(call, _ROOM)
            return
        try:
            is_running = self._coroutines.start(call)
        except MerklError as error:
            self._fail(call, error)
            return
        if is_running:
            self._note_flight(call)
        else:
            self._schedule.done(call)

    def _take_coroutine(self, ended: CoroutineCall) -> None:
        call = self._forget(ended.key)
        assert call is not None
        self._schedule.unpark(_ROOM)
        try:
            status, duration = ended.finish()
        except KeyboardInterrupt:
            self._note_answer(ended.key, "interrupted")
            self._end_interrupted(call, ended.call)
        except MerklError as error:
            self._note_answer(ended.key, "failed")
            self._fail(call, error)
        else:
            self._note_answer(ended.key, status)
            self._evaluation.remove_used(ended.call)
            self._runner.tell_end(ended.call, status, duration)
            self._share(call)
            self._schedule.done(call)

    def _end_interrupted(self, call: Call, rest: Call) -> None:
        self._runner.tell_end(rest, "interrupted")
        self._drop(call)
        self._end_run()

    def _end_run(self) -> None:
        """Start nothing more, as Ctrl-C ended a body; coroutines that began since it was pressed end too."""
        self._was_interrupted = True
        self._coroutines.interrupt(only_untold=True)
        self._stop()
        self._target.interrupt_later_ones()

    def _run_in_turn(self, call: Call) -> bool:
        """Run a plain call; False where one that was made earlier may still become ready, so that this one has to wait."""
        if len(self._coroutines) and not self._order.is_next(call):
            self._schedule.park(call, _IN_ORDER)
            return False
        self._coroutines.let_begin()
        self._run_in_this_process(call)
        self._schedule.unpark(_IN_ORDER)
        return True

    # -- ends ------------------------------------------------------------------------------------------

    def _take(self, reply: Reply) -> None:
        call = self._forget(reply.key)
        if call is None:
            return
        for category, message in reply.warnings:
            warnings.warn(message, category, stacklevel=2)
        self._note_answer(reply.key, reply.status)
        if reply.findings:
            self._observer.call_touched(reply.findings)
        if reply.death is not None:
            self._mourn(call, reply.death)
        elif reply.differs:
            self._run_here(call)
        elif reply.lost is not None:
            self._recover(call, reply.lost)
        elif reply.error is not None:
            error = load_error(reply.error)
            self._show(call, reply, getattr(error, "output", ""))
            self._guard_error(call, error)
        elif not reply.outs and reply.status == "interrupted":
            self._end_interrupted(call, call)
        elif reply.status != "skipped":
            self._end(call, reply)
        elif call in self._schedule:  # an input has to be computed again first
            self._again(call)

    def _end(self, call: Call, reply: Reply) -> None:
        evaluation = self._evaluation
        own = {part.key(): part.key() for part in call.parts}
        for key, known in reply.outs.items():
            # Keys and names that came through a pipe are copies: of many calls they take room.
            key = own.get(key, key)
            msgspec.structs.force_setattr(known.record, "codec", sys.intern(known.record.codec))
            evaluation.records[key] = known.record
            if reply.status != "linked" and not reply.linked:
                evaluation.results.take_for_own(known.record)
            if known.fresh is not None:
                evaluation.take_fresh(key, known.fresh, is_tainted=known.is_tainted)
            elif known.is_tainted:
                evaluation.tainted.add(key)
            else:
                evaluation.results.nesting.note(key)
        evaluation.results.remember_all(call.task, reply.metadata)
        outs = {key.hex() for key in reply.outs}
        told = (one.output for key, one in reply.metadata if (one.interrupted or key) in outs)
        self._show(call, reply, next(told, "") if reply.status != "linked" else "")
        evaluation.release_inputs(call)
        for part in call.parts:
            status: Status = "linked" if part.key() in reply.linked else reply.status
            self._observer.call_ended(part, status, reply.duration / len(call.parts))
        self._schedule.done(call)

    def _show(self, call: Call, reply: Reply, output: str) -> None:
        """Show what a body printed on another machine."""
        if output and not reply.was_shown and not call.task.options.capture:
            body_output.show_output(call.task.name, output)

    def _guard_error(self, call: Call, error: BaseException) -> None:
        if self._is_stopping or not self._attempts.delay(call, error):
            self._fail(call, error if isinstance(error, MerklError) else failure_of(call, error))

    def _fail(self, call: Call, error: MerklError) -> None:
        self._runner.tell_end(call, "failed", error=error)
        self._failures.append((call.sequence, error))
        self._pass_over(call)

    def _pass_over(self, call: Call) -> None:
        """Go on without a call that failed, or stop."""
        for other in self._drop(call):
            if self._runner.keeps_going:
                self._runner.tell_end(other, "skipped")
        if not self._runner.keeps_going:
            self._stop()

    def _drop(self, call: Call) -> list[Call]:
        others = self._schedule.drop(call)
        self._evaluation.without.update(part.key() for one in (call, *others) for part in one.parts)
        return others

    def _again(self, call: Call) -> None:
        if self._target.takes_unready:
            self._unsubmitted[call.key()] = call
        else:
            self._schedule.put_back(call)

    def _mourn(self, call: Call, death: Death) -> None:
        """The worker of a call has ended: try again, or give the call up."""
        is_ending = interrupts.is_terminated or self._was_interrupted
        if death.is_unstarted:
            self._again(call)
        elif is_ending and not death.is_timeout:
            self._runner.tell_end(call, "interrupted")
            self._drop(call)
        elif self._attempts.outlives(call, death):
            self._again(call)
        elif death.is_timeout:
            self._fail(call, ran_too_long(call))
        else:
            self._fail(call, worker_died(call, death))

    def _run_here(self, call: Call) -> None:
        """Run in this process what workers have other code for; they get a second chance with fresh processes."""
        if call.key() not in self._differing:
            self._differing.add(call.key())
            self._again(call)
            return
        self._homebound.add(call.parts[0].fingerprint)
        warnings.warn(
            f"task {call.task.name!r} runs in this process: the workers import other code or constants for it than are loaded "
            "here. Was a file edited since this process began, or does a constant differ in each process (a hash, a time)?",
            MerklWarning,
            stacklevel=2,
        )
        self._run_in_this_process(call)

    def _run_in_this_process(self, call: Call) -> None:
        return_to_working_folder()  # a coroutine may have left it
        try:
            self._runner.run_here(self._evaluation, call)
        except KeyboardInterrupt:  # `run_here` has told of it
            if interrupts.is_ended:
                raise
            self._drop(call)
            self._end_run()
            return
        except MerklError as error:
            self._failures.append((call.sequence, error))
            self._pass_over(call)
            return
        self._share(call)
        self._schedule.done(call)

    def _share(self, call: Call) -> None:
        """Have workers see what this process stored; one that does not, as where a disk is full, says that it is lost."""
        if not self._is_inline:
            with contextlib.suppress(CacheError):
                self._evaluation.results.cache_of(call.task).flush()

    def _recover(self, call: Call, lost: bytes) -> None:
        """Compute again an input whose content is lost, and submit the call again; the second time, run it here."""
        if (call.key(), lost) in self._recoveries:
            self._run_in_this_process(call)
            return
        self._recoveries.add((call.key(), lost))
        for future in call.inputs():
            if future.__merkl_key__() == lost:
                try:
                    value = self._runner.recompute(future)
                except MerklError as error:
                    self._fail(call, error)
                    return
                self._evaluation.replace(future, value)
                self._share(future._call)
                break
        self._again(call)

    # -- calls that make calls --------------------------------------------------------------------------

    def _expand(self, call: Call) -> bool:
        key = call.key()
        if key in self._expansions:
            return self._finish_expansion(call)
        self._observer.call_started(call)
        self._coroutines.adopt_code()
        structure = expand_call(call, self._evaluation.arguments(call))
        self._expansions[key] = (structure, time.perf_counter())
        futures = find_futures(structure)
        place_items(call, futures)
        stages = self._runner.extend(self._evaluation, futures)
        self._add(self._without_failed(stages), needed_by=call)
        if any(future._call.key() in self._evaluation.without for future in futures):
            self._runner.skip(self._evaluation, call)
            self._pass_over(call)
        elif not self._schedule.wait_for(call, futures):
            return self._finish_expansion(call)
        return True

    def _without_failed(self, stages: Sequence[PlannedStage]) -> list[PlannedStage]:
        if not self._evaluation.without:
            return list(stages)
        return [
            PlannedStage([one for one in calls if not self._is_passed_over(one)], after)
            for calls, after in stages
        ]

    def _is_passed_over(self, call: Call) -> bool:
        is_lacking = self._evaluation.lacks_inputs(call)
        if is_lacking:
            self._runner.skip(self._evaluation, call)
        return is_lacking

    def _finish_expansion(self, call: Call) -> bool:
        structure, started = self._expansions.pop(call.key())
        if self._evaluation.are_tainted(find_futures(structure)):
            self._evaluation.tainted_calls.add(call.key())
        result = replace_futures(structure, self._evaluation.value_of)
        outcome = outcome_of(call, result, time.perf_counter() - started)
        self._evaluation.keep(call, outcome, None, is_interrupted=False)
        self._share(call)
        self._observer.call_ended(call, "run", outcome.duration)
        self._schedule.done(call)
        return True
