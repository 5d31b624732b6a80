"""The composition root: from settings to caches, fingerprints and runners."""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import logging
import os
import sys
import tempfile
import types
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, overload

from merkl_serializers import CanonicalRegistry, UnserializableError, default_registry

from merkl._base.config import Settings, find_project_root, load_settings
from merkl._base.errors import CacheError, MerklWarning, SerializationError
from merkl.cache import (
    MISSING,
    BaseCache,
    Database,
    FileCache,
    Ledger,
    Metadata,
    SqliteCache,
    Trust,
    load,
    lookup,
    nearest,
    open_configured,
    open_relative,
)
from merkl.codecs import CodecRegistry, default_codecs
from merkl.execution.chronicle import Chronicle
from merkl.execution.events import Observer
from merkl.execution.forecast import RunForecast, predict_seconds
from merkl.execution.logs import LOGGER, LogObserver
from merkl.execution.migrations import declared_successors, load_migrations
from merkl.execution.origins import Origins
from merkl.execution.plan import Plan
from merkl.execution.program import Program, build_program
from merkl.execution.report import RunReport
from merkl.execution.results import Results, identify
from merkl.execution.runner import Runner
from merkl.execution.selection import Selection
from merkl.execution.targets import make_target
from merkl.execution.targets.base import Target
from merkl.execution.targets.local import WorkerSetup
from merkl.execution.targets.worker import SMALL
from merkl.execution.upkeep import Upkeep
from merkl.execution.writing import FileWriter, read_written
from merkl.files.codec import register_codecs
from merkl.files.identity import register_canonical
from merkl.files.tracker import FileTracker
from merkl.fingerprint import Fingerprinter, SourceStore
from merkl.graph.building import CallRecorder, GraphEnded, Stage, building, record_calls
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures
from merkl.graph.session import sessions
from merkl.graph.sidecar import Sidecar
from merkl.graph.task import Task

__all__ = ["RunOutcome", "Workspace", "digest", "evaluate"]

K = TypeVar("K")
T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


#: The kind of the ledger's notes that hold graphs of pipelines.
_GRAPHS = "graph"


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
        self._accepts_interrupted = accepts_interrupted
        self._given_target = target
        self._keeps_going = keeps_going
        self._targets: dict[int | str, Target] = {}
        self._given_root = None if root is None else Path(root).absolute()
        self._given_cache = cache
        self._is_reading = is_reading
        self._is_writing = is_writing
        self._tokens: list[Any] = []
        self._runner: Runner | None = None
        self._unwritten_graphs: dict[str, bytes] = {}
        #: Off where a command only looks at graphs: the values that they ask for on the way are no run.
        self.writes_log = True
        # The run that evaluations outside of `run` belong to.
        self._session: Chronicle | None = None
        self._session_upkeep: Upkeep | None = None

    # -- the parts, each made when first needed ---------------------------------------------------------

    @functools.cached_property
    def root(self) -> Path:
        """The project's folder."""
        return self._given_root if self._given_root is not None else find_project_root()

    @functools.cached_property
    def settings(self) -> Settings:
        """The project's settings."""
        return load_settings(self.root)

    @functools.cached_property
    def cache(self) -> BaseCache:
        """Where results live."""
        given = self._given_cache
        if isinstance(given, BaseCache):
            return given
        return open_relative(given, self.root) if given else open_configured(self.settings.cache, self.root)

    @functools.cached_property
    def database(self) -> Database:
        """The project's own records, in its `.merkl/`; made when first used."""
        home = self.root / ".merkl"
        database = _database_of(self.cache)
        return (
            database if database is not None and database.path.parent == home else Database(home / "merkl.db")
        )

    @functools.cached_property
    def ledger(self) -> Ledger:
        """Runs, metadata and fingerprints, always in the project's own folder, wherever results live."""
        return Ledger(self.database)

    @functools.cached_property
    def files(self) -> FileTracker:
        """Content hashes of files, found again by their stat; kept once the project has a database."""
        tracker = FileTracker(root=self.root)
        if self._is_reading and (self.root / ".merkl" / "merkl.db").exists():
            tracker.attach(self.database, is_writing=self._is_writing)
        return tracker

    @functools.cached_property
    def origins(self) -> Origins | None:
        """What made the files that were written; None where nothing is kept."""
        is_kept = self._is_reading and self._is_writing
        return (
            Origins(self.database, self.files, self.root, lambda: declared_successors(self.ledger))
            if is_kept
            else None
        )

    @functools.cached_property
    def registry(self) -> CanonicalRegistry:
        """Canonical bytes of arguments."""
        return default_registry

    @functools.cached_property
    def codecs(self) -> CodecRegistry:
        """Codecs of results."""
        codecs = default_codecs()
        register_codecs(codecs, self.root / ".merkl" / "views")
        return codecs

    @functools.cached_property
    def fingerprinter(self) -> Fingerprinter:
        """Fingerprints of tasks and classes."""
        return Fingerprinter(
            encode=lambda value: self.registry.encode(value, resolve=_key_of).data,
            project_root=self.root,
            track=self.settings.track,
            package_versions=self.settings.package_versions,
            hash_store=self._source_store,
            classes_in=self._encode_with_classes,
        )

    def _encode_with_classes(self, value: object) -> tuple[bytes, Iterable[type]]:
        encoded = self.registry.encode(value, resolve=_key_of)
        return encoded.data, encoded.classes

    @functools.cached_property
    def _source_store(self) -> SourceStore:
        return SourceStore(self.root / ".merkl" / "sources")

    # -- what graphs ask for ------------------------------------------------------------------------------

    def evaluate_futures(self, futures: Sequence[Future[Any]]) -> list[Any]:
        """Return the values of Futures, from the cache or by running.

        While a graph is built, the stages recorded so far run first. Where nothing may run, `GraphEnded` is raised
        for a value that is not in the cache.
        """
        try:
            return self._evaluate_while_building(futures)
        finally:
            self._keep_sources()

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
            values = self._evaluate(futures, recorder.pending_stages())
        recorder.settle_stages()
        self._note_values(recorder, futures)
        return values

    def _note_values(self, recorder: CallRecorder, futures: Sequence[Future[Any]]) -> None:
        for future in futures:
            options = future._call.task.options
            key = future.__merkl_key__()
            is_lasting = options.cache is None and options.expires is None
            recorder.note_value(key, self.content_identity(key) if is_lasting else None)

    @property
    def keeps_graphs(self) -> bool:
        """Whether graphs of pipelines are kept and given again."""
        # What runs again may give another value, and so another graph.
        is_rerun = self._runner is not None and bool(self._runner.selection.rerun)
        return self._is_reading and self._is_writing and not is_rerun

    def recall_graph(self, key: str) -> bytes | None:
        """Return a graph that was kept."""
        if key in self._unwritten_graphs or not self.ledger.database.path.exists():
            return self._unwritten_graphs.get(key)
        try:
            content = self.ledger.noted(_GRAPHS, key)
            return base64.b64decode(content) if isinstance(content, str) else None
        except (CacheError, ValueError):  # a database in trouble, or a damaged row
            return None

    def keep_graph(self, key: str, content: bytes) -> None:
        """Keep a graph, in place of what was kept under the key; a database in trouble costs nothing but time.

        Where nothing is stored yet, that waits for the first result: to build graphs leaves no trace.
        """
        if not self.ledger.database.path.exists():
            self._unwritten_graphs[key] = content
            return
        with contextlib.suppress(CacheError):
            self.ledger.note(_GRAPHS, key, base64.b64encode(content).decode())

    def _write_graphs(self) -> None:
        with contextlib.suppress(CacheError):
            for key, content in self._unwritten_graphs.items():
                self.ledger.note(_GRAPHS, key, base64.b64encode(content).decode())
            self._unwritten_graphs.clear()

    def content_identity(self, key: bytes) -> bytes | None:
        """Return the content identity of a result in the cache, None where there is none."""
        record = lookup(self.cache, key.hex()) if self._is_reading else None
        return None if record is None else identify(record)

    def _evaluate(self, futures: Sequence[Future[Any]], stages: Sequence[Stage] = ()) -> list[Any]:
        if self._runner is not None:
            return self._runner.evaluate(futures, stages=stages)
        if not (self._is_writing and self.writes_log):
            return self._make_runner().evaluate(futures, stages=stages)
        if self._session is None:
            self._session = self._make_chronicle()
            self._session_upkeep = self._make_upkeep(sys.argv[0] if sys.argv else "")
            self._session_upkeep.run_started(self._session.run_id)
            atexit.register(_end_session, weakref.ref(self))
        report = RunReport()
        with self._chronicled(self._session, report):
            observers = (self._session_upkeep,) if self._session_upkeep is not None else ()
            return self._make_runner(report, self._session, observers).evaluate(futures, stages=stages)

    def load_written(self, path: str, sidecar: Sidecar) -> Any:
        """Return the value that a file holds which was written with a sidecar."""
        return read_written(self.codecs, self._results.trust, path, sidecar)

    def is_cached(self, future: Future[Any]) -> bool:
        """Say whether the value of a Future is in the cache."""
        recorder = building.get()
        if recorder is not None:
            recorder.note_value(future.__merkl_key__(), None)
        return self._results.find(future) is not None

    def forget(self, future: Future[Any]) -> None:
        """Remove the result of a Future from the cache."""
        self._results.forget(future)

    @functools.cached_property
    def _results(self) -> Results:
        return self._make_results(is_reading=self._is_reading)

    def _make_results(self, *, is_reading: bool) -> Results:
        trust = Trust.from_environment(allow_pickle=self.settings.cache.allow_pickle)
        return Results(
            self.cache,
            self.codecs,
            trust=trust,
            is_reading=is_reading,
            is_writing=self._is_writing,
            before_first_store=self._make_home,
            remember=self._remember,
            root=self.root,
            load_migrations=lambda: load_migrations(self.ledger),
        )

    def _remember(self, cache: BaseCache, key: str, metadata: Metadata) -> None:
        """Keep the metadata of a result that another cache than the workspace's own has stored."""
        if _database_of(cache) is not self.ledger.database:
            self.ledger.record(key, metadata)

    def _keep_sources(self) -> None:
        """Keep what source files say for the next process, where results are kept too."""
        if self._is_writing and (self.root / ".merkl").is_dir():
            self._source_store.flush()

    def _make_home(self) -> None:
        """Make the folder of results, kept out of version control, and say where it is unless the user chose it."""
        home = self.root / ".merkl"
        if self._is_reading:
            self.files.attach(self.database)
        if not (home / ".gitignore").exists():
            with contextlib.suppress(OSError):
                home.mkdir(parents=True, exist_ok=True)
                (home / ".gitignore").write_text("*\n", encoding="utf-8")
                if self._given_root is None and isinstance(self.cache, SqliteCache):
                    sys.stderr.write(f"merkl: results are kept in {home}\n")
        self._write_graphs()

    def _is_in_folder(self) -> bool:
        return isinstance(nearest(self.cache), (SqliteCache, FileCache))

    @property
    def worker_results(self) -> Results:
        """The results of the cache, for a worker: small ones are also handed on with their keys."""
        self._results.hands_over = SMALL
        return self._results

    @property
    def scratch(self) -> Path | None:
        """Where the directories of calls are made; None: in the system's place for temporary files."""
        home = self.root / ".merkl"
        is_ours = self._is_writing and self._is_in_folder() and home.exists()
        return home / "scratch" if is_ours else None

    def settle(self) -> None:
        """Make durable all results."""
        if "cache" in self.__dict__:
            self._settle_cache(self.cache.flush)

    def _target_of(self, name: int | str | None, run_id: str) -> Target | None:
        if name is None:
            return None
        if name not in self._targets:
            if self._is_writing:
                self._make_home()
            setup = functools.partial(self._worker_setup, run_id)
            self._targets[name] = make_target(name, self.settings.targets, setup=setup)
        return self._targets[name]

    def _worker_setup(self, run_id: str) -> WorkerSetup:
        return WorkerSetup(
            _open_worker, (self.root, self.cache, self._is_reading, self._is_writing, self.settings), run_id
        )

    @contextlib.contextmanager
    def use_target(self, target: int | str) -> Iterator[None]:
        """Have calls run there inside the block; workers are started for it and ended with it."""
        before, others = self._given_target, self._targets
        runner = self._runner
        kept = None if runner is None else runner.target
        self._given_target, self._targets = target, {}
        try:
            if runner is not None:
                runner.target = self._target_of(target, runner.run_id)
            yield
        finally:
            if runner is not None:
                runner.target = kept
            self._close_targets()
            self._given_target, self._targets = before, others

    def _close_targets(self) -> None:
        targets, self._targets = self._targets, {}
        for target in targets.values():
            target.close()

    def _make_runner(
        self,
        report: RunReport | None = None,
        chronicle: Chronicle | None = None,
        observers: Sequence[Observer] = (),
        *,
        selection: Selection | None = None,
    ) -> Runner:
        run_id = uuid.uuid4().hex if chronicle is None else chronicle.run_id
        return Runner(
            self._results,
            write_file=FileWriter(self.codecs, self.files, self.origins).write,
            run_id=run_id,
            report=report,
            observers=[*(() if chronicle is None else (chronicle,)), *observers, *_listeners()],
            scratch=self.scratch,
            selection=selection,
            target=self._target_of(self._given_target, run_id),
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
            chronicle = None
            if self._is_writing:
                chronicle = self._make_chronicle(command)
                observers = (*observers, self._make_upkeep(_name_of(make)))
            self._runner = runner = self._make_runner(report, chronicle, observers, selection=selection)
            runner.observer.run_started(runner.run_id)
            error: BaseException | None = None
            try:
                with self._chronicled(chronicle, report):
                    program = build_program(make)
                    return RunOutcome(program.returned, program.evaluate(runner), report)
            except BaseException as raised:
                error = raised
                raise
            finally:
                self._runner = None
                runner.observer.run_ended(error)
                self._settle_cache(self.cache.flush)

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
                results = self._results_to_look_at()
                return program, program.plan(results, selection), results
            finally:
                self._runner = None

    def forecast(self, make: Callable[[], Any], *, selection: Selection | None = None) -> RunForecast:
        """Return what a run would do, in order, with the time that it would take, without running anything.

        Raises `SelectionError` where what was chosen is not there.
        """
        with self:
            program, plan, results = self.plan(make, selection=selection)
            return RunForecast.of(plan, results, self.predictor(), program.depends_on)

    def predictor(self) -> Callable[[Call], float | None]:
        """Return a function that gives the seconds that a call will take, None where earlier runs do not tell."""
        return predict_seconds(self.ledger) if self.ledger.database.path.exists() else lambda call: None

    def _results_to_look_at(self) -> Results:
        """Return where to look for results: to look must not make an empty cache."""
        database = _database_of(self.cache)
        is_there = database is None or database.path.exists()
        return self._results if is_there else self._make_results(is_reading=False)

    def load(self, key: str) -> tuple[Any] | None:
        """Return the value under a key of the workspace's cache in a tuple, None where there is none that can be read."""
        trust = Trust.from_environment(allow_pickle=self.settings.cache.allow_pickle)
        value = load(self.cache, key, codecs=self.codecs, trust=trust)
        return None if value is MISSING else (value,)

    def holds(self, call: Call) -> bool:
        """Say whether a result of a call is stored, expired or not."""
        cache = self._results.cache_of(call.task)
        return any(cache.has(future.hash) for future in call.futures())

    def _make_chronicle(self, command: Sequence[str] = ()) -> Chronicle:
        return Chronicle(self.ledger, root=self.root, prepare=self._make_home, command=command)

    @contextlib.contextmanager
    def _chronicled(self, chronicle: Chronicle | None, report: RunReport) -> Iterator[None]:
        """Have the ledger know how what is done meanwhile ended."""
        if chronicle is None:
            yield
            return
        try:
            yield
        except KeyboardInterrupt:
            chronicle.ended("interrupted", self._counts(chronicle, report))
            raise
        except BaseException as error:
            chronicle.failed(error)
            chronicle.ended("failed", self._counts(chronicle, report), error=str(error))
            raise
        chronicle.ended("interrupted" if report.interrupted else "done", self._counts(chronicle, report))

    def _counts(self, chronicle: Chronicle, report: RunReport) -> Mapping[str, int | float]:
        # Those of an evaluation count what was looked at: to count ancestors each time would make n² of a loop.
        return report.quick_counts() if chronicle is self._session else report.counts()

    def close(self) -> None:
        """Make durable all results, let go of the cache and of all workers; using the workspace again opens it again."""
        self._close_targets()
        self._end_session()
        self._keep_sources()
        if "cache" in self.__dict__:
            self._settle_cache(self.cache.close)
        if "ledger" in self.__dict__:
            with contextlib.suppress(
                OSError
            ):  # of our own cache it was said just now, of another one results are safe
                self.ledger.close()

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.settle()
            self._session = None
        if self._session_upkeep is not None:
            self._session_upkeep.run_ended()
            self._session_upkeep = None

    def _make_upkeep(self, name: str) -> Upkeep:
        return Upkeep(self.cache, self.root, name, self.settings.cache.most_bytes)

    def _settle_cache(self, settle: Callable[[], None]) -> None:
        try:
            settle()
        except OSError as error:
            warnings.warn(
                f"the last results could not be stored and will be computed again next time: {error}",
                MerklWarning,
                stacklevel=3,
            )

    def __enter__(self) -> Workspace:
        self._tokens.append(sessions.enter(self))  # pyright: ignore[reportArgumentType] - cached properties are read as properties
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sessions.leave(self._tokens.pop())
        if not self._tokens:
            self.close()


def _listeners() -> list[Observer]:
    """Return the observer that writes to the logger, where somebody listens to it."""
    return [LogObserver()] if LOGGER.isEnabledFor(logging.INFO) else []


def _database_of(cache: BaseCache) -> Database | None:
    """Return the database that a cache keeps its index in, if it has one of its own here."""
    local = nearest(cache)
    return local.database if isinstance(local, SqliteCache) else None


def _end_session(reference: weakref.ref[Workspace]) -> None:
    """Write down, as the process ends, what a workspace that was never closed has evaluated."""
    workspace = reference()
    if workspace is not None:
        workspace._end_session()


def _name_of(make: Callable[[], Any]) -> str:
    function: Any = make.func if isinstance(make, functools.partial) else make
    name = getattr(function, "__qualname__", None) or getattr(function, "name", type(function).__qualname__)
    return f"{getattr(function, '__module__', '?')}.{name}"


@functools.cache
def default_workspace() -> Workspace:
    """Return the workspace that holds where none was entered."""
    return Workspace()


def _open_worker(
    root: Path, cache: BaseCache, is_reading: bool, is_writing: bool, settings: Settings
) -> Workspace:
    """Open in a worker the workspace of the run that it works for; on another machine, in a folder of its own."""
    folder = root if root.is_dir() else Path(tempfile.mkdtemp(prefix="merkl-worker-"))
    workspace = Workspace(folder, cache=cache, is_reading=is_reading, is_writing=is_writing)
    workspace.__dict__["settings"] = settings
    return workspace.__enter__()


def _connect_layers() -> None:
    """Let lower layers reach what they must not import: Futures, files, and the fingerprints of functions."""
    default_registry.register_reference(Future)
    default_registry.register(
        types.FunctionType, lambda fn: sessions.current().fingerprinter.digest_callable(fn)
    )
    default_registry.register(Task, lambda task: task.fingerprint().digest)
    register_canonical(default_registry, lambda: sessions.current().files)


_connect_layers()


def _key_of(value: Any) -> bytes:
    key: bytes = value.__merkl_key__()
    return key


@overload
def evaluate(structure: Future[T], *, target: int | str | None = None) -> T: ...
@overload
def evaluate(structure: tuple[Future[T], Future[U]], *, target: int | str | None = None) -> tuple[T, U]: ...
@overload
def evaluate(
    structure: tuple[Future[T], Future[U], Future[V]], *, target: int | str | None = None
) -> tuple[T, U, V]: ...
@overload
def evaluate(structure: list[Future[T]], *, target: int | str | None = None) -> list[T]: ...
@overload
def evaluate(structure: dict[K, Future[T]], *, target: int | str | None = None) -> dict[K, T]: ...
@overload
def evaluate(structure: T, *, target: int | str | None = None) -> Any: ...
def evaluate(structure: Any, *, target: int | str | None = None) -> Any:
    """Return a structure with the value of every Future in it, in one run.

    Futures may be nested in lists, tuples, dicts, sets, dataclasses and NamedTuples. The calls run where the workspace says,
    or on `target`: a number of processes here, or a name from pyproject.toml.

    >>> from merkl import evaluate, task
    >>> @task
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> evaluate({"a": double(1), "b": [double(2), 5]})
    {'a': 2, 'b': [4, 5]}
    """
    futures = find_futures(structure)
    session = sessions.current()
    with (
        session.use_target(target)
        if isinstance(session, Workspace) and target is not None
        else contextlib.nullcontext()
    ):
        values = dict(zip(map(id, futures), session.evaluate_futures(futures), strict=True))
    return replace_futures(structure, lambda future: values[id(future)])


def digest(value: object) -> str:
    """Return the hex digest of the canonical bytes of a value: equal for equal type and value, in every process.

    Dicts and sets have no order here. Raises `SerializationError` for a value that has no canonical bytes.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    >>> digest(1) == digest(True)
    False
    """
    try:
        return sessions.current().registry.digest(value)
    except UnserializableError as error:
        raise SerializationError(
            f"value{error.path}: {error}", path=error.path, remedy=error.remedy
        ) from error
