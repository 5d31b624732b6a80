"""A worker process: opens the run's workspace, carries out the tickets from its pipe, and ends with its parent."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from multiprocessing import connection, parent_process
from typing import Any, NoReturn, TextIO, cast

from merkl._base.errors import MerklWarning
from merkl.execution.exits import refused_closing
from merkl.execution.interrupts import interrupts
from merkl.execution.output import Keyboard, body_output
from merkl.execution.targets.replies import dump_reply
from merkl.execution.targets.script import take_script
from merkl.execution.targets.sharing import require_mark
from merkl.execution.targets.worker import Worker
from merkl.execution.working_folder import keep_working_folder

__all__ = ["ATTEMPT", "BROKEN", "GRACE", "serve_parent"]

#: What a worker sends beside replies: that an attempt begins; with the reason behind it, that it cannot start.
ATTEMPT = b"attempt"
BROKEN = b"broken: "

#: Seconds that a worker gets to end a body in order before it is killed.
GRACE = 3.0


def serve_parent(pipe: connection.Connection, setup: bytes) -> None:
    """Be a worker, until the parent closes the pipe or dies."""
    interrupts.handle_termination()
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    with interrupts, body_output.installed(), refused_closing():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # the server held it back
        threading.Thread(target=_end_with_parent, daemon=True).start()
        sys.stdin = cast(TextIO, Keyboard(sys.stdin, _refuse))
        try:
            packed, mark = pickle.loads(setup)
            path, folder, environment, script, session_bytes = pickle.loads(packed)
            sys.path[:] = path
            os.environ.clear()
            os.environ.update(environment)
            with contextlib.suppress(OSError):
                os.chdir(folder)
            take_script(script)
            open_session, arguments, run_id = pickle.loads(session_bytes)
            if mark is not None:
                require_mark(arguments[1], mark)
            session = open_session(*arguments)
        except BaseException as error:  # noqa: BLE001 - said where the run is
            with contextlib.suppress(OSError):
                pipe.send_bytes(BROKEN + f"{type(error).__name__}: {error}".encode())
            os._exit(1)  # a signal that came meanwhile has nobody to go to
        worker = Worker(session, run_id, on_attempt=lambda: pipe.send_bytes(ATTEMPT))
        with keep_working_folder(), _warnings_to(worker):
            _serve(pipe, worker)
        _settle_alone(worker)
        os._exit(0)


@contextlib.contextmanager
def _warnings_to(worker: Worker) -> Iterator[None]:
    """Give the worker MerkL's warnings between two tickets, as of what is stored in the background: the run says each once."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def note(message: Any, category: Any, *rest: Any, **named: Any) -> None:
            if isinstance(category, type) and issubclass(category, MerklWarning):
                worker.note_warning(category, str(message))
            else:
                show(message, category, *rest, **named)

        warnings.showwarning = note
        yield


def _refuse() -> NoReturn:
    raise EOFError(
        "a body on a worker process has neither terminal nor standard input: give what it asks for as an argument, or run "
        "it in the process of the run"
    )


def _settle_alone(worker: Worker) -> None:
    """Make durable all results where the run hears nothing any more."""
    for _, text in worker.settle():
        print(f"merkl: warning: {text}", file=sys.stderr)  # noqa: T201


def _serve(pipe: connection.Connection, worker: Worker) -> None:
    while True:
        try:
            message = pickle.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            break
        if message == "settle":
            pipe.send_bytes(pickle.dumps(worker.settle()))
            continue
        with worker.collecting_warnings():
            for ticket, devices in message:
                if devices:
                    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
                reply = worker.carry_out(ticket)
                is_terminated = interrupts.is_terminated
                interrupts.reset()
                try:
                    pipe.send_bytes(dump_reply(reply))
                except OSError:  # the run is gone; what is done is in the cache
                    is_terminated = True
                if is_terminated:
                    _settle_alone(worker)
                    os._exit(128 + signal.SIGTERM)


def _end_with_parent() -> None:
    """Wait for the end of the run's process, and end then: the body as at SIGTERM, then this process."""
    parent = parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
