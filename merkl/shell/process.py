"""Run one command with its children as a group that ends together: on timeout, on Ctrl-C, and when it is done."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from merkl.shell.guard import group_guard

__all__ = ["Ended", "run_group"]

_GRACE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.02


#: Seconds that it is waited at a time.
_SLICE = 0.2
#: A command begins when it is told to, by a line, or never: who starts it may be killed before anybody else knows of it.
#: Where its input is comes as `$0`, as a variable of its own could be one of the command's environment.
_GATE: Final = 'read -r _merkl_go || exit; exec "$@" <"$0"'


class Ended(Exception):
    """The command was ended because its time was up."""


def run_group(
    command: Sequence[str | bytes],
    *,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str],
    stdin: Path | None,
    stdout: IO[bytes],
    stderr: IO[bytes],
    timeout: float | None,
) -> int:
    """Run a command in a session of its own and return its exit code (negative: the signal that ended it).

    Whatever it started in the background and left is killed when it ends. A KeyboardInterrupt here is passed
    on as SIGINT to all of the group, which gets some seconds to end in order.

    Raises:
        Ended: `timeout` seconds were over; the group got SIGTERM, then SIGKILL.
        KeyboardInterrupt: after the group has ended.
        OSError: the command cannot be started.
    """
    _require_program(os.fsdecode(command[0]), cwd, env)
    gated = ["/bin/sh", "-c", _GATE, os.devnull if stdin is None else stdin, *command]
    start = _Start(
        lambda gate: subprocess.Popen(
            gated,
            cwd=cwd,
            env=dict(env),
            stdin=gate,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    )
    process = start.result()
    try:
        try:
            if not _wait(process.pid, timeout):
                _end(process.pid, signal.SIGTERM)
                raise Ended
        except KeyboardInterrupt:
            _end(process.pid, signal.SIGINT)
            raise
    finally:
        # The leader is not reaped yet, so its id cannot have passed to another group.
        code = _reap(process)
    return code


class _Start:
    """Starts a process in another thread, where nothing is raised between its start and the moment that it is known.

    Ctrl-C in the middle of `Popen` would leave a process that nobody ends.
    """

    def __init__(self, make: Callable[[int], subprocess.Popen[bytes]]) -> None:
        self._make = make
        self._turn = threading.Lock()
        self._is_called_off = False
        self._is_done = threading.Event()
        self._made: subprocess.Popen[bytes] | Exception | None = None

    def result(self) -> subprocess.Popen[bytes]:
        """Return the process; what is raised here meanwhile ends its group first."""
        try:
            threading.Thread(target=self._run, name="merkl-start", daemon=True).start()
            self._is_done.wait()
        except BaseException as error:
            self._call_off(signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM)
            raise
        assert self._made is not None
        if isinstance(self._made, Exception):
            raise self._made
        return self._made

    def _run(self) -> None:
        with self._turn:
            if not self._is_called_off:
                try:
                    self._made = self._open()
                except Exception as error:  # noqa: BLE001 - raised where the process is wanted
                    self._made = error
        self._is_done.set()

    def _open(self) -> subprocess.Popen[bytes]:
        gate, handle = os.pipe()
        try:
            process = self._make(gate)
            group_guard.watch(process.pid)
            os.write(handle, b"go\n")
        finally:
            os.close(gate)
            os.close(handle)
        return process

    def _call_off(self, first: signal.Signals) -> None:
        with self._turn:
            self._is_called_off = True
        if isinstance(self._made, subprocess.Popen):
            try:
                _end(self._made.pid, first)
            finally:
                _reap(self._made)


def _require_program(program: str, cwd: str | os.PathLike[str], env: Mapping[str, str]) -> None:
    """Raise `FileNotFoundError` where a program cannot be run."""
    place = os.path.join(cwd, program) if os.sep in program else program
    if shutil.which(place, path=env.get("PATH", os.defpath)) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)


def _reap(process: subprocess.Popen[bytes]) -> int:
    """Kill what is left of a group and return the exit code of its leader."""
    _signal(process.pid, signal.SIGKILL)
    group_guard.forget(process.pid)
    return process.wait()


def _end(group: int, first: signal.Signals) -> None:
    """Signal a group and let it end by itself for a while; a second Ctrl-C cuts that short."""
    _signal(group, first)
    with contextlib.suppress(KeyboardInterrupt):
        _wait(group, _GRACE_SECONDS)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _wait(pid: int, timeout: float | None) -> bool:
    """Wait until a child has ended, without reaping it; False if the time is up first."""
    deadline = None if timeout is None else time.monotonic() + timeout
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
            try:
                return _wait_readable(descriptor, deadline)
            finally:
                os.close(descriptor)
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if deadline is not None and time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _wait_readable(descriptor: int, deadline: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    # In slices: what is raised in a thread other than the main one (a time limit, Ctrl-C) does not end a wait.
    while True:
        left = _SLICE if deadline is None else min(_SLICE, deadline - time.monotonic())
        if poll.poll(max(0.0, left) * 1000):
            return True
        if deadline is not None and time.monotonic() >= deadline:
            return False
