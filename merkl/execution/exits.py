"""What would end the process of a run without a word, or close its files, raises an error in the body instead."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from merkl._base.running_body import current_body
from merkl.execution.output import body_output
from merkl.execution.parting import parting

__all__ = ["ProcessExit", "refused_closing", "refused_exits", "refused_exits_of_bodies"]

_ENDS = "have ended the process of the run with all that was still to be done: raise an exception instead"
#: What ends this process, puts another program in its place or closes its files, and why that is refused; the other functions
#: of `os` that do come to these.
_WHY = {
    "_exit": _ENDS,
    "execv": _ENDS,
    "execve": _ENDS,
    "closerange": "have closed files of the run itself: close one by one what the body opened",
}
_CLOSE = os.close
#: The files of the database of a project: SQLite would write into whatever gets the number of one that was closed.
_DATABASE = frozenset(f"merkl.db{end}" for end in ("", "-wal", "-shm"))
_REAL: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in _WHY}


class ProcessExit(SystemExit):
    """A body, or the code that makes calls, would have ended the process of the run, or closed its files."""


class _Refusal:
    """Where it is refused: in the process `owner`, not in those that are forked off it, and not where code travels to."""

    owner = 0
    #: Whether only bodies are refused it: the rest of the process is the user's.
    is_for_bodies = False

    def deal_with(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Refuse to call a function of `os` here, or call it."""
        if os.getpid() != self.owner or (self.is_for_bodies and current_body.get() is None):
            return _REAL[name](*arguments, **named)
        shown = f"os.{name}({', '.join(map(repr, (*arguments[:2], *named.values())))})"
        is_apart = current_body.get() is None and threading.current_thread() is not threading.main_thread()
        if name != "_exit" or not is_apart:
            raise ProcessExit(f"{shown} would {_WHY[name]}, or do it in a process of its own")
        code = next(iter((*arguments, *named.values())), 0)
        with body_output.open_screen() as screen:  # what goes the way of what bodies print would not arrive
            screen.write(f"merkl: error: a thread of the run has called {shown}\n")
        parting.take_leave()
        return _REAL[name](code if isinstance(code, int) and code else 1)


#: That of this process.
_refusal = _Refusal()


def _exit(*arguments: Any, **named: Any) -> Any:
    return _refusal.deal_with("_exit", arguments, named)


def _execv(*arguments: Any, **named: Any) -> Any:
    return _refusal.deal_with("execv", arguments, named)


def _execve(*arguments: Any, **named: Any) -> Any:
    return _refusal.deal_with("execve", arguments, named)


def _closerange(*arguments: Any, **named: Any) -> Any:
    return _refusal.deal_with("closerange", arguments, named)


def _close(fd: int) -> None:
    """Close a descriptor; to a body those of the run are closed already, as there is code that closes all that are there."""
    if os.getpid() == _refusal.owner and current_body.get() is not None and _is_of_run(fd):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    _CLOSE(fd)


def _is_of_run(descriptor: int) -> bool:
    if descriptor in body_output.descriptors():
        return True
    try:
        folder, name = os.path.split(os.readlink(f"/proc/self/fd/{descriptor}"))
    except (OSError, TypeError):  # of another system, or no descriptor
        return False
    return name in _DATABASE or os.path.basename(folder) == "leases"


def _named_alike(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Give a function the names of that in whose place it is: code that holds it has the same fingerprint as elsewhere."""
    function.__module__ = getattr(os, name).__module__
    function.__name__ = function.__qualname__ = name
    return function


_REFUSING = {
    name: _named_alike(function, name)
    for name, function in zip((*_WHY, "close"), (_exit, _execv, _execve, _closerange, _close), strict=True)
}


@contextlib.contextmanager
def refused_exits() -> Iterator[None]:
    """Have what would end this process inside the block raise `ProcessExit`: a run that did not finish is no success.

    Processes that are forked off it end as ever. In a thread that belongs to no body, where raising would only end the
    thread, the process ends, with an exit code that says that the run failed.
    """
    with _refused(_REFUSING):
        yield


class _InBodies(contextlib.AbstractContextManager[None]):
    """See `refused_exits_of_bodies`; entered for each evaluation, so it is quick."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._before: dict[str, Any] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1 and os._exit is not _exit:
                functions: dict[str, Any] = os.__dict__
                self._before = {name: functions[name] for name in _REFUSING}
                _refusal.owner, _refusal.is_for_bodies = os.getpid(), True
                functions.update(_REFUSING)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._depth -= 1
            if not self._depth and self._before is not None:
                functions: dict[str, Any] = os.__dict__
                functions.update(self._before)
                self._before = None
                _refusal.owner, _refusal.is_for_bodies = 0, False


#: Have bodies that would end this process inside the block raise `ProcessExit`, in a program of the user's, whose own code may
#: end it; nothing where `refused_exits` holds. For several threads at a time.
refused_exits_of_bodies = _InBodies()


@contextlib.contextmanager
def refused_closing() -> Iterator[None]:
    """Have what would close files of this process inside the block raise `ProcessExit`; on a worker, which may end."""
    with _refused(("closerange",)):
        yield


@contextlib.contextmanager
def _refused(names: Iterable[str]) -> Iterator[None]:
    before = _refusal.owner, _refusal.is_for_bodies, {name: getattr(os, name) for name in names}
    _refusal.owner, _refusal.is_for_bodies = os.getpid(), False
    for name in names:
        setattr(os, name, _REFUSING[name])
    try:
        yield
    finally:
        _refusal.owner, _refusal.is_for_bodies, functions = before
        for name, function in functions.items():
            setattr(os, name, function)
