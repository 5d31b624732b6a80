"""Watches what bodies touch that their keys don't know: files, environment, network, programs, clock, chance.

Files, sockets and programs are seen by Python's audit hooks, the environment by its mapping, clock and chance by a profile
function, numpy's global generator by its state. What other C code does without telling Python is not seen. Bodies are watched in
the process that runs them, with the threads that they start. Files, network, programs and draws from a generator that is shared
count whoever touches them; of the rest what the user's code asks for, and what a library gives back to it (`audit_askers`).
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import importlib
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

from merkl._base.places import shown_path
from merkl.execution.audit_askers import (
    Askers,
    Held,
    Kind,
    argument_count,
    given_texts,
    holds_now,
    holds_text,
    is_generator_seeded,
)
from merkl.execution.audit_events import EVENTS, LISTINGS, is_among, is_writing, iter_paths
from merkl.execution.numpy_chance import drew_without_seed, global_state
from merkl.graph.call import Call

__all__ = ["BodyWatch", "Finding", "is_watching"]

#: Functions of `time` that tell the time, those that do so unless they get one (with so many arguments), and those by which
#: time is measured: they count in users' code alone, and what they give back is not looked for.
_CLOCKS = frozenset({"time", "time_ns", "clock_gettime", "clock_gettime_ns"})
_CLOCKS_WITHOUT = {"localtime": 0, "ctime": 0, "gmtime": 0, "asctime": 0, "strftime": 1}
_STOPWATCHES = frozenset({f"{name}{unit}" for name in ("monotonic", "perf_counter") for unit in ("", "_ns")})
_NOW = frozenset({"now", "utcnow", "today"})
#: What is written in C and looked at.
_WATCHED = frozenset(
    {*_CLOCKS, *_CLOCKS_WITHOUT, *_STOPWATCHES, *_NOW, "generate_time_safe", "UuidCreate"}
    | {"urandom", "getrandom", "random", "getrandbits"}
)


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
        if event in EVENTS and self.watch is not None:
            self.watch(event, arguments)


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
    written: dict[str, Finding] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    is_seeded: bool = False
    #: Threads that were there before it.
    threads: frozenset[int] = field(default_factory=lambda: frozenset(sys._current_frames()))
    numpy_state: dict[str, Any] | None = field(default_factory=global_state)


class BodyWatch:
    """Collects what bodies touch; `own` are folders whose files are no finding."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._findings: dict[Finding, None] = {}
        libraries = tuple(
            path + os.sep
            for folder in (
                *(path for path in sys.path if path.endswith(("site-packages", "dist-packages"))),
                *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            )
            for path in dict.fromkeys((folder, os.path.realpath(folder)))
        )
        self._own = (
            *libraries,
            *(os.path.realpath(folder) + os.sep for folder in (*own, *_FOLDERS_OF_PYTHON)),
        )
        self._askers = Askers(libraries)
        #: The body that runs, above those that wait for what it gives; None for one that is not watched.
        self._bodies: list[_Body | None] = []
        #: By the function of a library that the user's code called: what it asked for, of which it may give something back.
        self._pending: dict[FrameType, list[tuple[str, str, Held]]] = {}
        self._on_profile = self._profiler()
        self._is_busy = False
        self._environ_get = os._Environ.__getitem__

    @contextlib.contextmanager
    def watching(self, call: Call, values: tuple[Any, ...]) -> Iterator[Callable[[Iterable[Any]], None]]:
        """Watch what the body of a call, which is given these values, does inside the block.

        What the block gets is to be told what the body gave: files among it are no finding, wherever they lie. A shell
        command is what its key says, so there is nothing to watch.
        """
        self._begin(call, values)
        try:
            yield self._forgive_results
        finally:
            self._end()

    def _begin(self, call: Call, values: tuple[Any, ...]) -> None:
        if call.task.command is not None:
            self._bodies.append(None)
            return
        known = set(iter_paths([values, list(call.task.options.deps)]))
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
            self._pending.clear()
            _hook.watch = None

    def _forgive_results(self, outs: Iterable[Any]) -> None:
        written = {} if self._body is None else self._body.written
        results = set(iter_paths(outs)) if written else set()
        for path in [path for path in written if is_among(results, path)]:
            self._findings.pop(written.pop(path), None)

    def take(self) -> tuple[Finding, ...]:
        """Return what was found since the last time."""
        found, self._findings = tuple(self._findings), {}
        return found

    @property
    def _body(self) -> _Body | None:
        return self._bodies[-1] if self._bodies else None

    # -- what is seen ------------------------------------------------------------------------------------------

    def _note(self, kind: str, what: str, *, written: str = "") -> None:
        body = self._body
        if body is not None:
            call = body.call.parts[-1]
            name = f"{call.task.__module__}.{call.task.name}"
            finding = Finding(name, call.key().hex(), kind, what)
            self._findings.setdefault(finding)
            if written:
                body.written[written] = finding

    def _is_in_body(self) -> bool:
        """Say whether the body is on the stack, and not by way of an import, of MerkL, or of making a temporary file."""
        body = self._body
        frame = _frame_of_asker() if body is not None else None
        while frame is not None:
            if body is not None and frame.f_code is body.code:
                return True
            if frame.f_code.co_filename.startswith(_TRUSTED):
                return False
            frame = frame.f_back
        return body is not None and threading.get_ident() not in body.threads

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        seen, body = EVENTS[event], self._body
        if self._is_busy or body is None:
            return
        is_new = event in ("open", "os.mkdir") and _note_made(body, event, arguments)
        if not self._is_in_body():
            return
        self._is_busy = True
        try:
            if event == "open":
                self._on_open(body, arguments, is_new=is_new)
            elif event in LISTINGS:
                self._on_listing(body, arguments[0])
            elif event == "sqlite3.connect":
                self._on_database(body, arguments[0])
            elif event == "socket.gethostname":
                self._note_if_asked("network", seen[1](arguments), holds_text(os.uname().nodename))
            elif event != "os.mkdir":
                kind, describe = seen
                what = describe(arguments)
                if kind != "program" or not self._is_look_at_machine(what):
                    self._note(kind, what)
        finally:
            self._is_busy = False

    def _is_look_at_machine(self, program: str) -> bool:
        """Say whether a library runs a program that tells it how many processors there are, and the like."""
        return os.path.basename(program) in _OF_MACHINE and not self._askers.is_users(_frame_of_asker())

    def _on_open(self, body: _Body, arguments: tuple[Any, ...], *, is_new: bool) -> None:
        path, mode, flags = arguments
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        where = os.path.realpath(os.fsdecode(path))
        body.opened.add(where)
        is_its_own = is_among(body.made, where) and not is_new
        if is_its_own or self._is_no_input(body, where):
            return
        is_write = is_writing(mode, flags)
        self._note("write" if is_write else "file", shown_path(where), written=where if is_write else "")

    def _on_listing(self, body: _Body, folder: Any) -> None:
        if isinstance(folder, int):
            where = os.path.realpath(f"/proc/self/fd/{folder}")
        else:
            where = os.path.realpath(os.fsdecode(folder or "."))
        if not (is_among(body.made, where) or self._is_no_input(body, where)):
            self._note("file", f"the names in {shown_path(where)}")

    def _on_database(self, body: _Body, database: Any) -> None:
        """SQLite opens its files without telling Python: what is there is read, else it is made."""
        name = os.fsdecode(database)
        path = name.removeprefix("file:").partition("?")[0]
        if path and not path.startswith(":") and "mode=memory" not in name:
            self._on_open(
                body, (path, "r" if os.path.exists(path) else "w", None), is_new=not os.path.exists(path)
            )

    def _is_no_input(self, body: _Body, where: str) -> bool:
        """Say whether a path is one that the key knows, or where Python, a library or the system keeps its own files."""
        if f"{where}{os.sep}".startswith(self._own) or is_among(body.known, where):
            return True
        is_of_machine = where in _search_path() or where.startswith(_FOLDERS_OF_SYSTEM)
        return is_of_machine and not self._askers.is_users(_frame_of_asker())

    def _watch_environment(self) -> None:
        get = self._environ_get

        def watched(environ: Any, name: Any) -> Any:
            if (environ is os.environ or environ is os.environb) and self._is_in_body():
                text = os.fsdecode(name) if isinstance(name, bytes) else str(name)
                try:
                    value = get(environ, name)
                except KeyError:
                    held = None
                else:
                    held = holds_text(os.fsdecode(value))
                self._note_if_asked("environment", text, held, name=text)
            return get(environ, name)

        os._Environ.__getitem__ = watched  # type: ignore[method-assign]

    def _note_if_asked(self, kind: str, what: str, held: Held | None, *, name: str | None = None) -> None:
        """Note what the user's code asks for; what a library does if that was named to it, or once it is given back."""
        frame = _frame_of_asker()
        if self._askers.is_users(frame):
            self._note(kind, what)
            return
        called = self._askers.boundary(frame)
        if called is None or self._body is None:
            return
        if name is not None and any(text.upper() == name.upper() for text in given_texts(called)):
            self._note(kind, what)
        elif held is not None:
            self._pending.setdefault(called, []).append((kind, what, held))

    def _on_library_call(self, frame: FrameType) -> None:
        """A file that a library is told to read may be read by what does not tell Python of it."""
        body = self._body
        if body is None:
            return
        for text in given_texts(frame):
            if len(text) < _LONGEST_PATH and (os.sep in text or "." in text) and os.path.isfile(text):
                where = os.path.realpath(text)
                if not (is_among(body.made, where) or self._is_no_input(body, where)) and self._is_in_body():
                    held = functools.partial(_is_not_among, body.opened, where)
                    self._pending.setdefault(frame, []).append(("file", shown_path(where), held))

    def _on_return(self, frame: FrameType, value: Any) -> None:
        pending = self._pending.pop(frame)
        owner = frame.f_locals.get(frame.f_code.co_varnames[0]) if frame.f_code.co_argcount else None
        for kind, what, held in pending:
            if held(value, owner):
                self._note(kind, what)

    def _profiler(self) -> Callable[[FrameType, str, Any], None]:
        """Return what Python is to call for each call in a body.

        What a library is imported with makes millions of them, so the common ways out come first, and nothing is looked up
        twice. `f_code` and `id` would cost an audit event each time.
        """
        askers, pending = self._askers, self._pending
        kinds = askers.kinds_of_modules

        def on_profile(frame: FrameType, event: str, argument: Any) -> None:
            if event == "c_call":
                if getattr(argument, "__name__", "") in _WATCHED:
                    self._on_c_call(frame, argument)
            elif event == "call":
                kind = kinds.get(frame.f_globals.get("__name__")) or askers.kind_of_module(frame)
                if kind is Kind.INSTALLED:
                    caller = frame.f_back
                    if caller is not None:
                        kind = kinds.get(caller.f_globals.get("__name__")) or askers.kind_of_module(caller)
                        if kind is Kind.USERS:
                            self._on_library_call(frame)
                elif frame.f_globals is _RANDOM and frame.f_code is _SEED:
                    self._on_seed(frame)
            elif event == "return" and pending and frame in pending:
                self._on_return(frame, argument)

        return on_profile

    def _on_seed(self, frame: FrameType) -> None:
        if frame.f_locals.get("a") is None:
            self._note_if_in_body("chance", "a generator of `random` without a seed")
        elif frame.f_locals.get("self") is _GLOBAL and self._body is not None:
            self._body.is_seeded = True

    def _on_c_call(self, frame: FrameType, argument: Any) -> None:
        body = self._body
        name = argument.__name__
        owner = getattr(argument, "__self__", None)
        module = getattr(argument, "__module__", "")
        if module == "time":
            self._on_clock(frame, name)
        elif module == "_uuid":
            self._note_asked_of_clock("uuid.uuid1()")
        elif name in _NOW and isinstance(owner, type) and issubclass(owner, datetime.date):
            self._note_asked_of_clock(f"{owner.__name__}.{name}()")
        elif name in ("urandom", "getrandom"):
            self._on_system_chance(frame)
        elif owner is _GLOBAL and name in ("random", "getrandbits") and not (body is None or body.is_seeded):
            self._note_if_in_body("chance", "the global generator of `random`, without a seed of its own")

    def _on_clock(self, frame: FrameType, name: str) -> None:
        if name in _STOPWATCHES:
            if not self._askers.is_library(frame.f_code):
                self._note_if_in_body("clock", f"time.{name}()")
        elif name in _CLOCKS or (
            name in _CLOCKS_WITHOUT and (argument_count(frame) or 0) <= _CLOCKS_WITHOUT[name]
        ):
            self._note_asked_of_clock(f"time.{name}()")

    def _note_asked_of_clock(self, what: str) -> None:
        if self._is_in_body():
            self._note_if_asked("clock", what, holds_now)

    def _on_system_chance(self, frame: FrameType) -> None:
        """A generator without a seed counts whoever makes it; other random bytes name things, unless the user asks for them."""
        if not self._is_in_body():
            return
        makes_generator = frame.f_code is _SYSTEM_BITS and frame.f_back is not None
        if makes_generator and frame.f_back is not None and is_generator_seeded(frame.f_back):
            return
        if makes_generator or self._askers.is_users(frame):
            what = "random bytes of the system (os.urandom, uuid4, a generator without a seed)"
            self._note("chance", what)

    def _note_if_in_body(self, kind: str, what: str) -> None:
        if self._is_in_body():
            self._note(kind, what)


#: The generator behind the functions of `random`, and the code of its `seed`.
_GLOBAL = random.random.__self__  # type: ignore[attr-defined]
_SEED = random.Random.seed.__code__
_RANDOM = vars(random)
#: By this numpy asks for what a generator without a seed begins with.
_SYSTEM_BITS = random.SystemRandom.getrandbits.__code__


#: What is done by these is no doing of the body: imports, lists of what is installed, MerkL itself, names of temporary files.
_TRUSTED = (
    *("<frozen importlib", str(Path(importlib.__file__).parent / "metadata") + os.sep),
    *(str(Path(__file__).parent.parent) + os.sep, tempfile.__file__),
)
_FOLDERS_OF_PYTHON = ("/proc", "/sys", "/dev", "/etc/ssl", "/usr/share/zoneinfo", "/usr/lib", "/lib")
#: What a library reads here tells it what machine it is on.
_FOLDERS_OF_SYSTEM = ("/etc/", "/usr/")
_LONGEST_PATH = 4096
_OF_MACHINE = frozenset({"lscpu", "nproc", "uname", "sysctl", "getconf", "ldconfig"})


def _search_path() -> frozenset[str]:
    return frozenset(map(os.path.realpath, sys.path))


def _frame_of_asker() -> FrameType | None:
    """Return the frame above those of the watch itself."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame


def _code_of(call: Call) -> CodeType | None:
    """Return the code of the user's function that runs for a call."""
    # The items of a batch run together, by a function of MerkL's that calls the user's.
    function: Any = getattr(call, "whole", call.task).fn
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _is_not_among(paths: set[str], where: str, value: Any, owner: Any) -> bool:
    """Say, once a call is over, that a path is none of these."""
    return where not in paths


def _note_made(body: _Body, event: str, arguments: tuple[Any, ...]) -> bool:
    """Remember a file or folder that did not exist, as using what the body has just made is fine.

    Say whether it is a file in a folder that was there before the body.
    """
    path = arguments[0]
    if not isinstance(path, (str, bytes)) or os.path.exists(path):
        return False
    if event == "open" and not is_writing(*arguments[1:]):
        return False
    where = os.path.realpath(os.fsdecode(path))
    is_new = event == "open" and not is_among(body.made, where)
    body.made.add(where)
    return is_new
