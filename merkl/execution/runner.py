"""Evaluates Futures: plans what is missing, runs it in program order, stores it, and returns the values."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from merkl._base.errors import MerklError
from merkl.cache import Metadata, Record, interrupted_key
from merkl.execution.batches import take_apart
from merkl.execution.body import BodyOutcome, run_body
from merkl.execution.events import Observer, Status, observe_all
from merkl.execution.forecast import refuse_runs
from merkl.execution.interrupts import InterruptWatch
from merkl.execution.plan import Plan, make_plan
from merkl.execution.previews import describe_arguments, describe_extras
from merkl.execution.report import RunReport
from merkl.execution.results import ABSENT, FreshResult, Results, identify
from merkl.execution.selection import Selection
from merkl.files.scratch import Scratch, enter_scratch, leave_scratch
from merkl.graph.building import Stage
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures
from merkl.graph.writes import Write, pending_writes, require_distinct_paths
from merkl.hashing.keys import hash_out

__all__ = ["Runner"]

#: A call that took longer is made durable at once, quicker ones together with others.
_SLOW = 0.005


class Runner:
    """Runs calls one after another in this process, in program order.

    `observers` are told what happens, as is the report. `write_file` puts the value of a Future into the file of a
    `Write`. `run_id` names the run in the metadata, `scratch` is where the directories of calls are made (by default
    the system's place for temporary files).
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
        selection: Selection | None = None,
    ) -> None:
        self.results = results
        self.report = report or RunReport()
        self.observer = observe_all((self.report, *observers))
        self.selection = selection or Selection()
        self.run_id = run_id
        self.scratch = scratch
        self._write_file = write_file

    def evaluate(self, futures: Sequence[Future[Any]], *, stages: Sequence[Stage] = ()) -> list[Any]:
        """Return the values of Futures; equal ones are computed once. Their pending writes are carried out.

        The stages run before all that they do not need.

        Raises `TaskFailedError` where a body raised, and what checking and storing its result raise.
        """
        values = self.evaluate_wanted(futures, futures, stages=stages)
        return [values[future.__merkl_key__()] for future in futures]

    def plan(self, wanted: Sequence[Future[Any]], *, stages: Sequence[Stage] = ()) -> Plan:
        """Return what must run so that the wanted Futures have values."""
        rerun = self.selection.must_rerun if self.selection.rerun else None
        return make_plan(wanted, self.results.peek, stages=stages, rerun=rerun)

    def evaluate_wanted(
        self,
        wanted: Sequence[Future[Any]],
        returned: Sequence[Future[Any]],
        *,
        stages: Sequence[Stage] = (),
    ) -> dict[bytes, Any]:
        """Evaluate all wanted Futures in one plan; load and return, by key, the values of the returned ones only."""
        plan = self.plan(wanted, stages=stages)
        if self.selection.is_frozen:
            refuse_runs(plan, self.results)
        evaluation = _Evaluation(self, plan)
        writes = _pending_writes([*evaluation.ran(), *wanted])
        require_distinct_paths(writes)
        pending_writes.release(writes)
        with InterruptWatch() as watch:
            self.observer.plan_made(evaluation.plan)
            evaluation.run(watch)
            self.selection.settle(plan.missing)
            for write in writes:
                self._write_file(write, evaluation.record_of(write.future), evaluation.value_of(write.future))
        return {future.__merkl_key__(): evaluation.value_of(future) for future in returned}


def _pending_writes(futures: Sequence[Future[Any]]) -> list[Write]:
    keys = {future.__merkl_key__() for future in futures}
    writes = [write for call in dict.fromkeys(f._call for f in futures) for write in call.writes]
    return [write for write in writes if write.future.__merkl_key__() in keys]


class _Evaluation:
    """One plan being carried out: the results so far, of each Future by key."""

    def __init__(self, runner: Runner, plan: Plan) -> None:
        self.runner = runner
        self.results = runner.results
        self.observer = runner.observer
        self.plan = plan
        self.records = dict(plan.records)
        self.fresh: dict[bytes, FreshResult] = {}
        self.tainted: set[bytes] = set()
        self.waiting = dict(plan.consumers)

    def run(self, watch: InterruptWatch) -> None:
        """Run all missing calls in program order."""
        for call in (call for stage in self.plan.stages for call in stage.calls):
            content_keys = {part: self._content_key(part) for part in call.parts}
            linked = [
                part
                for part, key in content_keys.items()
                if key is not None and part.key() not in self.plan.forced and self._link(part, key)
            ]
            rest = call.without(linked)
            if rest is not None:
                self._run_call(rest, content_keys, watch)

    def ran(self) -> list[Future[Any]]:
        """Return the Futures of the missing calls that have a pending write."""
        return [future for call in self.plan.missing if call.writes for future in call.futures()]

    def _run_call(self, call: Call, content_keys: Mapping[Call, bytes | None], watch: InterruptWatch) -> None:
        values = self._arguments(call)
        for part in call.parts:
            self.observer.call_started(part)
        before = watch.count
        scratch = Scratch(self.runner.scratch)
        token = enter_scratch(scratch)
        is_stored = True
        try:
            outcome = run_body(call, values, self._expand)
            is_interrupted = watch.count > before
            is_discarded = is_interrupted and call.task.options.on_interrupt == "discard"
            for part, its_outcome in take_apart(call, outcome):
                alias = None if is_discarded else content_keys[part]
                is_kept = self._keep(part, its_outcome, alias, is_interrupted=is_discarded)
                is_stored = is_stored and is_kept
        except KeyboardInterrupt:
            self._tell_end(call, "interrupted")
            raise
        except Exception as error:
            self._tell_end(call, "failed", error=error)
            raise
        finally:
            leave_scratch(token)
            # A file that is in no cache is the result itself: it stays where the body made it.
            if is_stored:
                scratch.remove()
        self._tell_end(call, "interrupted" if is_interrupted else "run", outcome.duration)

    def _tell_end(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        for part in call.parts:
            self.observer.call_ended(part, status, duration / len(call.parts), error)

    def _expand(self, value: Any) -> Any:
        """Evaluate the Futures in what an expanding task returned, in the same run."""
        futures = find_futures(value)
        values = dict(zip(map(id, futures), self.runner.evaluate(futures), strict=True))
        return replace_futures(value, lambda future: values[id(future)])

    # -- arguments -------------------------------------------------------------------------------------

    def _arguments(self, call: Call) -> tuple[Any, ...]:
        values: list[Any] = []
        for value, encoded in zip(call.values, call.encodings, strict=True):
            if type(encoded) is bytes:
                values.append(value)
            elif type(value) is Future:
                values.append(self._consume(value))
            else:
                values.append(replace_futures(value, self._consume))
        return tuple(values)

    def _consume(self, future: Future[Any]) -> Any:
        value = self.value_of(future)
        key = future.__merkl_key__()
        self.waiting[key] = self.waiting.get(key, 1) - 1
        if self.waiting[key] <= 0 and not future._call.writes:
            self.fresh.pop(key, None)
        return value

    def value_of(self, future: Future[Any]) -> Any:
        """Return the value of a Future whose call has run or was found; one that can be changed is a fresh copy."""
        fresh = self.fresh.get(future.__merkl_key__())
        value: tuple[Any]
        if fresh is not None and fresh.value is not None:
            value = fresh.value
        elif fresh is not None and fresh.encoded is not None:
            value = (self.results.decode(fresh),)
        else:
            value = self._stored_value(future)
        if future._call.task.options.cache_in_memory:
            future._value = value
        return value[0]

    def _stored_value(self, future: Future[Any]) -> tuple[Any]:
        record = self.record_of(future)
        entry = self.plan.entries.get(future.__merkl_key__()) if record.codec != ABSENT else None
        value = None if entry is None else self.results.decode_entry(future, entry)
        return value or self.results.load(future, record) or (self._recompute(future),)

    def record_of(self, future: Future[Any]) -> Record:
        """Return the record of a Future whose call has run or was found."""
        record = self.records.get(future.__merkl_key__())
        if record is None:
            record = self.results.find(future)
        if record is None:
            raise MerklError(f"task {future._call.task.name!r} gave no out {future.out!r}")
        return record

    def _recompute(self, future: Future[Any]) -> Any:
        """Compute again a result whose content turned out to be lost."""
        self.results.forget(future)
        return self.runner.evaluate([future])[0]

    # -- results ---------------------------------------------------------------------------------------

    def _link(self, call: Call, content_key: bytes) -> bool:
        """Find the results of a call under its content key; say whether nothing needs to run."""
        found: list[tuple[Future[Any], bytes, bytes, Record]] = []
        for future in call.futures():
            alias = _content_key_of_out(content_key, future.out)
            other = self.results.find_by_content(call.task, alias)
            if other is None:
                return False
            found.append((future, alias, *other))
        is_tainted = self._is_tainted(call)
        describe = self._describe(call, BodyOutcome.of_link())
        for future, alias, other_key, record in found:
            key = future.__merkl_key__()
            metadata = describe(future, alias, record)
            # A result that is looked at again because of what was run before it is there under its own key.
            is_linked = not is_tainted and (
                key == other_key or self.results.link(call.task, key, other_key, metadata)
            )
            if not is_linked:
                value = self.results.load_key(call.task, other_key, record, future.out)
                if value is None:
                    return False
                self.fresh[key] = FreshResult(record, value, None)
            if is_tainted:
                self.tainted.add(key)
            self.records[key] = record
        self.observer.call_ended(call, "linked")
        return True

    def _is_tainted(self, call: Call) -> bool:
        """Say whether an input of a call is what an interrupted body returned, or was made of that."""
        return bool(self.tainted) and any(f.__merkl_key__() in self.tainted for f in call.inputs())

    def _content_key(self, call: Call) -> bytes | None:
        """Return the content key of a call; None for one without inputs: its recipe says it all."""
        if call.task.is_expanding or not call.has_inputs():
            return None
        return call.content_key(lambda future: identify(self.record_of(future)))

    def _keep(
        self, call: Call, outcome: BodyOutcome, content_key: bytes | None, *, is_interrupted: bool
    ) -> bool:
        """Store what a body gave; say whether all of it is in the cache."""
        is_stored = True
        is_tainted = is_interrupted or not outcome.is_pure or self._is_tainted(call)
        describe = self._describe(call, outcome)
        for future in call.futures():
            key = future.__merkl_key__()
            alias = None if content_key is None else _content_key_of_out(content_key, future.out)
            keys = [] if is_tainted else [key]
            if alias is not None:
                keys.append(alias)
            if not outcome.is_pure:
                keys = []
            metadata = describe(future, alias)
            if (
                is_interrupted and outcome.is_pure
            ):  # no result, but one that `merkl cache accept` can make one
                keys = [bytes.fromhex(interrupted_key(key.hex()))]
                metadata = msgspec.structs.replace(metadata, interrupted=key.hex())
            if future.out in outcome.outs:
                urgent = outcome.duration > _SLOW
                fresh = self.results.save(future, outcome.outs[future.out], keys, metadata, urgent=urgent)
            else:
                fresh = self.results.save_absent(future, keys, metadata)
            if is_tainted and fresh.value is None and fresh.encoded is None:
                fresh.value = (outcome.outs[future.out],)
            self.records[key] = fresh.record
            self.fresh[key] = fresh
            is_stored = is_stored and fresh.is_stored and not is_tainted
            if is_tainted:
                self.tainted.add(key)
        return is_stored

    def _describe(self, call: Call, outcome: BodyOutcome) -> Callable[..., Metadata]:
        """Return a function that gives the metadata of an out, from its Future, content key, and record if known."""
        arguments = describe_arguments(call)
        parents = tuple(dict.fromkeys(f.__merkl_key__().hex() for f in call.inputs()))
        fingerprint = call.fingerprint.hex() if call.fingerprint is not None else ""
        extras = describe_extras(call)

        def describe(future: Future[Any], alias: bytes | None, record: Record | None = None) -> Metadata:
            return Metadata(
                size=record.size if record else 0,
                codec=record.codec if record else "",
                codec_version=record.codec_version if record else 0,
                decode_type=record.decode_type if record else "",
                extra=record.extra if record else "",
                task=f"{call.task.__module__}.{call.task.name}",
                fingerprint=fingerprint,
                arguments=arguments,
                parents=parents,
                extras=extras,
                out=future.out,
                created=time.time(),
                duration=outcome.duration,
                run=self.runner.run_id,
                location=call.location(),
                content_key="" if alias is None else alias.hex(),
                tags=outcome.tags,
            )

        return describe


def _content_key_of_out(content_key: bytes, out: str | None) -> bytes:
    return content_key if out is None else hash_out(content_key, out)
