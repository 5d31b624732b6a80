"""Processes on this machine: each has a pipe of its own, so that one that dies costs only its own call."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import selectors
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from typing import Any

import cloudpickle

from merkl._base.errors import TargetError
from merkl.execution.interrupts import interrupts
from merkl.execution.output import body_output
from merkl.execution.targets.base import Death, Reply, Target, Ticket
from merkl.execution.targets.bell import Bell
from merkl.execution.targets.processes import WORKERS
from merkl.execution.targets.resources import Slots
from merkl.execution.targets.sharing import CacheMark, require_mark
from merkl.execution.targets.worker import Worker, WorkerSession

__all__ = ["LocalTarget", "WorkerSetup"]

#: Quick calls are handed to a worker before it has done the last one, so many that they take about this long.
_AHEAD = 0.02
_MOST_AHEAD = 32
#: A call that is sent ahead must fit into the pipe, where it waits.
_SMALL_TICKET = 4096
#: Seconds that a worker gets to end a body in order before it is killed.
_GRACE = 3.0


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a process needs to become a worker: `open_session(*arguments)` gives its workspace."""

    open_session: Callable[..., WorkerSession]
    arguments: tuple[Any, ...]
    run_id: str

    @property
    def is_writing(self) -> bool:
        """Whether results are stored."""
        return bool(self.arguments[3])

    def dump(self) -> bytes:
        """Return all of it as bytes, with what the process takes over from this one.

        Raises `TargetError` where the cache cannot be opened by another process.
        """
        try:
            session = cloudpickle.dumps((self.open_session, self.arguments, self.run_id), protocol=5)
        except Exception as error:
            raise TargetError(
                f"worker processes cannot open the cache of this run: {error}. Give it as a URL or a folder, or as an "
                "object that can be pickled and opens the same cache elsewhere"
            ) from error
        return pickle.dumps((list(sys.path), os.getcwd(), dict(os.environ), session), protocol=5)


class LocalTarget(Target):
    """`count` worker processes here, started when the first call is submitted.

    Args:
        count: how many bodies run at a time.
        setup: gives what a worker needs to open the run's cache.
        resources: how much there is of what calls ask for beside processors.
    """

    leaves_coroutines = True
    can_audit = True

    def __init__(
        self, count: int, *, setup: Callable[[], WorkerSetup], resources: Mapping[str, Any] | None = None
    ) -> None:
        if count < 1:
            raise TargetError(f"{count} processes cannot run anything; wanted is a number from 1 on")
        self._count = count
        self._setup = setup
        self._setup_bytes: bytes | None = None
        self._mark: CacheMark | None = None
        self._slots = Slots(count, resources)
        self._workers: list[_WorkerHandle] = []
        self._selector: selectors.BaseSelector | None = None
        #: The worker for which `admits` let a call be sent ahead.
        self._roomy: _WorkerHandle | None = None
        self._bell: Bell | None = None
        self._mean: dict[str, float] = {}
        self._started: list[bytes] = []
        self._dead_replies: list[Reply] = []

    # -- submit ----------------------------------------------------------------------------------------

    def admits(self, resources: dict[str, Any]) -> bool:
        self._roomy = None
        wanted = self._slots.want(resources)
        if self._idle() is not None or len(self._workers) < self._count:
            if self._slots.has(wanted):
                return True
        self._roomy = None if resources else self._with_room_ahead()
        return self._roomy is not None

    def submit(self, ticket: Ticket) -> None:
        wanted = self._slots.want(ticket.resources)
        worker = None
        if self._slots.has(wanted):
            worker = self._idle() or (self._start() if len(self._workers) < self._count else None)
        if worker is None:
            worker = self._roomy or self._with_room_ahead()
            assert worker is not None
            is_held = _size_of(ticket) > _SMALL_TICKET
            worker.queue.append(_Sent(ticket, wanted, is_held=is_held))
            if is_held:
                return
        else:
            devices = self._slots.take(wanted)
            if worker.devices != devices and (worker.devices or devices):
                # A library that has seen one device does not see another later: such a worker is used up.
                if worker.has_run_anything:
                    worker = self._replace(worker)
                worker.devices = devices
            sent = _Sent(ticket, wanted, devices=devices, has_slots=True)
            worker.queue.append(sent)
            self._begin(worker)
        worker.send(ticket, worker.devices)

    def _begin(self, worker: _WorkerHandle) -> None:
        """Note that the first call in a worker's queue runs now."""
        head = worker.queue[0]
        if not head.has_slots:
            head.devices = self._slots.take(head.wanted)
            head.has_slots = True
        if head.is_held:
            head.is_held = False
            worker.send(head.ticket, worker.devices)
        worker.has_run_anything = True
        self._started.append(head.ticket.key)

    def _idle(self) -> _WorkerHandle | None:
        return next((worker for worker in self._workers if not worker.queue), None)

    def _with_room_ahead(self) -> _WorkerHandle | None:
        """Return the worker that will soonest have done its quick calls, None where calls must wait here."""
        workers = [worker for worker in self._workers if worker.queue and self._may_queue(worker)]
        return min(workers, key=lambda worker: len(worker.queue), default=None)

    def _may_queue(self, worker: _WorkerHandle) -> bool:
        if len(worker.queue) >= _MOST_AHEAD:
            return False
        total = 0.0
        for sent in worker.queue:
            mean = self._mean.get(sent.ticket.task)
            is_plain = not sent.ticket.resources and sent.ticket.timeout is None
            if mean is None or not is_plain or sent.is_held:
                return False
            total += mean
        return total < _AHEAD

    # -- processes -------------------------------------------------------------------------------------

    def _start(self) -> _WorkerHandle:
        if self._setup_bytes is None:
            setup = self._setup()
            packed = (
                setup.dump()
            )  # before the mark is there: a cache that comes along as a copy does not have it
            self._mark = CacheMark(setup.arguments[1]) if setup.is_writing else None
            self._setup_bytes = pickle.dumps((packed, self._mark and self._mark.key), protocol=5)
        worker = _WorkerHandle(self._setup_bytes)
        self._workers.append(worker)
        selector = self._opened()
        selector.register(worker.pipe, selectors.EVENT_READ, worker)
        selector.register(worker.process.sentinel, selectors.EVENT_READ, worker)
        return worker

    def _opened(self) -> selectors.BaseSelector:
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
            self._bell = Bell()
            self._selector.register(self._bell.reader, selectors.EVENT_READ, None)
        return self._selector

    def _remove(self, worker: _WorkerHandle) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
            assert self._selector is not None
            self._selector.unregister(worker.pipe)
            self._selector.unregister(worker.process.sentinel)

    def _replace(self, worker: _WorkerHandle) -> _WorkerHandle:
        self._remove(worker)
        worker.end()
        return self._start()

    # -- poll ------------------------------------------------------------------------------------------

    def poll(self, timeout: float) -> Sequence[Reply]:
        selector = self._opened()
        for worker in self._workers:
            worker.flush()
        replies, self._dead_replies = self._dead_replies, []
        if not replies:
            timeout = self._until_deadline(timeout)
            ready = {key.data for key, _ in selector.select(timeout)}
            for worker in ready:
                if worker is None:
                    assert self._bell is not None
                    self._bell.hear()
                else:
                    self._read(worker, replies)
        self._end_late(replies)
        return replies

    def _read(self, worker: _WorkerHandle, replies: list[Reply]) -> None:
        try:
            while worker.has_message():
                kind, data = pickle.loads(worker.pipe.recv_bytes())
                if kind == "reply":
                    self._settle_reply(worker, data, replies)
                elif kind == "attempt":
                    worker.queue[0].attempted = time.monotonic()
                elif kind == "broken":
                    raise TargetError(f"a worker process could not start: {data}")
        except (EOFError, OSError):
            self._bury(worker, replies)
            return
        if worker.has_ended():
            self._bury(worker, replies)

    def _settle_reply(self, worker: _WorkerHandle, reply: Reply, replies: list[Reply]) -> None:
        sent = worker.queue.popleft()
        self._slots.give_back(sent.wanted, sent.devices)
        task = sent.ticket.task
        self._mean[task] = 0.8 * self._mean.get(task, reply.duration) + 0.2 * reply.duration
        replies.append(reply)
        if worker.queue:
            self._begin(worker)
        if reply.differs:
            self._dead_replies += self._take_back(worker)
            self._remove(worker)
            worker.end()

    def _take_back(self, worker: _WorkerHandle) -> list[Reply]:
        """Return replies by which the calls that wait in a worker are submitted again at no cost to them."""
        taken = [
            Reply(sent.ticket.key, "failed", death=Death(None, is_unstarted=True)) for sent in worker.queue
        ]
        for sent in worker.queue:
            if sent.has_slots:
                self._slots.give_back(sent.wanted, sent.devices)
        worker.queue.clear()
        return taken

    def _bury(self, worker: _WorkerHandle, replies: list[Reply]) -> None:
        if worker not in self._workers:
            return
        self._remove(worker)
        worker.process.join(1.0)
        code = worker.process.exitcode
        if worker.queue:
            head = worker.queue.popleft()
            self._slots.give_back(head.wanted, head.devices)
            replies.append(Reply(head.ticket.key, "failed", death=Death(code, is_timeout=worker.is_late)))
        replies += self._take_back(worker)
        worker.end()

    # -- time ------------------------------------------------------------------------------------------

    def _until_deadline(self, timeout: float) -> float:
        deadlines = [d for worker in self._workers if (d := worker.deadline()) is not None]
        return max(0.0, min([timeout, *(d - time.monotonic() for d in deadlines)]))

    def _end_late(self, replies: list[Reply]) -> None:
        for worker in list(self._workers):
            deadline = worker.deadline()
            if deadline is not None and time.monotonic() >= deadline:
                worker.is_late = True
                worker.kill()
                self._bury(worker, replies)

    def wake(self) -> None:
        if self._bell is not None:
            self._bell.ring()

    # -- ends ------------------------------------------------------------------------------------------

    def started(self) -> Sequence[bytes]:
        started, self._started = self._started, []
        return started

    def cancel(self) -> Collection[bytes]:
        # What waits in a pipe runs nearly at once: only what was not sent could be taken back, and that is not here.
        return ()

    def interrupt(self) -> bool:
        running = [worker for worker in self._workers if worker.queue]
        for worker in running:
            worker.signal(signal.SIGINT)
        return bool(running)

    def settle(self) -> None:
        for worker in self._workers:
            worker.settle()

    def close(self, *, at_once: bool = False) -> None:
        workers, self._workers = self._workers, []
        for worker in workers:
            if worker.queue and at_once:
                worker.signal(signal.SIGTERM)
        for worker in workers:
            if worker.queue:
                worker.kill()
            worker.end()
        for worker in workers:
            for sent in worker.queue:
                if sent.has_slots:
                    self._slots.give_back(sent.wanted, sent.devices)
        self._dead_replies.clear()
        if self._mark is not None:
            self._mark.remove()
            self._mark = self._setup_bytes = None
        if self._selector is not None:
            self._selector.close()
            self._selector = None
        if self._bell is not None:
            self._bell.close()
            self._bell = None


@dataclass(slots=True)
class _Sent:
    """A ticket that a worker has, or that waits for it here because it would not fit into the pipe."""

    ticket: Ticket
    wanted: Mapping[str, float]
    devices: list[str] = field(default_factory=list)
    has_slots: bool = False
    is_held: bool = False
    attempted: float | None = None


def _size_of(ticket: Ticket) -> int:
    fresh = [known.fresh for known in ticket.inputs.values() if known.fresh is not None]
    return len(ticket.payload) + sum(200 + one.record.size for one in fresh)


class _WorkerHandle:
    """One worker process as its parent sees it."""

    def __init__(self, setup: bytes) -> None:
        self.pipe, theirs = WORKERS.Pipe()
        self.process = WORKERS.Process(target=_work, args=(theirs, setup), name="merkl-worker", daemon=False)
        try:
            self.process.start()
        except OSError as error:
            raise TargetError(f"no worker process can be started: {error}") from error
        theirs.close()
        self.queue: deque[_Sent] = deque()
        self.devices: list[str] = []
        self.has_run_anything = False
        self.is_late = False
        self._unsent: list[Any] = []
        # What `multiprocessing` offers for these makes a selector each time.
        self._messages = _poll_of(self.pipe.fileno())
        self._end = _poll_of(self.process.sentinel)

    def has_message(self) -> bool:
        """Say whether there is something to be read, be it the end."""
        return bool(self._messages.poll(0))

    def has_ended(self) -> bool:
        """Say whether the process is gone."""
        return bool(self._end.poll(0))

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def send(self, ticket: Ticket, devices: Sequence[str]) -> None:
        """Send a ticket with the next `flush`."""
        self._unsent.append((ticket, tuple(devices)))

    def flush(self) -> None:
        """Send all tickets that wait, in one message."""
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            with contextlib.suppress(OSError):  # its death is noticed where replies are read
                self.pipe.send_bytes(pickle.dumps(unsent, protocol=5))

    def deadline(self) -> float | None:
        """Return when the attempt that runs has to be done."""
        head = self.queue[0] if self.queue else None
        if head is None or head.ticket.timeout is None or head.attempted is None:
            return None
        return head.attempted + head.ticket.timeout

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there."""
        with contextlib.suppress(OSError, ValueError):
            if self.process.pid is not None and self.process.is_alive():
                os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it in the middle of a call: SIGTERM lets the body stop its own children, then SIGKILL."""
        self.signal(signal.SIGTERM)
        self.process.join(_GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(_GRACE)

    def settle(self) -> None:
        """Have it write down what it gathered, and wait until it has."""
        with contextlib.suppress(OSError, EOFError):
            self.pipe.send_bytes(pickle.dumps("settle", protocol=5))
            if self.pipe.poll(30.0):
                self.pipe.recv_bytes()

    def end(self) -> None:
        """Let an idle one end."""
        with contextlib.suppress(OSError):
            self.pipe.close()
        self.process.join(_GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(_GRACE)
        self.process.close()


def _poll_of(descriptor: int) -> select.poll:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return poll


# -- in the worker -------------------------------------------------------------------------------------


def _work(pipe: connection.Connection, setup: bytes) -> None:
    """Be a worker, until the parent closes the pipe or dies."""
    interrupts.handle_termination()
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    with interrupts, body_output.installed():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # the server held it back
        threading.Thread(target=_end_with_parent, daemon=True).start()
        try:
            packed, mark = pickle.loads(setup)
            path, folder, environment, session_bytes = pickle.loads(packed)
            sys.path[:] = path
            os.environ.clear()
            os.environ.update(environment)
            with contextlib.suppress(OSError):
                os.chdir(folder)
            open_session, arguments, run_id = pickle.loads(session_bytes)
            if mark is not None:
                require_mark(arguments[1], mark)
            session = open_session(*arguments)
        except BaseException as error:  # noqa: BLE001 - said where the run is
            with contextlib.suppress(OSError):
                pipe.send_bytes(pickle.dumps(("broken", f"{type(error).__name__}: {error}")))
            os._exit(1)  # a signal that came meanwhile has nobody to go to
        worker = Worker(session, run_id, on_attempt=lambda: pipe.send_bytes(pickle.dumps(("attempt", None))))
        _serve(pipe, worker, session)
        session.settle()
        os._exit(0)


def _serve(pipe: connection.Connection, worker: Worker, session: WorkerSession) -> None:
    while True:
        try:
            message = pickle.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            break
        if message == "settle":
            session.settle()
            pipe.send_bytes(b"")
            continue
        for ticket, devices in message:
            if devices:
                os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
            reply = worker.carry_out(ticket)
            is_terminated = interrupts.is_terminated
            interrupts.reset()
            try:
                pipe.send_bytes(_dump(reply))
            except OSError:  # the run is gone; what is done is in the cache
                is_terminated = True
            if is_terminated:
                session.settle()
                os._exit(128 + signal.SIGTERM)


def _dump(reply: Reply) -> bytes:
    try:
        return pickle.dumps(("reply", reply), protocol=5)
    except Exception:  # noqa: BLE001 - classes that only cloudpickle can take
        return cloudpickle.dumps(("reply", reply), protocol=5)


def _end_with_parent() -> None:
    """Wait for the end of the run's process, and end then: the body as at SIGTERM, then this process."""
    parent = parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)
