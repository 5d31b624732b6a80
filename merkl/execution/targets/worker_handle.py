"""One worker process as its parent sees it: its pipe, the tickets that it has, and its end."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from merkl._base.errors import TargetError
from merkl.execution.targets.base import Ticket
from merkl.execution.targets.processes import WORKERS
from merkl.execution.targets.worker_process import GRACE, serve_parent

__all__ = ["Sent", "WorkerHandle"]


@dataclass(slots=True)
class Sent:
    """A ticket that a worker has, or that waits for it here because it would not fit into the pipe.

    `seconds` is how long it will take, None where nothing may be sent behind it.
    """

    ticket: Ticket
    wanted: Mapping[str, float]
    seconds: float | None = None
    devices: list[str] = field(default_factory=list)
    has_slots: bool = False
    is_held: bool = False
    attempted: float | None = None


class WorkerHandle:
    """One worker process as its parent sees it."""

    def __init__(self, setup: bytes) -> None:
        self.pipe, theirs = WORKERS.Pipe()
        self.process = WORKERS.Process(
            target=serve_parent, args=(theirs, setup), name="merkl-worker", daemon=False
        )
        try:
            self.process.start()
        except OSError as error:
            raise TargetError(f"no worker process can be started: {error}") from error
        theirs.close()
        # By its number it could be another process when it is gone; and a body may close what tells `multiprocessing` of it.
        self._descriptor = _open_process(self.process.pid)
        self.queue: deque[Sent] = deque()
        #: How long the calls in the queue will take, as far as that is known.
        self.seconds = 0.0
        self.devices: list[str] = []
        self.has_run_anything = False
        self.is_late = False
        self._unsent: list[Any] = []
        # What `multiprocessing` offers for these makes a selector each time.
        self._messages = _poll_of(self.pipe.fileno())
        self._end = _poll_of(self.process.sentinel)

    def put(self, sent: Sent) -> None:
        """Put a ticket behind those that it has."""
        self.queue.append(sent)
        self.seconds += sent.seconds or 0.0

    def take(self) -> Sent:
        """Take the ticket out that it has worked on."""
        sent = self.queue.popleft()
        self.seconds = self.seconds - (sent.seconds or 0.0) if self.queue else 0.0
        return sent

    def expect(self, sent: Sent, seconds: float | None) -> None:
        """Note how long a ticket in the queue will take, of which that was unknown."""
        sent.seconds = seconds
        self.seconds += seconds or 0.0

    def seconds_behind(self) -> float:
        """Return how long the calls will take that come after the one that it runs."""
        return self.seconds - (self.queue[0].seconds or 0.0) if self.queue else 0.0

    def has_message(self) -> bool:
        """Say whether there is something to be read, be it the end."""
        return bool(self._messages.poll(0))

    def has_ended(self) -> bool:
        """Say whether the process is gone, or nothing tells of it any more."""
        return bool(self._end.poll(0))

    def _is_there(self) -> bool:
        if self._descriptor is None:
            return self.process.is_alive()
        return not _poll_of(self._descriptor).poll(0)

    def _wait(self, seconds: float) -> None:
        """Wait for the end of the process, and reap what tells of it."""
        if self._descriptor is None:
            self.process.join(seconds)
        elif _poll_of(self._descriptor).poll(seconds * 1000):
            self.process.join(0.2)

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
            if self._descriptor is not None:
                signal.pidfd_send_signal(self._descriptor, number)
            elif self.process.pid is not None and self.process.is_alive():
                os.kill(self.process.pid, number)

    def kill(self, grace: float = GRACE) -> None:
        """End it in the middle of a call: SIGTERM lets the body stop its own children for a while, then SIGKILL."""
        self.signal(signal.SIGTERM)
        self._wait(grace)
        self._kill_at_once()

    def _kill_at_once(self) -> None:
        if self._is_there():
            self.signal(signal.SIGKILL)
            self._wait(GRACE)

    def settle(self) -> None:
        """Have it write down what it gathered, wait until it has, and pass on what it warns of."""
        with contextlib.suppress(OSError, EOFError):
            self.pipe.send_bytes(pickle.dumps("settle", protocol=5))
            if self.pipe.poll(30.0):
                for category, text in pickle.loads(self.pipe.recv_bytes()):
                    warnings.warn(text, category, stacklevel=2)

    def end(self, *, at_once: bool = False) -> None:
        """Let an idle one end, or kill it `at_once`, as where nothing connects it with us any more."""
        with contextlib.suppress(OSError):
            self.pipe.close()
        if not at_once:
            self._wait(GRACE)
        self._kill_at_once()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        with contextlib.suppress(ValueError):  # it is not known here that it is gone
            self.process.close()


def _open_process(pid: int | None) -> int | None:
    """Return a descriptor of a process; None where the system has none, or it is gone."""
    if pid is None or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _poll_of(descriptor: int) -> select.poll:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return poll
