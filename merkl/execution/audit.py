"""Watches what bodies touch that their keys don't know: files, environment, network, programs, clock, chance.

Files, sockets and programs are seen by Python's audit hooks, the environment by its mapping, clock and chance by a profile
function, numpy's global generator by its state. What other C code does without telling Python is not seen. Bodies are watched in
the process that runs them, with the threads that they start.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import random
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from merkl._base.containers import iter_leaves
from merkl._base.places import shown_path
from merkl.execution.numpy_chance import drew_without_seed, global_state
from merkl.files import DirRef, FileRef
from merkl.graph.call import Call

__all__ = ["BodyWatch", "Finding", "is_watching"]

#: Functions of `time` that tell the time, and those that libraries use to wait or to measure: they count in users' code alone.
_CLOCKS = frozenset({"time", "time_ns", "localtime", "ctime", "gmtime", "clock_gettime"})
_STOPWATCHES = frozenset({f"{name}{unit}" for name in ("monotonic", "perf_counter") for unit in ("", "_ns")})
_NOW = frozenset({"now", "utcnow", "today"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a task touched: `kind` is "file", "write", "environment", "network", "program", "clock" or "chance"."""

    task: str
    key: str
    kind: str
    what: str


class _Hook:
    """The one audit hook of this process (there is no way to remove one); it passes events to who watches now."""

    def __init__(self) -> None:
        self.watch: Callable[[str, tuple[Any, ...]], None] | None = None
        self._is_installed = False

    def install(self) -> None:
        if not self._is_installed:
            self._is_installed = True
            sys.addaudithook(self._pass_on)

    def _pass_on(self, event: str, arguments: tuple[Any, ...]) -> None:
        watch = self.watch
        if watch is not None:
            watch(event, arguments)


_hook = _Hook()


def is_watching() -> bool:
    """Say whether a body is watched, which is done in the thread that runs it and for one at a time."""
    return _hook.watch is not None


@dataclass(slots=True)
class _Body:
    """A body that runs: what its key knows of, and what it has made so far."""

    call: Call
    code: CodeType | None
    known: set[str]
    made: set[str] = field(default_factory=set)
    is_seeded: bool = False
    #: Threads that were there before it.
    threads: frozenset[int] = field(default_factory=lambda: frozenset(sys._current_frames()))
    numpy_state: dict[str, Any] | None = field(default_factory=global_state)


class BodyWatch:
    """Collects what bodies touch; `own` are folders whose files are no finding."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._findings: dict[Finding, None] = {}
        self._own = tuple(
            os.path.realpath(folder) + os.sep
            for folder in (
                *own,
                *(path for path in sys.path if path.endswith(("site-packages", "dist-packages"))),
                *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
                *("/proc", "/sys", "/dev", "/etc/ssl", "/usr/share/zoneinfo", "/usr/lib", "/lib"),
            )
        )
        #: The body that runs, above those that wait for what it gives; None for one that is not watched.
        self._bodies: list[_Body | None] = []
        self._is_busy = False
        self._environ_get = os._Environ.__getitem__

    @contextlib.contextmanager
    def watching(self, call: Call) -> Iterator[None]:
        """Watch what the body of a call does inside the block.

        A shell command is what its key says, so there is nothing to watch.
        """
        self._begin(call)
        try:
            yield
        finally:
            self._end()

    def _begin(self, call: Call) -> None:
        if call.task.command is not None:
            self._bodies.append(None)
            return
        leaves: list[Any] = list(iter_leaves([call.values, list(call.task.options.deps)]))
        known = {
            os.path.realpath(str(os.fspath(leaf))) for leaf in leaves if isinstance(leaf, (FileRef, DirRef))
        }
        known |= {os.path.realpath(read.path) for read in call.files}
        self._bodies.append(_Body(call, _code_of(call), known))
        _hook.install()
        _hook.watch = self._on_event
        self._watch_environment()
        threading.setprofile(self._on_profile)
        sys.setprofile(self._on_profile)

    def _end(self) -> None:
        """Watch this body no more, but the one that it was a part of."""
        body = self._body
        if body is not None and drew_without_seed(body.numpy_state):
            self._note("chance", "numpy's global generator, without a seed of its own")
        self._bodies.pop()
        if not self._bodies:
            sys.setprofile(None)
            threading.setprofile(None)
            os._Environ.__getitem__ = self._environ_get  # type: ignore[method-assign]
            _hook.watch = None

    def take(self) -> tuple[Finding, ...]:
        """Return what was found since the last time."""
        found, self._findings = tuple(self._findings), {}
        return found

    @property
    def _body(self) -> _Body | None:
        return self._bodies[-1] if self._bodies else None

    # -- what is seen ------------------------------------------------------------------------------------------

    def _note(self, kind: str, what: str) -> None:
        body = self._body
        if body is not None:
            call = body.call.parts[-1]
            name = f"{call.task.__module__}.{call.task.name}"
            self._findings.setdefault(Finding(name, call.key().hex(), kind, what))

    def _is_in_body(self) -> bool:
        """Say whether the body is on the stack, and not by way of an import, of MerkL, or of making a temporary file."""
        body = self._body
        frame: FrameType | None = sys._getframe(2) if body is not None else None
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        while frame is not None:
            if body is not None and frame.f_code is body.code:
                return True
            if frame.f_code.co_filename.startswith(_TRUSTED):
                return False
            frame = frame.f_back
        return body is not None and threading.get_ident() not in body.threads

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        seen = _EVENTS.get(event)
        body = self._body
        if seen is None or self._is_busy or body is None:
            return
        is_new = event in ("open", "os.mkdir") and _note_made(body, event, arguments)
        if not self._is_in_body():
            return
        self._is_busy = True
        try:
            if event == "open":
                self._on_open(body, arguments, is_new=is_new)
            elif event != "os.mkdir":
                kind, describe = seen
                self._note(kind, describe(arguments))
        finally:
            self._is_busy = False

    def _on_open(self, body: _Body, arguments: tuple[Any, ...], *, is_new: bool) -> None:
        path, mode, flags = arguments
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        where = os.path.realpath(os.fsdecode(path))
        is_its_own = _is_among(body.made, where) and not is_new
        if is_its_own or where.startswith(self._own) or _is_among(body.known, where):
            return
        self._note("write" if _is_writing(mode, flags) else "file", shown_path(where))

    def _watch_environment(self) -> None:
        get, note, is_in_body = self._environ_get, self._note, self._is_in_body

        def watched(environ: Any, name: Any) -> Any:
            is_ours = environ is os.environ or environ is os.environb
            if is_ours and not _looks_for_program() and is_in_body():
                note("environment", os.fsdecode(name) if isinstance(name, bytes) else str(name))
            return get(environ, name)

        os._Environ.__getitem__ = watched  # type: ignore[method-assign]

    def _on_profile(self, frame: FrameType, event: str, argument: Any) -> None:
        body = self._body
        if event == "call" and frame.f_code is _SEED and body is not None:
            if frame.f_locals.get("a") is None:
                self._note_if_in_body("chance", "a generator of `random` without a seed")
            elif frame.f_locals.get("self") is _GLOBAL:
                body.is_seeded = True
        if event != "c_call":
            return
        name = getattr(argument, "__name__", "")
        owner = getattr(argument, "__self__", None)
        module = getattr(argument, "__module__", "")
        if module == "time" and name in (_CLOCKS if self._is_library(frame) else _CLOCKS | _STOPWATCHES):
            self._note_if_in_body("clock", f"time.{name}()")
        elif module == "_uuid":
            self._note_if_in_body("clock", "uuid.uuid1()")
        elif name in _NOW and isinstance(owner, type) and issubclass(owner, datetime.date):
            self._note_if_in_body("clock", f"{owner.__name__}.{name}()")
        elif name in ("urandom", "getrandom"):
            self._note_if_in_body(
                "chance", "random bytes of the system (os.urandom, uuid4, a generator without a seed)"
            )
        elif owner is _GLOBAL and name in ("random", "getrandbits") and not (body is None or body.is_seeded):
            self._note_if_in_body("chance", "the global generator of `random`, without a seed of its own")

    def _is_library(self, frame: FrameType) -> bool:
        return frame.f_code.co_filename.startswith(self._own)

    def _note_if_in_body(self, kind: str, what: str) -> None:
        if self._is_in_body():
            self._note(kind, what)


#: The generator behind the functions of `random`, and the code of its `seed`.
_GLOBAL = random.random.__self__  # type: ignore[attr-defined]
_SEED = random.Random.seed.__code__


#: What is done by these is no doing of the body: imports, MerkL itself, the names of temporary files.
_TRUSTED = ("<frozen importlib", str(Path(__file__).parent.parent) + os.sep, tempfile.__file__)


def _looks_for_program() -> bool:
    """Say whether it is Python that reads PATH to find a program, which is a finding itself."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(3):
        if frame is None or frame.f_code is os.get_exec_path.__code__:
            break
        frame = frame.f_back
    return frame is not None and frame.f_code is os.get_exec_path.__code__


def _code_of(call: Call) -> CodeType | None:
    """Return the code of the user's function that runs for a call."""
    # The items of a batch run together, by a function of MerkL's that calls the user's.
    function: Any = getattr(call, "whole", call.task).fn
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _is_among(paths: set[str], where: str) -> bool:
    """Say whether a path is one of these, or below one."""
    return where in paths or any(where.startswith(path + os.sep) for path in paths)


def _note_made(body: _Body, event: str, arguments: tuple[Any, ...]) -> bool:
    """Remember a file or folder that did not exist, as using what the body has just made is fine.

    Say whether it is a file in a folder that was there before the body.
    """
    path = arguments[0]
    if not isinstance(path, (str, bytes)) or os.path.exists(path):
        return False
    if event == "open" and not _is_writing(*arguments[1:]):
        return False
    where = os.path.realpath(os.fsdecode(path))
    is_new = event == "open" and not _is_among(body.made, where)
    body.made.add(where)
    return is_new


def _is_writing(mode: str | None, flags: int | None) -> bool:
    return bool(flags & _WRITING) if isinstance(flags, int) else "r" not in (mode or "r")


def _address(arguments: tuple[Any, ...]) -> str:
    return str(arguments[1] if len(arguments) > 1 else arguments)


def _program(arguments: tuple[Any, ...]) -> str:
    first = arguments[0]
    return os.fsdecode(first) if isinstance(first, (str, bytes, os.PathLike)) else str(first)


#: What is looked at, and how a finding of it reads; that a folder is made is only remembered.
_EVENTS: dict[str, tuple[str, Callable[[tuple[Any, ...]], str]]] = {
    "open": ("file", _program),
    "os.mkdir": ("write", _program),
    "os.listdir": ("file", lambda arguments: f"the names in {arguments[0] or '.'}"),
    "os.scandir": ("file", lambda arguments: f"the names in {arguments[0] or '.'}"),
    "socket.connect": ("network", _address),
    "socket.getaddrinfo": ("network", lambda arguments: f"{arguments[0]}:{arguments[1]}"),
    "socket.gethostbyname": ("network", _program),
    "socket.gethostbyaddr": ("network", _program),
    "socket.gethostname": ("network", lambda arguments: "the name of this machine"),
    "subprocess.Popen": ("program", _program),
    "os.system": ("program", _program),
    "os.exec": ("program", _program),
    "os.posix_spawn": ("program", _program),
}
