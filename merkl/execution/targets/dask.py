"""Calls on a Dask cluster: the Merkle key is the Dask key, dependencies are Dask's, and only keys travel."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pickle
import queue
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakSet

import cloudpickle

from merkl._base.errors import ConfigError, MerklError, MerklWarning, MissingDependencyError, TargetError
from merkl.execution.interrupts import interrupts
from merkl.execution.targets.base import Death, Reply, Target, Ticket
from merkl.execution.targets.dask_worker import (
    SparedInterrupts,
    check_worker,
    notify_interrupt,
    place_of_stderr,
    run_ticket,
    topic_of,
)
from merkl.execution.targets.resources import UnmetResourcesError, parse_bytes
from merkl.execution.targets.script import dump_script
from merkl.execution.targets.setup import WorkerSetup
from merkl.execution.targets.sharing import CacheMark

__all__ = ["DaskTarget", "make_dask_target"]

_SETTINGS = frozenset(("address", "cluster", "options", "tls", "max_workers", "wait"))
#: Part of the paths of the files of cluster classes.
_OF_CLUSTERS = f"{os.sep}distributed{os.sep}deploy{os.sep}"
#: Seconds without a scheduler after which it is given up.
_PATIENCE = 5.0
#: Seconds within which a scheduler must answer at the start.
_CONNECTING = 20.0
#: Seconds within which what came to be of a cluster that could not be made must close.
_CLOSING = 20.0
#: How Dask calls what `resources=` of a task calls so.
_NAMES = {"gpu": "GPU", "memory": "MEMORY", "cpu": "CPU"}


def make_dask_target(options: Mapping[str, Any], *, setup: Callable[[], WorkerSetup]) -> Target:
    """Return the target of a table `[tool.merkl.targets.NAME]` of `type = "dask"`.

    `address` of a scheduler, or `cluster = "package.Class"` with its `options`; `tls` with `ca_file`, `cert` and `key`;
    `max_workers`; `wait`, the seconds that the first worker may take to come.

    Raises `ConfigError` for settings that make no sense, `MissingDependencyError` without distributed.
    """
    unknown = set(options) - _SETTINGS
    if unknown:
        raise ConfigError(
            f"a dask target has no setting {min(unknown)!r}; there are {', '.join(sorted(_SETTINGS))}"
        )
    if ("address" in options) == ("cluster" in options):
        raise ConfigError(
            "a dask target has either the address of a scheduler or a cluster = 'package.Class'"
        )
    try:
        importlib.import_module("distributed")
    except ImportError as error:
        raise MissingDependencyError("dask targets need distributed: pip install 'merkl[dask]'") from error
    return DaskTarget(options, setup=setup)


class DaskTarget(Target):
    """A Dask cluster, connected to when the first call is submitted; clusters of our own are started then.

    `options` are the settings, see `make_dask_target`.
    """

    takes_unready = True

    def __init__(self, options: Mapping[str, Any], *, setup: Callable[[], WorkerSetup]) -> None:
        self._options = dict(options)
        self._make_setup = setup
        self._setup = b""
        self._mark: CacheMark | None = None
        self._cluster: Any = None
        self._client: Any = None
        self._workers: list[str] | None = None
        self._futures: dict[bytes, Any] = {}
        self._submitted = 0
        self._done: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        #: The calls that workers have begun, told by another thread.
        self._begun: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._waiting: set[bytes] = set()
        self._is_interrupted = False
        #: Whether calls were cancelled since the last one was submitted: Dask cancels what depends on them with them.
        self._has_cancelled = False
        #: How many bodies got Ctrl-C, told by another thread; and whether there were none.
        self._pressed: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._is_idle = False
        #: The calls that workers said they began.
        self._told: set[bytes] = set()
        #: Calls that another run had carried out for itself: they have a Dask key of their own.
        self._own: set[bytes] = set()
        self._cache: Any = None
        self._troubles = _Troubles()
        self._gone_since: float | None = None

    # -- the cluster -----------------------------------------------------------------------------------

    def _connect(self) -> Any:
        if self._client is None:
            from distributed import Client

            setup = self._make_setup()
            self._setup = self._packed(setup)
            self._troubles = _silence()
            where = self._options.get("address")
            try:
                if where is None:
                    where = self._cluster = self._start_cluster()
                make: Any = Client
                self._client = make(
                    where,
                    security=self._security(),
                    set_as_default=False,
                    name="merkl",
                    timeout=min(_CONNECTING, self._options.get("wait", _CONNECTING)),
                )
            except MerklError:
                raise
            except Exception as error:
                self.close()
                raise TargetError(f"there is no Dask scheduler at {where}: {_shown(error)}") from error
            try:
                if self._cluster is not None:
                    self._client.register_plugin(SparedInterrupts(), name="merkl-interrupts")
                self._check_workers()
                self._client.subscribe_topic(topic_of(self._mark_key), self._note_begun)
            except BaseException:
                self.close()
                raise
        return self._client

    def _start_cluster(self) -> Any:
        module, _, name = str(self._options["cluster"]).rpartition(".")
        try:
            with _signals_as_they_are():
                kind = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(
                f"cluster = {self._options['cluster']!r} cannot be imported: {error}"
            ) from error
        known = {id(one) for instances in _registers(kind) for one in instances}
        try:
            cluster = kind(**self._options.get("options", {}))
            most = self._options.get("max_workers")
            if most is not None:
                cluster.scale(most)
        except Exception as error:
            _close_halves(kind, known)
            raise TargetError(
                f"the cluster {self._options['cluster']} cannot be started with its options: {_shown(error)}"
            ) from error
        return cluster

    def _security(self) -> Any:
        tls = self._options.get("tls")
        if not tls:
            where = str(self._options.get("address"))
            if where.startswith("tls:"):
                raise ConfigError(
                    f"the Dask scheduler at {where} wants certificates, and the target has no "
                    "tls = { ca_file = …, cert = …, key = … }"
                )
            return None
        for name in ("ca_file", "cert", "key"):
            file = tls.get(name)
            if file is not None and not os.path.isfile(file):
                raise ConfigError(f"tls = {{ {name} = {file!r} }} of the target: there is no such file")
        from distributed.security import Security

        make: Any = Security
        return make(
            tls_ca_file=tls.get("ca_file"),
            tls_client_cert=tls.get("cert"),
            tls_client_key=tls.get("key"),
            require_encryption=True,
        )

    def _packed(self, setup: WorkerSetup) -> bytes:
        parts = (setup.open_session, setup.arguments, setup.run_id, dump_script())
        try:
            # Before the mark is there: a cache that comes along as a copy does not have it.
            packed = cloudpickle.dumps(parts, protocol=5)
        except Exception as error:
            raise TargetError(f"workers cannot open the cache of this run: {error}") from error
        self._cache = setup.arguments[1]
        self._mark = CacheMark(self._cache)
        return pickle.dumps((packed, self._mark.key, place_of_stderr()), protocol=5)

    def _check_workers(self) -> None:
        wait = self._options.get("wait", 60)
        try:
            self._client.wait_for_workers(1, timeout=wait)
        except TimeoutError as error:
            said = f"no Dask worker came within {wait} s (setting `wait` of the target)"
            if self._troubles.said:
                said += f"; the cluster could not start one: {next(iter(self._troubles.said))}"
            raise TargetError(said) from error
        known = sorted(self._client.scheduler_info(n_workers=-1)["workers"])
        most = self._options.get("max_workers")
        if most is not None and self._cluster is None:
            self._workers = known[:most]
        try:
            said = self._client.run(check_worker, self._setup, workers=self._workers)
        except Exception as error:
            raise TargetError(
                f"the Dask workers cannot load MerkL ({error}); install the same version there"
            ) from error
        for worker, problem in sorted(said.items()):
            if problem:
                raise TargetError(f"Dask worker {worker}: {problem}")

    # -- calls -----------------------------------------------------------------------------------------

    def admits(self, resources: dict[str, Any]) -> bool:
        return True

    def submit(self, ticket: Ticket) -> None:
        client = self._connect()
        parents = [self._futures[key] for key in ticket.parents]
        before = self._futures.pop(ticket.key, None)
        if before is not None:
            before.release()
        self._submitted += 1
        self._has_cancelled = False
        future = client.submit(
            run_ticket,
            self._setup,
            pickle.dumps(ticket, protocol=5),
            *parents,
            key=self._dask_key(ticket.key),
            pure=False,
            priority=-self._submitted,
            workers=self._workers,
            resources=self._resources(ticket.resources),
        )
        self._futures[ticket.key] = future
        self._waiting.add(ticket.key)
        key = ticket.key
        future.add_done_callback(lambda done: self._done.put(key))

    def _dask_key(self, key: bytes) -> str:
        """Return the Merkle key: what another run on the same scheduler computes at this moment is computed once."""
        return f"{key.hex()}-{self._mark_key[:12]}" if key in self._own else key.hex()

    @property
    def _mark_key(self) -> str:
        return "" if self._mark is None else self._mark.key

    def _resources(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        if not wanted:
            return None
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        declared: dict[str, float] = {}
        for name, value in (pair for worker in workers for pair in worker.get("resources", {}).items()):
            declared[name] = max(value, declared.get(name, 0))
        asked = {_NAMES.get(name, name): parse_bytes(value) for name, value in wanted.items()}
        for name in asked.keys() - declared.keys() - {"CPU", "MEMORY"}:
            raise UnmetResourcesError(
                f"it wants {name}, and no Dask worker declares it: start them with --resources '{name}=1'"
            )
        for name, value in asked.items():
            if value > declared.get(name, value):
                raise UnmetResourcesError(
                    f"it wants {name}={value:g}, and no Dask worker declares more than {declared[name]:g}: it would wait "
                    "for ever"
                )
        return {name: value for name, value in asked.items() if name in declared} or None

    def poll(self, timeout: float) -> Sequence[Reply]:
        if self._is_interrupted:
            self._is_interrupted = False
            threading.Thread(target=self._pass_on, name="merkl-interrupt", daemon=True).start()
        with contextlib.suppress(queue.Empty):
            self._is_idle = self._pressed.get_nowait() == 0
            if self._is_idle:
                interrupts.give_back()
        keys: list[bytes] = []
        try:
            keys.append(self._done.get(timeout=timeout))
            while True:
                keys.append(self._done.get_nowait())
        except queue.Empty:
            pass
        self._require_scheduler()
        return [self._reply(key) for key in dict.fromkeys(keys) if key in self._waiting]

    def _pass_on(self) -> None:
        """Pass Ctrl-C on; in a thread of its own, as workers answer only when they can."""
        # Where the scheduler is gone, that is said elsewhere; a worker that is gone needs no word.
        with contextlib.suppress(Exception):
            said = self._client.run(notify_interrupt, self._setup, workers=self._workers, on_error="ignore")
            self._pressed.put(sum(said.values()))

    def _require_scheduler(self) -> None:
        comm = getattr(self._client, "scheduler_comm", None)
        is_there = self._client.status == "running" and comm is not None and not comm.closed()
        if is_there:
            self._gone_since = None
            return
        now = time.monotonic()
        self._gone_since = self._gone_since or now
        if now - self._gone_since >= _PATIENCE or self._client.status in ("closed", "closing"):
            raise self._lost()

    def _lost(self) -> TargetError:
        return TargetError(
            f"the Dask scheduler {self._options.get('address', '')} is gone; what was complete is in the cache, run again "
            "to go on from there"
        )

    def _reply(self, key: bytes) -> Reply:
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        future = self._futures[key]
        self._waiting.discard(key)
        self._told.discard(key)
        try:
            reply: Reply = future.result(timeout=60)
        except KilledWorker:
            return Reply(key, "failed", death=Death(None, is_final=True))
        except (CancelledError, CommClosedError) as error:
            if self._has_cancelled and isinstance(error, CancelledError) and self._client.status == "running":
                return Reply(key, "skipped")
            raise self._lost() from None
        except Exception as error:
            raise TargetError(
                f"a Dask worker could not run a call: {type(error).__name__}: {error}"
            ) from error
        if reply.run != self._mark_key and not self._is_for_all(reply):
            # Another run's own failure, or its Ctrl-C, or what is in its cache alone.
            self._own.add(key)
            return Reply(key, "failed", death=Death(None, is_unstarted=True))
        if reply.differs:
            raise TargetError(
                "a Dask worker has other code than this process, so what it computes would be kept under a wrong key: "
                f"bring the project there to the same state ({len(self._waiting)} calls were waiting)"
            )
        return reply

    def _is_for_all(self, reply: Reply) -> bool:
        """Say whether the reply to another run is one to this run as well: complete results, that its cache has."""
        return reply.status in ("run", "linked") and all(
            not known.is_tainted
            and ((known.fresh is not None and not known.fresh.is_stored) or self._cache.has(key.hex()))
            for key, known in reply.outs.items()
        )

    def _note_begun(self, event: tuple[float, str]) -> None:
        self._begun.put(bytes.fromhex(event[1]))

    def started(self) -> Sequence[bytes]:
        begun: list[bytes] = []
        with contextlib.suppress(queue.Empty):
            while True:
                begun.append(self._begun.get_nowait())
        self._told.update(begun)
        return begun

    def cancel(self) -> Collection[bytes]:
        if self._client is None:
            return ()
        # What is done has only to be read, and what depends on it may run.
        waiting = {key for key in self._waiting if not self._futures[key].done()}
        if not self._is_idle:  # what a worker has may have begun
            begun = {key for keys in self._client.processing().values() for key in keys}
            waiting = {key for key in waiting if self._futures[key].key not in begun}
        waiting -= self._told  # no body runs, but a result may be on its way to the cache
        self._has_cancelled = True
        # Another run may wait for the same: without force it goes on to.
        self._client.cancel([self._futures.pop(key) for key in waiting])
        self._waiting -= waiting
        return waiting

    def interrupt_later_ones(self) -> None:
        if self._client is not None and self._waiting:
            self._client.run(
                notify_interrupt,
                self._setup,
                is_last=True,
                workers=self._workers,
                wait=False,
                on_error="ignore",
            )

    def interrupt(self) -> bool:
        self._is_interrupted = bool(self._waiting)
        return self._is_interrupted

    def settle(self) -> None:
        for future in self._futures.values():
            future.release()
        self._futures.clear()
        self._waiting.clear()
        self._told.clear()

    def close(self, *, at_once: bool = False) -> None:
        self._futures.clear()
        self._waiting.clear()
        for part in (self._client, self._cluster):
            if part is not None:
                part.close()
        self._client = self._cluster = None
        if self._mark is not None:
            self._mark.remove()
            self._mark = None


def _registers(kind: Any) -> list[WeakSet[Any]]:
    """Return where cluster classes note what they made, to close it when the process ends."""
    found = [vars(base).get("_instances") for base in getattr(kind, "__mro__", ())]
    return [instances for instances in found if isinstance(instances, WeakSet)]


def _close_halves(kind: Any, known: set[int]) -> None:
    """Close what came to be of a cluster that could not be made, now: as the process ends it fails, with a traceback."""
    for instances in _registers(kind):
        for one in [one for one in instances if id(one) not in known]:
            with contextlib.suppress(Exception):
                one.close(timeout=_CLOSING)
            instances.discard(one)


@contextlib.contextmanager
def _signals_as_they_are() -> Iterator[None]:
    """Ctrl-C stays the run's: dask_jobqueue makes it end the process as soon as it is imported."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _shown(error: BaseException) -> str:
    """Return what an error says, with what it came from: of a cluster that fails to start only that says why."""
    said = [f"{type(error).__name__}: {error}"]
    while (cause := error.__cause__ or error.__context__) is not None and len(said) < 5:
        error = cause
        said.append(f"{type(error).__name__}: {error}")
    return ", from ".join(dict.fromkeys(said))


def _silence() -> _Troubles:
    """Have Dask's own log be quiet: what matters of it is said by errors, among them what a cluster says of its workers."""
    for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    troubles = _Troubles()
    for name in ("asyncio", "tornado.application"):  # they tell of workers that could not be started
        logging.getLogger(name).addFilter(troubles)
    return troubles


class _Troubles(logging.Filter):
    """Takes what is logged with a traceback that passes through Dask's cluster classes, and keeps what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, None] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is to be logged."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        frames = traceback.walk_tb(error.__traceback__)
        if not any(_OF_CLUSTERS in frame.f_code.co_filename for frame, _ in frames):
            return True
        if not self.said:
            with contextlib.suppress(MerklWarning):
                warnings.warn(
                    f"the cluster could not start a worker, the run waits for others: {_shown(error)}",
                    MerklWarning,
                    2,
                )
        self.said[_shown(error)] = None
        return False
