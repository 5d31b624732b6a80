"""What is known while a plan is carried out: records and values of results, what was cut short, what is still wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec
from msgspec import UNSET

from merkl._base.errors import MerklError
from merkl.cache import Metadata, Record, interrupted_key
from merkl.execution.body import BodyOutcome, is_as_declared
from merkl.execution.passing import Passing
from merkl.execution.plan import Plan, PlannedStage
from merkl.execution.previews import describe_arguments, describe_extras
from merkl.execution.results import ABSENT, FreshResult, Results, identify, with_record
from merkl.graph.absent import is_optional, without_absent
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures
from merkl.graph.writes import Write
from merkl.hashing.keys import hash_out

__all__ = ["Evaluation"]

#: A call that took longer is made durable at once, quicker ones together with others.
SLOW = 0.005


class Evaluation:
    """One plan being carried out: the results so far, of each Future by key.

    `recompute` gives the value of a Future whose stored content turned out to be lost.
    """

    def __init__(
        self, results: Results, plan: Plan, *, run_id: str, recompute: Callable[[Future[Any]], Any]
    ) -> None:
        self.results = results
        self.plan = plan
        self.run_id = run_id
        # The plan has been made: what it knows and counts goes on here. A copy of each takes a tenth of what a call does.
        self.records = plan.records
        self.fresh: dict[bytes, FreshResult] = {}
        self.tainted: set[bytes] = set()
        #: The calls that turned out to need a tainted result.
        self.tainted_calls: set[bytes] = set()
        self.waiting = plan.consumers
        #: What failed, and the keys of the calls that failed or needed what did.
        self.failures: list[MerklError] = []
        self.without: set[bytes] = set()
        #: Calls were added since the plan was made, so that some that it has may be done.
        self.is_extended = False
        #: Writes that were asked for while calls ran.
        self.writes: list[Write] = []
        self._may_extend = any(call.task.is_expanding for call in plan.missing)
        self._passes_on = _pass_on(plan)
        #: What interrupted bodies return is stored as if they had not been.
        self.accepts_interrupted = False
        #: Where the results go that later evaluations of the run need and no cache gives; None: there are no later ones.
        self.passing: Passing | None = None
        self._recompute = recompute

    def take_fresh(self, key: bytes, fresh: FreshResult, *, is_tainted: bool) -> None:
        """Note a result that was made in this run; a tainted one has no key in the cache."""
        self.fresh[key] = fresh
        if is_tainted:
            self.tainted.add(key)
        if fresh.is_stored and not is_tainted:
            self.results.nesting.note(key)
        if self.passing is not None and (is_tainted or not (fresh.is_stored and self.results.is_reading)):
            self.passing.add(key, fresh, is_tainted=is_tainted)

    def extend(self, plan: Plan) -> list[PlannedStage]:
        """Take in the plan of what a call turned out to need; return the calls of it that have not ended well."""
        self.is_extended = True
        self._passes_on = self._passes_on or _pass_on(plan)
        for key, record in plan.records.items():
            self.records.setdefault(key, record)
        self.plan.entries.update(plan.entries)
        self.plan.forced.update(plan.forced)
        for key, count in plan.consumers.items():
            self.waiting[key] = self.waiting.get(key, 0) + count
        plan.missing = [call for call in plan.missing if not self.is_done(call)]
        plan.stages = [
            PlannedStage([rest for call in calls if (rest := self.without_done(call)) is not None], after)
            for calls, after in plan.stages
        ]
        return plan.stages

    def is_done(self, call: Call) -> bool:
        """Say whether all results of a call are known."""
        return all(future.__merkl_key__() in self.records for future in call.futures())

    def without_done(self, call: Call) -> Call | None:
        """Return the call for those of its parts that are not done; None if all are."""
        return call.without([part for part in call.parts if self.is_done(part)])

    def take_made(self, call: Call) -> Call | None:
        """Take the results of a call that an evaluation inside of a body has stored meanwhile; return what is left of it."""
        if not self.results.nesting.count:
            return call
        return call.without([part for part in call.parts if self._has_taken(part)])

    def _has_taken(self, call: Call) -> bool:
        if call.key() in self.plan.forced or not self.results.nesting.has_made(call.out_keys()):
            return False
        found = {future.__merkl_key__(): self.results.find(future) for future in call.futures()}
        records = {key: record for key, record in found.items() if record is not None}
        if len(records) < len(found):
            return False
        self.records.update(records)
        return True

    def lacks_inputs(self, call: Call) -> bool:
        """Say whether a call failed, or needs what failed."""
        return bool(self.without) and (
            any(part.key() in self.without for part in call.parts)
            or any(future._call.key() in self.without for future in call.inputs())
        )

    # -- values ----------------------------------------------------------------------------------------

    def arguments(self, call: Call) -> tuple[Any, ...]:
        """Return the arguments of a call with the value of every Future in its place."""
        values: list[Any] = []
        for index, (value, encoded) in enumerate(zip(call.values, call.encodings, strict=True)):
            if type(encoded) is bytes:
                values.append(value)
            elif type(value) is Future:
                values.append(self._consume(value))
            else:
                if any(is_optional(future) for future in find_futures(value)):
                    hint = call.task.signature.parameters[index].hint
                    value = without_absent(value, hint, self._is_absent)
                values.append(replace_futures(value, self._consume))
        return tuple(values)

    def _is_absent(self, future: Future[Any]) -> bool:
        return is_optional(future) and self.record_of(future).codec == ABSENT

    def _consume(self, future: Future[Any]) -> Any:
        key = future.__merkl_key__()
        value = self._value_under(key, future)
        left = self.waiting[key] = self.waiting.get(key, 1) - 1
        if left <= 0 and not future._call.writes:
            self.fresh.pop(key, None)
        return value

    def remove_used(self, call: Call) -> None:
        """Remove from the cache those inputs of a call that has ended which were to be kept only for it."""
        if not self._passes_on:
            return
        for future in call.inputs():
            is_passing = future._call.task.options.keep == "until-used"
            if is_passing and self.waiting.get(future.__merkl_key__(), 0) <= 0:
                self.results.forget(future)

    def release_inputs(self, call: Call) -> None:
        """Note that a call that ran elsewhere has used its inputs."""
        for future in call.inputs():
            key = future.__merkl_key__()
            self.waiting[key] = self.waiting.get(key, 1) - 1
            fresh = self.fresh.get(key)
            # A small one that a worker has not committed yet is nowhere else, should another call turn out to need it.
            is_spare = fresh is not None and not (fresh.is_stored and self._may_extend)
            if is_spare and self.waiting[key] <= 0 and not future._call.writes:
                self.fresh.pop(key, None)
        self.remove_used(call)

    def value_of(self, future: Future[Any]) -> Any:
        """Return the value of a Future whose call has run or was found; one that can be changed is a fresh copy."""
        return self._value_under(future.__merkl_key__(), future)

    def _value_under(self, key: bytes, future: Future[Any]) -> Any:
        fresh = self.fresh.get(key)
        value: tuple[Any]
        if fresh is not None and fresh.value is not UNSET:
            kept = fresh.value
            value = ([*kept] if type(kept) is list else kept,)
        elif fresh is not None and fresh.encoded is not None and fresh.record.codec != ABSENT:
            value = (self.results.decode(fresh),)
        else:
            value = self._stored_value(future, key)
        if future._call.task.options.cache_in_memory:
            future._value = value
        return value[0]

    def _stored_value(self, future: Future[Any], key: bytes) -> tuple[Any]:
        record = self.records.get(key) or self.record_of(future)
        entry = self.plan.entries.get(key) if record.codec != ABSENT else None
        value = None if entry is None else self.results.decode_entry(future, entry)
        value = value or self.results.load(future, record)
        if value is not None and (key in self.fresh or is_as_declared(future, value[0])):
            return value
        value = (self._recompute(future),)
        # What is computed again may differ from what was there.
        self.records[key] = self.results.find(future) or record
        return value

    def record_of(self, future: Future[Any]) -> Record:
        """Return the record of a Future whose call has run or was found."""
        record = self.records.get(future.__merkl_key__())
        if record is None:
            record = self.results.find(future)
        if record is None:
            raise MerklError(f"task {future._call.task.name!r} gave no out {future.out!r}")
        return record

    def replace(self, future: Future[Any], value: Any) -> None:
        """Take a value that was computed again for that of a Future; one that the cache did not take is held here."""
        key = future.__merkl_key__()
        self.fresh.pop(key, None)
        record = self.results.find(future)
        if record is None:
            held = self.results.hold(future, value)
            if held is not None:
                self.take_fresh(key, held, is_tainted=key in self.tainted)
                record = held.record
        if record is not None:
            self.records[key] = record

    # -- content keys ----------------------------------------------------------------------------------

    def content_key(self, call: Call) -> bytes | None:
        """Return the content key of a call; None for one without inputs: its recipe says it all."""
        if call.task.is_expanding or not call.has_inputs():
            return None
        return call.content_key(self._identity_of)

    def _identity_of(self, future: Future[Any]) -> bytes:
        record = self.records.get(future.__merkl_key__())
        return identify(self.record_of(future) if record is None else record)

    def link(self, call: Call, content_key: bytes) -> bool:
        """Find the results of a call under its content key; say whether nothing needs to run."""
        found: list[tuple[bytes, bytes, Record]] = []
        for out in call.outs.names():
            alias = content_key if out is None else hash_out(content_key, out)
            other = self.results.find_by_content(call, alias)
            if other is None:
                return False
            found.append((alias, *other))
        is_tainted = self._is_tainted(call)
        described = self._describe(call, BodyOutcome.of_link(), content_key)
        for future, (alias, other_key, record) in zip(call.futures(), found, strict=True):
            key = future.__merkl_key__()
            metadata = with_record(_of_out(described, future.out, alias), record)
            # A result that is looked at again because of what was run before it is there under its own key.
            is_linked = not is_tainted and (
                key == other_key or self.results.link(call.task, key, other_key, metadata)
            )
            if not is_linked:
                value = self.results.load_key(call.task, other_key, record, future.out)
                if value is None or not is_as_declared(future, value[0]):
                    return False
                self.take_fresh(key, FreshResult(record, value[0], None), is_tainted=is_tainted)
            elif is_tainted:
                self.tainted.add(key)
            self.records[key] = record
        return True

    def _is_tainted(self, call: Call) -> bool:
        """Say whether an input of a call is what an interrupted body returned, or was made of that."""
        return bool(self.tainted) and (call.key() in self.tainted_calls or self.are_tainted(call.inputs()))

    def are_tainted(self, futures: Iterable[Future[Any]]) -> bool:
        """Say whether one of these is what an interrupted body returned, or was made of that."""
        return bool(self.tainted) and any(f.__merkl_key__() in self.tainted for f in futures)

    # -- results ---------------------------------------------------------------------------------------

    def keep(
        self,
        call: Call,
        outcome: BodyOutcome,
        content_key: bytes | None,
        *,
        is_interrupted: bool,
        is_accepted: bool = False,
    ) -> bool:
        """Store what a body gave; say whether all of it is in the cache.

        With `is_interrupted` it is no result; with `is_accepted` it is one, of a body that was interrupted.
        """
        is_stored = True
        is_tainted = is_interrupted or not outcome.is_pure or self._is_tainted(call)
        described = self._describe(call, outcome, content_key)
        if is_accepted:
            described = msgspec.structs.replace(described, accepted=True)
        for out, key in zip(call.outs.names(), call.out_keys(), strict=True):
            alias = content_key if content_key is None or out is None else hash_out(content_key, out)
            keys = [] if is_tainted else [key]
            if alias is not None:
                keys.append(alias)
            if not outcome.is_pure:
                keys = []
            metadata = _of_out(described, out, alias)
            if is_interrupted and outcome.is_pure:
                # No result, but one that `merkl cache accept` can make one.
                keys = [bytes.fromhex(interrupted_key(key.hex()))]
                metadata = msgspec.structs.replace(metadata, interrupted=key.hex())
            if out in outcome.outs:
                urgent = outcome.duration > SLOW
                value = outcome.outs[out]
                fresh = self.results.save(call, value, keys, metadata, urgent=urgent, is_held=is_tainted)
            else:
                fresh = self.results.save_absent(call, keys, metadata)
            self.records[key] = fresh.record
            self.take_fresh(key, fresh, is_tainted=is_tainted)
            is_stored = is_stored and fresh.is_stored and not is_tainted
        return is_stored

    def _describe(self, call: Call, outcome: BodyOutcome, content_key: bytes | None) -> Metadata:
        """Return the metadata of a call's single out, which those of several have in common but for name and content key."""
        task = call.task
        parents: Collection[bytes] = [future.__merkl_key__() for future in call.inputs()]
        if len(parents) > 1:
            parents = dict.fromkeys(parents)
        return Metadata(
            task=f"{task.__module__}.{task.name}",
            fingerprint="" if call.fingerprint is None else call.fingerprint.hex(),
            arguments=describe_arguments(call),
            parents=tuple([key.hex() for key in parents]),
            extras=describe_extras(call) if call.extras else (),
            created=time.time(),
            duration=outcome.duration,
            peak_memory=outcome.peak_memory,
            run=self.run_id,
            location=call.location(),
            content_key="" if content_key is None else content_key.hex(),
            tags=outcome.tags,
            output=outcome.output,
        )


def _of_out(described: Metadata, out: str | None, content_key: bytes | None) -> Metadata:
    if out is None:
        return described
    return msgspec.structs.replace(
        described, out=out, content_key="" if content_key is None else content_key.hex()
    )


def _pass_on(plan: Plan) -> bool:
    """Say whether a call of a plan may have inputs that are kept only until they are used."""
    tasks = {call.task for calls in (plan.missing, plan.found) for call in calls}
    return any(task.options.keep == "until-used" for task in tasks)
