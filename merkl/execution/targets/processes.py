"""Worker processes, forked from a server of our own that never loads the user's program."""

from __future__ import annotations

import io
import os
import signal
from multiprocessing import popen_forkserver, process, reduction, resource_tracker, spawn, util
from multiprocessing.context import ForkServerContext, ForkServerProcess, set_spawning_popen
from multiprocessing.forkserver import ForkServer, read_signed
from typing import Any

__all__ = ["WORKERS", "WorkerProcess"]


class _Popen(popen_forkserver.Popen):
    """Starts a process without running the user's script in it again, which `multiprocessing` would."""

    def _launch(self, process_obj: process.BaseProcess) -> None:
        data = spawn.get_preparation_data(process_obj.name)
        for name in ("init_main_from_name", "init_main_from_path"):
            data.pop(name, None)
        buffer = io.BytesIO()
        set_spawning_popen(self)  # pyright: ignore[reportArgumentType] - typeshed names one of its kinds
        try:
            reduction.dump(data, buffer)
            reduction.dump(process_obj, buffer)
        finally:
            set_spawning_popen(None)
        _start_server()
        self.sentinel, write_end = _SERVER.connect_to_new_process(self._fds)  # type: ignore[attr-defined]
        # The child holds the other end of it, and so learns of our death.
        parent_end = os.dup(write_end)
        self.finalizer = util.Finalize(self, _close, (parent_end, self.sentinel))
        with open(write_end, "wb") as pipe:
            pipe.write(buffer.getbuffer())
        self.pid = read_signed(self.sentinel)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


class WorkerProcess(ForkServerProcess):
    """A process of the server."""

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Any:
        return _Popen(process_obj)


class _WorkerContext(ForkServerContext):
    _name = "merkl"
    Process = WorkerProcess


def _make_server() -> ForkServer:
    server = ForkServer()
    # What every worker needs is loaded once, and shared by all; never `__main__`, as is the default.
    server.set_forkserver_preload(["merkl.execution.targets.nursery", "merkl.execution.targets.local"])
    return server


def _start_server() -> None:
    """Start the server if it is not there, with Ctrl-C held back.

    The terminal sends it to the server too, which ignores it only once its modules are loaded. Workers inherit that: they
    let it in when they can deal with it.
    """
    resource_tracker.ensure_running()  # the server wants it, and its start lets Ctrl-C in
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        _SERVER.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_SERVER = _make_server()
#: The context in which workers are made.
WORKERS = _WorkerContext()
