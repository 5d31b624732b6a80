"""Watches what bodies touch that their keys don't know: files, environment, network, programs, clock, chance.

Files, sockets and programs are seen by Python's audit hooks, the environment by its mapping, clock and chance by a profile
function. What C code does without telling Python is not seen. Only bodies in this process are watched.
"""

from __future__ import annotations

import datetime
import os
import random
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from merkl._base.containers import iter_leaves
from merkl.execution.events import Observer, Status
from merkl.files import DirRef, FileRef
from merkl.graph.call import Call

__all__ = ["AuditObserver", "Finding"]

#: Functions that tell the time, by module and name.
_CLOCKS = frozenset(
    {("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "ctime"), ("time", "gmtime")}
)
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


class AuditObserver(Observer):
    """Collects findings while bodies run; `own` are folders whose files are no finding."""

    def __init__(self, own: Iterable[Path] = ()) -> None:
        self.findings: dict[Finding, None] = {}
        self._own = tuple(
            os.path.realpath(folder) + os.sep
            for folder in (
                *map(str, own),
                *(path for path in sys.path if path.endswith(("site-packages", "dist-packages"))),
                *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
                *("/proc", "/sys", "/dev", "/etc/ssl", "/usr/share/zoneinfo", "/usr/lib", "/lib"),
            )
        )
        self._call: Call | None = None
        self._code: CodeType | None = None
        self._known: set[str] = set()
        self._made: set[str] = set()
        self._is_seeded = False
        self._is_busy = False
        self._environ_get = os._Environ.__getitem__

    # -- what the run tells ------------------------------------------------------------------------------------

    def call_started(self, call: Call) -> None:
        """Begin to watch; a shell command is what its key says, so there is nothing to watch."""
        if call.task.command is not None:
            return
        self._call, self._code = call, getattr(call.task.fn, "__code__", None)
        leaves: list[Any] = list(iter_leaves([call.values, list(call.task.options.deps)]))
        self._known = {
            os.path.realpath(str(os.fspath(leaf))) for leaf in leaves if isinstance(leaf, (FileRef, DirRef))
        }
        self._known |= {os.path.realpath(read.path) for read in call.files}
        self._made = set()
        self._is_seeded = False
        _hook.install()
        _hook.watch = self._on_event
        self._watch_environment()
        threading.setprofile(self._on_profile)
        sys.setprofile(self._on_profile)

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """Watch no more."""
        if self._call is not None:
            sys.setprofile(None)
            threading.setprofile(None)
            os._Environ.__getitem__ = self._environ_get  # type: ignore[method-assign]
            _hook.watch = None
            self._call = None

    def run_ended(self, error: BaseException | None = None) -> None:
        """Watch no more, whatever happened."""
        if self._call is not None:
            self.call_ended(self._call, "failed")

    # -- what is seen ------------------------------------------------------------------------------------------

    def _note(self, kind: str, what: str) -> None:
        call = self._call
        if call is not None:
            name = f"{call.task.__module__}.{call.task.name}"
            self.findings.setdefault(Finding(name, call.key().hex(), kind, what))

    def _is_in_body(self) -> bool:
        """Say whether the body is on the stack, and not by way of an import, of MerkL, or of making a temporary file."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        while frame is not None:
            if frame.f_code is self._code:
                return True
            if frame.f_code.co_filename.startswith(_TRUSTED):
                return False
            frame = frame.f_back
        return False

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        seen = _EVENTS.get(event)
        if seen is None or self._is_busy:
            return
        if event == "open":
            self._note_made(arguments)
        if not self._is_in_body():
            return
        self._is_busy = True
        try:
            if event == "open":
                self._on_open(arguments)
            else:
                kind, describe = seen
                self._note(kind, describe(arguments))
        finally:
            self._is_busy = False

    def _on_open(self, arguments: tuple[Any, ...]) -> None:
        path, mode, flags = arguments
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        where = os.path.realpath(os.fsdecode(path))
        is_writing = _is_writing(mode, flags)
        if where in self._made or where.startswith(self._own) or self._is_known(where):
            return
        self._note("write" if is_writing else "file", where)

    def _note_made(self, arguments: tuple[Any, ...]) -> None:
        """Remember a file that did not exist: reading what the body has just written is fine."""
        path, mode, flags = arguments
        if isinstance(path, (str, bytes)) and _is_writing(mode, flags) and not os.path.exists(path):
            self._made.add(os.path.realpath(os.fsdecode(path)))

    def _is_known(self, where: str) -> bool:
        return where in self._known or any(where.startswith(known + os.sep) for known in self._known)

    def _watch_environment(self) -> None:
        get, note, is_in_body = self._environ_get, self._note, self._is_in_body

        def watched(environ: Any, name: Any) -> Any:
            if environ is os.environ and is_in_body():
                note("environment", str(name))
            return get(environ, name)

        os._Environ.__getitem__ = watched  # type: ignore[method-assign]

    def _on_profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is _SEED:
            self._is_seeded = True
        if event != "c_call":
            return
        name = getattr(argument, "__name__", "")
        owner = getattr(argument, "__self__", None)
        if (getattr(argument, "__module__", ""), name) in _CLOCKS:
            self._note_if_in_body("clock", f"{argument.__module__}.{name}()")
        elif name in _NOW and isinstance(owner, type) and issubclass(owner, datetime.date):
            self._note_if_in_body("clock", f"{owner.__name__}.{name}()")
        elif name == "urandom":
            self._note_if_in_body(
                "chance", "random bytes of the system (os.urandom, uuid4, a generator without a seed)"
            )
        elif owner is _GLOBAL and name in ("random", "getrandbits") and not self._is_seeded:
            self._note_if_in_body("chance", "the global generator of `random`, without a seed of its own")

    def _note_if_in_body(self, kind: str, what: str) -> None:
        if self._is_in_body():
            self._note(kind, what)


#: The generator behind the functions of `random`, and the code of its `seed`.
_GLOBAL = random.random.__self__  # type: ignore[attr-defined]
_SEED = random.Random.seed.__code__


#: What is done by these is no doing of the body: imports, MerkL itself, the names of temporary files.
_TRUSTED = ("<frozen importlib", str(Path(__file__).parent.parent) + os.sep, tempfile.__file__)


def _is_writing(mode: str | None, flags: int | None) -> bool:
    return bool(flags & _WRITING) if isinstance(flags, int) else "r" not in (mode or "r")


def _address(arguments: tuple[Any, ...]) -> str:
    return str(arguments[1] if len(arguments) > 1 else arguments)


def _program(arguments: tuple[Any, ...]) -> str:
    first = arguments[0]
    return os.fsdecode(first) if isinstance(first, (str, bytes, os.PathLike)) else str(first)


_EVENTS: dict[str, tuple[str, Callable[[tuple[Any, ...]], str]]] = {
    "open": ("file", _program),
    "os.listdir": ("file", lambda arguments: f"the names in {arguments[0] or '.'}"),
    "os.scandir": ("file", lambda arguments: f"the names in {arguments[0] or '.'}"),
    "socket.connect": ("network", _address),
    "socket.getaddrinfo": ("network", lambda arguments: f"{arguments[0]}:{arguments[1]}"),
    "subprocess.Popen": ("program", _program),
    "os.system": ("program", _program),
    "os.exec": ("program", _program),
    "os.posix_spawn": ("program", _program),
}
