"""What a worker does with a ticket: load the inputs by key, link or run the call, commit its results, and reply."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from merkl._base.errors import CacheError, MerklWarning, TargetError
from merkl.cache import BaseCache, Metadata
from merkl.execution.audit import BodyWatch
from merkl.execution.calls import link_parts, run_call
from merkl.execution.evaluation import Evaluation
from merkl.execution.events import Status
from merkl.execution.interrupts import interrupts
from merkl.execution.memory import PeakMeter
from merkl.execution.plan import Plan
from merkl.execution.results import Results
from merkl.execution.targets.base import SMALL, Death, KnownResult, Reply, Ticket
from merkl.execution.targets.by_name import is_by_name
from merkl.execution.targets.failures import dump_error
from merkl.execution.targets.reached import Reached, differs_here
from merkl.execution.targets.tickets import load_call
from merkl.graph.call import Call
from merkl.graph.future import Future

__all__ = ["Worker", "WorkerSession"]


#: The metadata of the results that the ticket at hand has stored.
_stored: ContextVar[list[tuple[str, Metadata]] | None] = ContextVar("merkl_stored", default=None)


class WorkerSession(Protocol):
    """What a worker needs of a workspace that is opened in its process."""

    @property
    def worker_results(self) -> Results:
        """The results of the run's cache."""
        ...

    @property
    def scratch(self) -> Path | None:
        """Where the directories of calls are made."""
        ...

    def settle(self) -> None:
        """Make durable all results."""
        ...

    def evaluate_futures(self, futures: Any) -> list[Any]:
        """Return the values of Futures, by running here what is missing."""
        ...


def _load(payload: bytes) -> Call:
    """Return the call of a ticket; raises `TargetError` where the modules that it needs are not here."""
    try:
        return load_call(payload)
    except (ImportError, AttributeError) as error:
        where = f"in {os.getcwd()} on {socket.gethostname()}"
        raise TargetError(
            f"a worker ({where}, {sys.executable}) cannot import what a call needs: {error}. Have the project there at the same "
            "state, installed or in PYTHONPATH, with all that it imports"
        ) from error


class Worker:
    """Carries out tickets in this process, one at a time.

    With `collects_warnings` MerkL's own warnings come back with the reply; not for several threads. `on_attempt` is
    told when an attempt at a call with a timeout begins. With `returns_metadata` that of results comes back with the
    reply: where this is another machine, what is written down here is not what the run reads.
    """

    def __init__(
        self,
        session: WorkerSession,
        run_id: str,
        *,
        on_attempt: Callable[[], None] | None = None,
        collects_warnings: bool = True,
        returns_metadata: bool = False,
    ) -> None:
        self._session = session
        self._run_id = run_id
        self._on_attempt = on_attempt
        #: What bodies print is seen where the run is.
        self._is_here = not returns_metadata
        if returns_metadata:
            _listen(session.worker_results)
        self._collects_warnings = collects_warnings
        self._is_collecting = False
        self._said: list[tuple[type[Warning], str]] = []
        #: Tasks that came along, with what they reach here: the same as where they came from.
        self._compared: set[tuple[object, Reached]] = set()
        #: What was warned of when results were made durable.
        self._settled: set[tuple[type[Warning], str]] = set()
        #: Warnings that came between two tickets, as of what is stored in the background.
        self._late: list[tuple[type[Warning], str]] = []
        # Where several threads work, the process is not ours alone either.
        self._meter = PeakMeter(is_ours=collects_warnings)
        self._watch: BodyWatch | None = None

    @contextlib.contextmanager
    def collecting_warnings(self) -> Iterator[None]:
        """Collect warnings for all tickets that are carried out inside the block: to begin with that takes a while."""
        self._is_collecting = True
        try:
            with _collect_warnings(self._said):
                yield
        finally:
            self._is_collecting = False

    def note_warning(self, category: type[Warning], text: str) -> None:
        """Take a warning that came between two tickets: it goes along with the next reply."""
        self._late.append((category, text))

    def settle(self) -> tuple[tuple[type[Warning], str], ...]:
        """Make durable all results; return what there was to warn of, each once."""
        self._said.clear()
        with self.collecting_warnings():
            self._session.settle()
            self._session.worker_results.tell_refused()
        new = tuple(said for said in (*self._take_late(), *self._said) if said not in self._settled)
        self._settled.update(new)
        return new

    def carry_out(self, ticket: Ticket) -> Reply:
        """Carry out one ticket; whatever goes wrong is in the reply."""
        if self._collects_warnings and not self._is_collecting:
            with self.collecting_warnings():
                return self.carry_out(ticket)
        self._said.clear()
        stored: list[tuple[str, Metadata]] = []
        token = _stored.set(stored)
        try:
            call = _load(ticket.payload)
            if self._differs(call, ticket.reached):
                return Reply(ticket.key, "failed", differs=True)
            if ticket.audited is not None and self._watch is None:
                self._watch = BodyWatch(ticket.audited)
            reply = self._run(call, ticket)
        except KeyboardInterrupt:
            reply = Reply(ticket.key, "interrupted")
        except _LostInput as lost:
            reply = Reply(ticket.key, "failed", lost=lost.key)
        except BaseException as error:  # noqa: BLE001 - the parent decides what it means
            reply = Reply(ticket.key, "failed", error=dump_error(error), was_shown=self._is_here)
        finally:
            _stored.reset(token)
        if self._watch is not None:
            reply = msgspec.structs.replace(reply, findings=self._watch.take())
        if self._said or self._late or stored:
            said = (*self._take_late(), *self._said)
            reply = msgspec.structs.replace(reply, warnings=said, metadata=tuple(stored))
        return reply

    def _take_late(self) -> list[tuple[type[Warning], str]]:
        late, self._late = self._late, []
        return late

    def _differs(self, call: Call, reached: Reached) -> bool:
        """Say whether the task, or what comes along reaches in modules, is another one here than where the call was made."""
        task = call.parts[0].task
        if is_by_name(task) and task.fingerprint().digest != call.parts[0].fingerprint:
            return True
        # What came along is the same for all calls of a task: to look at it each time takes the longest of all.
        if reached and (task, reached) not in self._compared:
            if differs_here(reached):
                return True
            self._compared.add((task, reached))
        return False

    def _run(self, call: Call, ticket: Ticket) -> Reply:
        plan = Plan()
        results = self._session.worker_results
        evaluation = Evaluation(results, plan, run_id=self._run_id, recompute=_lost)
        for future in call.inputs():
            key = future.__merkl_key__()
            evaluation.waiting[key] = evaluation.waiting.get(key, 0) + 1
        for key, known in ticket.inputs.items():
            evaluation.records[key] = known.record
            if known.fresh is not None:
                evaluation.fresh[key] = known.fresh
            if known.is_tainted:
                evaluation.tainted.add(key)
            if known.is_own:
                results.take_for_own(known.record)
        plan.forced.update(ticket.forced)
        evaluation.accepts_interrupted = ticket.accepts_interrupted
        status: Status = "linked"
        duration = 0.0
        linked, rest, content_keys = link_parts(evaluation, call)
        if rest is not None:
            values = evaluation.arguments(rest)
            if interrupts.take():
                return Reply(ticket.key, "failed", death=Death(None, is_unstarted=True))
            status, duration = run_call(
                evaluation,
                rest,
                values,
                content_keys,
                interrupts,
                expand=lambda value: value,
                scratch_parent=self._session.scratch,
                meter=self._meter,
                watch=self._watch,
                is_copy=True,
                on_attempt=None if ticket.timeout is None else self._on_attempt,
                retries=ticket.retries,
            )
        outs = self._outs(evaluation, call)
        return Reply(ticket.key, status, duration, outs, frozenset(part.key() for part in linked))

    def _outs(self, evaluation: Evaluation, call: Call) -> dict[bytes, KnownResult]:
        outs: dict[bytes, KnownResult] = {}
        #: What others are to find in the cache.
        large: list[Future[Any]] = []
        for future in call.futures():
            key = future.__merkl_key__()
            record = evaluation.records[key]
            fresh = evaluation.fresh.get(key)
            is_tainted = key in evaluation.tainted
            if fresh is None:  # found under its content key: the row that says so is not written yet
                large.append(future)
            elif fresh.is_stored and not is_tainted:
                if record.size > SMALL or (fresh.value is UNSET and fresh.encoded is None):
                    fresh = None
                    large.append(future)
            outs[key] = KnownResult(record, fresh, is_tainted)
        if large:
            try:
                evaluation.results.cache_of(call.task).flush()
            except CacheError:  # a full disk: they travel by value, and the run goes on
                for future in large:
                    outs[future.__merkl_key__()] = self._held(evaluation, future)
        return outs

    @staticmethod
    def _held(evaluation: Evaluation, future: Future[Any]) -> KnownResult:
        """Return a result that the cache has not got by value; raises `CacheError` where it is too large for that."""
        held = evaluation.results.hold(future, evaluation.value_of(future))
        if held is None:
            evaluation.results.cache_of(future._call.task).flush()
        record = evaluation.records[future.__merkl_key__()] if held is None else held.record
        return KnownResult(record, held, is_tainted=False)


def _listen(results: Results) -> None:
    """Have the metadata of what is stored noted with the ticket at hand, too."""
    tell = results.remember

    def remember(cache: BaseCache | None, key: str, metadata: Metadata) -> None:
        stored = _stored.get()
        if stored is not None and cache is not None:
            stored.append((key, metadata))
        if tell is not None:
            tell(cache, key, metadata)

    results.remember = remember


class _LostInput(Exception):
    """The content of an input is not in the cache any more."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.key = key


def _lost(future: Future[Any]) -> Any:
    raise _LostInput(future.__merkl_key__())


@contextlib.contextmanager
def _collect_warnings(said: list[tuple[type[Warning], str]]) -> Iterator[None]:
    """Gather MerkL's own warnings, to be given where the run is; what bodies warn of shows as ever."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def note(message: Any, category: Any, *rest: Any, **named: Any) -> None:
            if isinstance(category, type) and issubclass(category, MerklWarning):
                said.append((category, str(message)))
            else:
                show(message, category, *rest, **named)

        warnings.showwarning = note
        warnings.simplefilter("always", MerklWarning)
        yield
