"""What runs on a Dask worker: a ticket with the replies of its parents, in a session that is opened once for each run."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import threading
from types import FrameType

import msgspec

from merkl.execution.interrupts import interrupts
from merkl.execution.output import body_output
from merkl.execution.targets.base import KnownResult, Reply, Ticket
from merkl.execution.targets.failures import dump_error
from merkl.execution.targets.script import take_script
from merkl.execution.targets.sharing import require_mark
from merkl.execution.targets.worker import Worker, WorkerSession
from merkl.execution.working_folder import begin_in_folder

try:
    from distributed import WorkerPlugin
except ImportError:  # the target says what to install; no worker runs without it
    WorkerPlugin = object  # type: ignore[assignment, misc]

__all__ = [
    "SparedInterrupts",
    "check_worker",
    "notify_interrupt",
    "place_of_stderr",
    "run_ticket",
    "topic_of",
]


class _Sessions:
    """The workers of this process by run: a Dask worker runs several tickets at a time, in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: dict[bytes, tuple[Worker, WorkerSession]] = {}
        #: Where bodies begin, whatever others make of it: where the process was before the first of them.
        self.folder = ""

    def worker(self, setup: bytes) -> tuple[Worker, WorkerSession]:
        """Return the worker for a run, opening its session the first time."""
        with self._lock:
            self.folder = self.folder or os.getcwd()
            if setup not in self._workers:
                self._workers[setup] = _open(setup)
            return self._workers[setup]


_sessions = _Sessions()


def _open(setup: bytes) -> tuple[Worker, WorkerSession]:
    packed, marker, _ = pickle.loads(setup)
    open_session, arguments, run_id, script = pickle.loads(packed)
    take_script(script)
    require_mark(arguments[1], marker)
    session = open_session(*arguments)
    body_output.listen()
    return Worker(session, run_id, collects_warnings=False, returns_metadata=True), session


class SparedInterrupts(WorkerPlugin):  # pyright: ignore[reportGeneralTypeIssues]
    """Has workers that are processes of the same job of a terminal as the run not end at Ctrl-C: the run tells them of it."""

    def __init__(self) -> None:
        self._job = _job()

    def setup(self, worker: object) -> None:
        """Take SIGINT for nothing; what bodies start gets it as ever."""
        if _job() == self._job and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _pass_over)


def _job() -> tuple[str, int]:
    return socket.gethostname(), os.getpgrp()


def place_of_stderr() -> tuple[object, ...]:
    """Return what tells the stderr of this process from others: where two are the same, what one prints is seen by both."""
    try:
        found = os.fstat(2)
    except OSError:
        return (os.getpid(),)
    return socket.gethostname(), found.st_dev, found.st_ino


def _pass_over(number: int, frame: FrameType | None) -> None:
    """Do nothing."""


def check_worker(setup: bytes) -> str:
    """Open the session of a run; return what is wrong with that, "" if nothing."""
    try:
        _sessions.worker(setup)
    except Exception as error:  # noqa: BLE001 - said where the run is
        return f"{type(error).__name__}: {error}"
    return ""


async def notify_interrupt(setup: bytes, *, is_last: bool = False) -> int:
    """Pass Ctrl-C on to the bodies of a run, and say how many: signals do not reach the threads of a Dask worker.

    A coroutine, as Dask waits for the end of anything else. The last one ended the run: see `Interrupts.press`.
    """
    return interrupts.press(setup, is_last=is_last)


def topic_of(mark: str) -> str:
    """Return the topic under which the workers of a run tell the calls that they begin."""
    return f"merkl-{mark}"


def run_ticket(setup: bytes, packed: bytes, *parents: Reply) -> Reply:
    """Carry out a ticket, with what its parents gave, for the run whose mark is in the reply."""
    _, mark, stderr = pickle.loads(setup)
    run = str(mark)
    ticket: Ticket = pickle.loads(packed)
    inputs: dict[bytes, KnownResult] = dict(ticket.inputs)
    for parent in parents:
        if not parent.outs:
            return Reply(ticket.key, "skipped", run=run)
        is_own = parent.status != "linked" and not parent.linked
        inputs.update(
            (key, msgspec.structs.replace(known, is_own=is_own)) for key, known in parent.outs.items()
        )
    with contextlib.suppress(ImportError, ValueError):  # no worker of Dask's, as where this is tried out
        from distributed import get_worker

        get_worker().log_event(topic_of(run), ticket.key.hex())
    try:
        worker, session = _sessions.worker(setup)
        with interrupts.in_thread(setup), begin_in_folder(_sessions.folder):
            reply = worker.carry_out(msgspec.structs.replace(ticket, inputs=inputs))
        session.settle()
    except Exception as error:  # noqa: BLE001
        return Reply(ticket.key, "failed", error=dump_error(error), run=run)
    return msgspec.structs.replace(reply, run=run, was_shown=stderr == place_of_stderr())
