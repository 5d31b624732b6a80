"""Processes on this machine: each has a pipe of its own, so that one that dies costs only its own call."""

from __future__ import annotations

import pickle
import selectors
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from merkl._base.errors import TargetError
from merkl.execution.interrupts import interrupts
from merkl.execution.targets.base import Death, Reply, Target, Ticket
from merkl.execution.targets.bell import Bell
from merkl.execution.targets.replies import load_reply
from merkl.execution.targets.resources import Slots
from merkl.execution.targets.setup import WorkerSetup
from merkl.execution.targets.sharing import CacheMark
from merkl.execution.targets.worker_handle import Sent, WorkerHandle
from merkl.execution.targets.worker_process import ATTEMPT, BROKEN, GRACE

__all__ = ["LocalTarget"]

#: Quick calls are handed to a worker before it has done the last one, so many that they take about this long.
_AHEAD = 0.02
_MOST_AHEAD = 32
#: Seconds that replies wait for others while no worker can run out of calls: each look takes a processor from a worker.
_LONGEST_PAUSE = 0.004
_SHORTEST_PAUSE = 0.001
#: Seconds that bodies get to end in order after a second Ctrl-C.
_MOMENT = 0.2
#: A call that is sent ahead must fit into the pipe, where it waits.
_SMALL_TICKET = 4096


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
        self._workers: list[WorkerHandle] = []
        self._selector: selectors.BaseSelector | None = None
        #: The worker for which `admits` let a call be sent ahead.
        self._roomy: WorkerHandle | None = None
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
            worker.put(Sent(ticket, wanted, self._seconds_of(ticket), is_held=is_held))
            if is_held:
                return
        else:
            devices = self._slots.take(wanted)
            if worker.devices != devices and (worker.devices or devices):
                # A library that has seen one device does not see another later: such a worker is used up.
                if worker.has_run_anything:
                    worker = self._replace(worker)
                worker.devices = devices
            worker.put(Sent(ticket, wanted, self._seconds_of(ticket), devices=devices, has_slots=True))
            self._begin(worker)
        worker.send(ticket, worker.devices)

    def _begin(self, worker: WorkerHandle) -> None:
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

    def _idle(self) -> WorkerHandle | None:
        return next((worker for worker in self._workers if not worker.queue), None)

    def _with_room_ahead(self) -> WorkerHandle | None:
        """Return the worker that will soonest have done its quick calls, None where calls must wait here."""
        workers = [worker for worker in self._workers if worker.queue and self._may_queue(worker)]
        return min(workers, key=lambda worker: len(worker.queue), default=None)

    def _may_queue(self, worker: WorkerHandle) -> bool:
        last = worker.queue[-1]  # those before it have let one follow
        if last.seconds is None:
            worker.expect(last, self._seconds_of(last.ticket))
        is_open = last.seconds is not None and not last.is_held
        return is_open and worker.seconds < _AHEAD and len(worker.queue) < _MOST_AHEAD

    def _seconds_of(self, ticket: Ticket) -> float | None:
        """Return how long a call will take, None where that is unknown, or where nothing may be sent behind it."""
        is_plain = not ticket.resources and ticket.timeout is None
        return self._mean.get(ticket.task) if is_plain else None

    # -- processes -------------------------------------------------------------------------------------

    def _start(self) -> WorkerHandle:
        if self._setup_bytes is None:
            setup = self._setup()
            packed = (
                setup.dump()
            )  # before the mark is there: a cache that comes along as a copy does not have it
            self._mark = CacheMark(setup.arguments[1]) if setup.is_writing else None
            self._setup_bytes = pickle.dumps((packed, self._mark and self._mark.key), protocol=5)
        worker = WorkerHandle(self._setup_bytes)
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

    def _remove(self, worker: WorkerHandle) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
            assert self._selector is not None
            self._selector.unregister(worker.pipe)
            self._selector.unregister(worker.process.sentinel)

    def _replace(self, worker: WorkerHandle) -> WorkerHandle:
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
            self._let_gather()
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

    def _let_gather(self) -> None:
        """Wait a little while all workers have more calls than the one that they run."""
        if len(self._workers) == self._count and self._bell is not None:
            pause = min(min(worker.seconds_behind() for worker in self._workers) / 2, _LONGEST_PAUSE)
            if pause >= _SHORTEST_PAUSE:
                self._bell.wait(pause)

    def _read(self, worker: WorkerHandle, replies: list[Reply]) -> None:
        try:
            while worker.has_message():
                message = worker.pipe.recv_bytes()
                if message == ATTEMPT:
                    worker.queue[0].attempted = time.monotonic()
                elif message.startswith(BROKEN):
                    reason = message.removeprefix(BROKEN).decode()
                    raise TargetError(f"a worker process could not start: {reason}")
                else:
                    self._settle_reply(worker, load_reply(message), replies)
        except (EOFError, OSError):
            self._bury(worker, replies)
            return
        if worker.has_ended():
            self._bury(worker, replies)

    def _settle_reply(self, worker: WorkerHandle, reply: Reply, replies: list[Reply]) -> None:
        sent = worker.take()
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

    def _take_back(self, worker: WorkerHandle) -> list[Reply]:
        """Return replies by which the calls that wait in a worker are submitted again at no cost to them."""
        taken = [
            Reply(sent.ticket.key, "failed", death=Death(None, is_unstarted=True)) for sent in worker.queue
        ]
        for sent in worker.queue:
            if sent.has_slots:
                self._slots.give_back(sent.wanted, sent.devices)
        worker.queue.clear()
        return taken

    def _bury(self, worker: WorkerHandle, replies: list[Reply]) -> None:
        if worker not in self._workers:
            return
        self._remove(worker)
        worker.process.join(1.0)
        code = worker.process.exitcode
        if worker.queue:
            head = worker.take()
            self._slots.give_back(head.wanted, head.devices)
            replies.append(Reply(head.ticket.key, "failed", death=Death(code, is_timeout=worker.is_late)))
        replies += self._take_back(worker)
        worker.end(at_once=code is None)

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
        # After a second Ctrl-C this process ends in a moment: nothing is to go on then.
        deadline = time.monotonic() + (_MOMENT if at_once and interrupts.is_ended else GRACE)
        for worker in workers:
            if worker.queue:
                worker.kill(max(0.0, deadline - time.monotonic()))
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


def _size_of(ticket: Ticket) -> int:
    fresh = [known.fresh for known in ticket.inputs.values() if known.fresh is not None]
    return len(ticket.payload) + sum(200 + one.record.size for one in fresh)
