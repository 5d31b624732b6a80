"""The composition root: builds graphs, has them planned and run, and gives their values."""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
import os
import tempfile
import uuid
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from merkl_serializers import CanonicalRegistry

from merkl._base.config import Settings
from merkl._base.errors import MerklError
from merkl._base.tracebacks import trim_traceback
from merkl.cache import MISSING, BaseCache, Ledger, load, lookup
from merkl.codecs import CodecRegistry
from merkl.execution.events import Observer
from merkl.execution.forecast import RunForecast, predict_seconds
from merkl.execution.interrupts import interrupts
from merkl.execution.logs import LOGGER, LogObserver
from merkl.execution.notebook import NotebookProgress, is_in_notebook
from merkl.execution.origins import Origins
from merkl.execution.parting import parting
from merkl.execution.plan import Plan
from merkl.execution.program import Program, build_program
from merkl.execution.report import RunReport
from merkl.execution.results import Results, identify
from merkl.execution.runner import Runner
from merkl.execution.selection import Selection
from merkl.execution.targets import make_target
from merkl.execution.targets.base import SMALL, Target
from merkl.execution.targets.setup import WorkerSetup
from merkl.execution.writing import FileWriter, read_written
from merkl.files.tracker import FileTracker
from merkl.fingerprint import Fingerprinter
from merkl.graph.building import CallRecorder, GraphEnded, Stage, building, record_calls
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.session import sessions
from merkl.graph.sidecar import Sidecar
from merkl.workspace.journal import Journal
from merkl.workspace.parts import Parts
from merkl.workspace.pool import TargetPool

__all__ = ["RunOutcome", "Workspace", "default_workspace"]


class RunOutcome:
    """What a run gave: the structure with Futures that was returned, the same with values, and the figures."""

    __slots__ = ("report", "result", "returned")

    def __init__(self, returned: Any, result: Any, report: RunReport) -> None:
        self.returned = returned
        self.result = result
        self.report = report


class Workspace:
    """Where results live and how calls run.

    `root` is the project's folder (by default that of the nearest pyproject.toml, see `find_project_root`); results
    live in its `.merkl/`, or in `cache`, a cache or the URL of one. Calls run in this process, on `target=N` processes, or
    on the target of that name in pyproject.toml. Nothing is read or written before the first result is asked for. With
    `keeps_going` a call that fails ends only what needs it; with `accepts_interrupted` what bodies return after Ctrl-C is
    stored like any other result.

    >>> import tempfile
    >>> from merkl import Workspace, task
    >>> @task
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> with tempfile.TemporaryDirectory() as folder, Workspace(folder):
    ...     double(4).eval()
    8
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        cache: BaseCache | str | None = None,
        target: int | str | None = None,
        is_reading: bool = True,
        is_writing: bool = True,
        keeps_going: bool = False,
        accepts_interrupted: bool = False,
    ) -> None:
        given_root = None if root is None else Path(root).absolute()
        self.parts = Parts(given_root, cache, is_reading=is_reading, is_writing=is_writing)
        self._keeps_going = keeps_going
        self._accepts_interrupted = accepts_interrupted
        self._pool = TargetPool(target, self._open_target)
        self._tokens: list[Any] = []
        self._runner: Runner | None = None
        #: Off where the values that are asked for are no run.
        self.writes_log = True
        #: Off where all calls of a pipeline are wanted, not its outputs alone: its body runs to tell them.
        self.recalls_graphs = True
        # The run that evaluations outside of `run` belong to.
        self._session: Journal | None = None

    def look_only(self) -> None:
        """Have a command look at graphs: values asked for on the way are no run, and no task reads the files anew."""
        self.writes_log = False
        self.parts.files.notes_inputs = False

    # -- the parts that others use ------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.parts.root

    @property
    def settings(self) -> Settings:
        """The project's settings."""
        return self.parts.settings

    @property
    def cache(self) -> BaseCache:
        """Where results live."""
        return self.parts.cache

    @property
    def ledger(self) -> Ledger:
        """Runs, metadata and fingerprints, always in the project's own folder, wherever results live."""
        return self.parts.ledger

    @property
    def files(self) -> FileTracker:
        """Content hashes of files, found again by their stat."""
        return self.parts.files

    @property
    def origins(self) -> Origins | None:
        """What made the files that were written; None where nothing is kept."""
        return self.parts.origins

    @property
    def registry(self) -> CanonicalRegistry:
        """Canonical bytes of arguments."""
        return self.parts.registry

    @property
    def codecs(self) -> CodecRegistry:
        """Codecs of results."""
        return self.parts.codecs

    @property
    def fingerprinter(self) -> Fingerprinter:
        """Fingerprints of tasks and classes."""
        return self.parts.fingerprinter

    # -- what graphs ask for ------------------------------------------------------------------------------

    def evaluate_futures(self, futures: Sequence[Future[Any]]) -> list[Any]:
        """Return the values of Futures, from the cache or by running.

        While a graph is built, the stages recorded so far run first. Where nothing may run, `GraphEnded` is raised
        for a value that is not in the cache.
        """
        try:
            return self._evaluate_while_building(futures)
        except (MerklError, KeyboardInterrupt) as error:
            trim_traceback(error)
            raise
        finally:
            self.parts.keep_sources()

    def _evaluate_while_building(self, futures: Sequence[Future[Any]]) -> list[Any]:
        recorder = building.get()
        if recorder is None:
            return self._evaluate(futures)
        if not recorder.may_run:
            runner = self._runner or self._make_runner()
            with record_calls(None):
                if runner.plan(futures).missing:
                    raise GraphEnded(futures)
                return runner.evaluate(futures)
        # What is looked at while bodies run is nothing that the graph depends on; the values are.
        with record_calls(None):
            values = self._evaluate(futures, recorder.pending_stages(), goes_on=True)
        recorder.settle_stages()
        self._note_values(recorder, futures)
        return values

    def _note_values(self, recorder: CallRecorder, futures: Sequence[Future[Any]]) -> None:
        for future in futures:
            options = future._call.task.options
            key = future.__merkl_key__()
            is_lasting = options.cache is None and options.expires is None
            recorder.note_value(key, self.content_identity(key) if is_lasting else None)

    def _evaluate(
        self, futures: Sequence[Future[Any]], stages: Sequence[Stage] = (), *, goes_on: bool = False
    ) -> list[Any]:
        if self._runner is not None:
            return self._runner.evaluate(futures, stages=stages, goes_on=goes_on)
        if not (self.parts.is_writing and self.writes_log):
            return self._make_runner().evaluate(futures, stages=stages)
        if self._session is None:
            self._session = Journal.of_session(self.parts)
            atexit.register(_end_session, weakref.ref(self))
        report = RunReport()
        runner = self._make_runner(report, self._session)
        try:
            values = runner.evaluate(futures, stages=stages)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                runner.give_up()
            self._session.ended(report, error)
            raise
        self._session.ended(report)
        return values

    @property
    def keeps_graphs(self) -> bool:
        """Whether graphs of pipelines are kept and given again."""
        # What runs again may give another value, and so another graph; and of equal calls a kept graph has one, where
        # another is an item of the batch that was chosen.
        selection = None if self._runner is None else self._runner.selection
        is_choosing = selection is not None and bool(selection.rerun or selection.until)
        return self.recalls_graphs and self.parts.is_reading and self.parts.is_writing and not is_choosing

    def recall_graph(self, key: str) -> bytes | None:
        """Return a graph that was kept."""
        return self.parts.graphs.recall(key)

    def keep_graph(self, key: str, content: bytes) -> None:
        """Keep a graph, in place of what was kept under the key."""
        self.parts.graphs.keep(key, content)

    def content_identity(self, key: bytes) -> bytes | None:
        """Return the content identity of a result in the cache, None where there is none."""
        record = lookup(self.cache, key.hex()) if self.parts.is_reading else None
        return None if record is None else identify(record)

    def load_written(self, path: str, sidecar: Sidecar) -> Any:
        """Return the value that a file holds which was written with a sidecar."""
        return read_written(self.codecs, self.parts.trust, path, sidecar)

    def is_cached(self, future: Future[Any]) -> bool:
        """Say whether the value of a Future is in the cache."""
        recorder = building.get()
        if recorder is not None:
            recorder.note_value(future.__merkl_key__(), None)
        return self.parts.results.find(future) is not None

    def forget(self, future: Future[Any]) -> None:
        """Remove the result of a Future from the cache."""
        self.parts.results.forget(future)

    # -- where calls run ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def use_target(self, target: int | str) -> Iterator[None]:
        """Have calls run there inside the block; workers are started for it and ended with it."""
        runner = self._runner
        kept = None if runner is None else runner.target
        with self._pool.choose(target):
            try:
                if runner is not None:
                    runner.target = self._pool.get(runner.run_id)
                yield
            finally:
                if runner is not None:
                    runner.target = kept

    def _open_target(self, name: int | str, run_id: str) -> Target:
        if self.parts.is_writing:
            self.parts.make_home()
        return make_target(name, self.settings.targets, setup=functools.partial(self._worker_setup, run_id))

    def _worker_setup(self, run_id: str) -> WorkerSetup:
        parts = self.parts
        given = (parts.root, parts.cache, parts.is_reading, parts.is_writing, parts.settings)
        return WorkerSetup(_open_worker, given, run_id)

    @property
    def worker_results(self) -> Results:
        """The results of the cache, for a worker: small ones are also handed on with their keys."""
        self.parts.results.hands_over = SMALL
        return self.parts.results

    @property
    def scratch(self) -> Path | None:
        """Where the directories of calls are made; None: in the system's place for temporary files."""
        return self.parts.scratch

    def settle(self) -> None:
        """Make durable all results."""
        self.parts.settle()

    def _make_runner(
        self,
        report: RunReport | None = None,
        journal: Journal | None = None,
        observers: Sequence[Observer] = (),
        *,
        selection: Selection | None = None,
    ) -> Runner:
        run_id = uuid.uuid4().hex if journal is None else journal.run_id
        noted = () if journal is None else journal.observers
        return Runner(
            self.parts.results,
            write_file=FileWriter(self.codecs, self.files, self.origins).write,
            run_id=run_id,
            report=report,
            observers=[*noted, *observers, *_listeners()],
            scratch=self.scratch,
            selection=selection,
            target=self._pool.get(run_id),
            keeps_going=self._keeps_going,
            accepts_interrupted=self._accepts_interrupted,
        )

    # -- runs ---------------------------------------------------------------------------------------------

    def run(
        self,
        make: Callable[[], Any],
        *,
        report: RunReport | None = None,
        observers: Sequence[Observer] = (),
        selection: Selection | None = None,
        command: Sequence[str] = (),
    ) -> RunOutcome:
        """Call a function that makes calls, evaluate what it wants, and return what it gave, with the figures.

        `observers` are told what happens meanwhile. `selection` says what of it is run, or run again. `command` is what the
        ledger says was asked for; let it hold no secrets. What the latest few runs of a function asked for is kept by gc.

        Raises `SelectionError` where what was chosen is not there, `WouldRunError` where nothing may run.
        """
        with self:
            report = report or RunReport()
            is_noted = self.parts.is_writing
            journal = Journal(self.parts, _name_of(make), command=command) if is_noted else None
            self._runner = runner = self._make_runner(report, journal, observers, selection=selection)
            ending = functools.partial(self._end_run, runner, report, journal)
            runner.observer.run_started(runner.run_id)
            try:
                with parting.having(functools.partial(ending, KeyboardInterrupt())):
                    report.is_built = False
                    program = build_program(make)
                    report.is_built = True
                    with interrupts:  # until it is known that all is done, a Ctrl-C finds no other handler
                        outcome = RunOutcome(program.returned, program.evaluate(runner), report)
            except BaseException as error:
                with interrupts.held():
                    ending(error)
                    raise
            finally:
                self._runner = None
            with interrupts.held():
                ending(None)
            return outcome

    def _end_run(
        self, runner: Runner, report: RunReport, journal: Journal | None, error: BaseException | None
    ) -> None:
        """Tell everyone that a run is over, and write it down."""
        if isinstance(error, KeyboardInterrupt):
            runner.give_up()
        try:
            if journal is not None:
                journal.ended(report, error)
        finally:
            runner.observer.run_ended(error)
            self.settle()
            self.parts.results.tell_refused()

    def plan(
        self, make: Callable[[], Any], *, selection: Selection | None = None
    ) -> tuple[Program, Plan, Results]:
        """Call a function that makes calls and return what it made, and which of it would run; nothing runs.

        The third is where results were looked for. Raises `SelectionError` where what was chosen is not there.
        """
        with self:
            selection = selection or Selection()
            self._runner = self._make_runner(selection=selection)
            try:
                program = build_program(make, may_run=False)
                results = self.parts.results_to_look_at()
                return program, program.plan(results, selection), results
            finally:
                self._runner = None

    def forecast(
        self,
        make: Callable[[], Any],
        *,
        selection: Selection | None = None,
        observers: Sequence[Observer] = (),
    ) -> RunForecast:
        """Return what a run would do, in order, with the time that it would take, without running anything.

        `observers` are told of the plan. Raises `SelectionError` where what was chosen is not there.
        """
        with self:
            program, plan, results = self.plan(make, selection=selection)
            for observer in observers:
                observer.plan_made(plan)
            return RunForecast.of(plan, results, self.predictor(), program.depends_on)

    def predictor(self) -> Callable[[Call], float | None]:
        """Return a function that gives the seconds that a call will take, None where earlier runs do not tell."""
        return predict_seconds(self.ledger) if self.ledger.database.path.exists() else lambda call: None

    def load(self, key: str) -> tuple[Any] | None:
        """Return the value under a key of the workspace's cache in a tuple, None where there is none that can be read."""
        value = load(self.cache, key, codecs=self.codecs, trust=self.parts.trust)
        return None if value is MISSING else (value,)

    def holds(self, call: Call) -> bool:
        """Say whether a result of a call is stored, expired or not."""
        cache = self.parts.results.cache_of(call.task)
        return any(cache.has(future.hash) for future in call.futures())

    # -- its end ------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Make durable all results, let go of the cache and of all workers; using the workspace again opens it again."""
        with interrupts.held():
            self._pool.close()
            self._end_session()
            self.parts.close()

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def __enter__(self) -> Workspace:
        self._tokens.append(sessions.enter(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sessions.leave(self._tokens.pop())
        if not self._tokens:
            self.close()


def _listeners() -> list[Observer]:
    """Return the observer that writes to the logger, where somebody listens, and in a notebook the one that shows progress."""
    listeners: list[Observer] = [LogObserver()] if LOGGER.isEnabledFor(logging.INFO) else []
    if is_in_notebook():
        listeners.append(NotebookProgress())
    return listeners


def _end_session(reference: weakref.ref[Workspace]) -> None:
    """Write down, as the process ends, what a workspace that was never closed has evaluated."""
    workspace = reference()
    if workspace is not None:
        workspace._end_session()


def _name_of(make: Callable[[], Any]) -> str:
    function: Any = make.func if isinstance(make, functools.partial) else make
    name = getattr(function, "__qualname__", None) or getattr(function, "name", type(function).__qualname__)
    return f"{getattr(function, '__module__', '?')}.{name}"


def _open_worker(
    root: Path, cache: BaseCache, is_reading: bool, is_writing: bool, settings: Settings
) -> Workspace:
    """Open in a worker the workspace of the run that it works for; on another machine, in a folder of its own."""
    folder = root if root.is_dir() else Path(tempfile.mkdtemp(prefix="merkl-worker-"))
    workspace = Workspace(folder, cache=cache, is_reading=is_reading, is_writing=is_writing)
    workspace.parts.settings = settings
    return workspace.__enter__()


@functools.cache
def default_workspace() -> Workspace:
    """Return the workspace that holds where none was entered."""
    return Workspace()
