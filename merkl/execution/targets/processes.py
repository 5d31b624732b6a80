"""Worker processes, forked from a server of our own that never loads the user's program."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from multiprocessing import popen_forkserver, process, reduction, resource_tracker, spawn, util
from multiprocessing.context import ForkServerContext, ForkServerProcess, set_spawning_popen
from multiprocessing.forkserver import ForkServer, read_signed
from pathlib import Path
from typing import Any

__all__ = ["WORKERS", "WorkerProcess"]


class _Popen(popen_forkserver.Popen):
    """Starts a process without running the user's script in it again, which `multiprocessing` would."""

    def _launch(self, process_obj: process.BaseProcess) -> None:
        data = spawn.get_preparation_data(process_obj.name)
        for name in ("init_main_from_name", "init_main_from_path"):
            data.pop(name, None)
        data["sys_path"] = _path_to_this_merkl(data["sys_path"])
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
    server.set_forkserver_preload([])
    return server


def _start_server() -> None:
    """Start the server if it is not there, with Ctrl-C held back.

    The terminal sends it to the server too, which ignores it only once its modules are loaded. Workers inherit that: they
    let it in when they can deal with it.
    """
    with _finding_this_merkl():
        resource_tracker.ensure_running()  # the server wants it, and its start lets Ctrl-C in
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            _SERVER.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _finding_this_merkl() -> Iterator[None]:
    """Have Python processes that this thread starts inside the block import this MerkL, and nothing from the working directory.

    Python looks there first, where a folder of the user's may be called `merkl`. So the server loads what every worker needs
    before it does anything else; `__main__` is not among that, as it would be by default.
    """
    thread = threading.get_ident()
    with _STARTING:
        starting: Any = util
        spawn_process = starting.spawnv_passfds

        def spawn_apart(executable: Any, words: Any, descriptors: Any) -> Any:
            if threading.get_ident() == thread:
                *options, program = words
                if _SERVER_MODULE in program:
                    path = _path_to_this_merkl(sys.path)
                    program = f"import sys; sys.path[:] = {path!r}; import {', '.join(_PRELOADED)}; {program}"
                words = [*options[:1], "-P", *options[1:], program]
            return spawn_process(executable, words, descriptors)

        starting.spawnv_passfds = spawn_apart
        try:
            yield
        finally:
            starting.spawnv_passfds = spawn_process


def _path_to_this_merkl(path: Iterable[str]) -> list[str]:
    """Return a path of folders without those that have another MerkL, and with that of this one."""
    folders = [folder for folder in path if not _has_other_merkl(folder)]
    return folders if _HOME in map(os.path.realpath, folders) else [*folders, _HOME]


def _has_other_merkl(folder: str) -> bool:
    there = os.path.join(folder, "merkl")
    return os.path.realpath(folder) != _HOME and (os.path.isdir(there) or os.path.isfile(f"{there}.py"))


_SERVER_MODULE = ForkServer.__module__
#: What every worker needs, loaded once and shared by all.
_PRELOADED = ("merkl.execution.targets.nursery", "merkl.execution.targets.local")
#: Held while a process is started.
_STARTING = threading.Lock()
#: The folder that has the package `merkl` of this process.
_HOME = os.path.realpath(Path(__file__).parents[3])
_SERVER = _make_server()
#: The context in which workers are made.
WORKERS = _WorkerContext()
