"""What would end the process of a run without a word, or close its files, raises an error in the body instead."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from merkl._base.running_body import current_body
from merkl.execution.parting import parting

__all__ = ["ProcessExit", "refused_closing", "refused_exits"]

_ENDS = "have ended the process of the run with all that was still to be done: raise an exception instead"
#: What ends this process, puts another program in its place or closes its files; the other functions of `os` that do come to
#: these.
_REFUSED = {
    "_exit": _ENDS,
    "execv": _ENDS,
    "execve": _ENDS,
    "closerange": "have closed files of the run itself: close one by one what the body opened",
}


class ProcessExit(SystemExit):
    """A body, or the code that makes calls, would have ended the process of the run, or closed its files."""


@contextlib.contextmanager
def refused_exits() -> Iterator[None]:
    """Have what would end this process inside the block raise `ProcessExit`: a run that did not finish is no success.

    Processes that are forked off it end as ever. In a thread that belongs to no body, where raising would only end the
    thread, the process ends, with an exit code that says that the run failed.
    """
    with _refused(_REFUSED):
        yield


@contextlib.contextmanager
def refused_closing() -> Iterator[None]:
    """Have what would close files of this process inside the block raise `ProcessExit`; on a worker, which may end."""
    with _refused(("closerange",)):
        yield


@contextlib.contextmanager
def _refused(names: Iterable[str]) -> Iterator[None]:
    before: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in names}
    for name, function in before.items():
        setattr(os, name, _refusing(name, function, os.getpid()))
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(os, name, function)


def _refusing(name: str, function: Callable[..., Any], owner: int) -> Callable[..., Any]:
    def refuse(*arguments: Any, **named: Any) -> Any:
        if os.getpid() != owner:
            return function(*arguments, **named)
        shown = f"os.{name}({', '.join(map(repr, (*arguments[:2], *named.values())))})"
        is_apart = current_body.get() is None and threading.current_thread() is not threading.main_thread()
        if name != "_exit" or not is_apart:
            raise ProcessExit(f"{shown} would {_REFUSED[name]}, or do it in a process of its own")
        code = next(iter((*arguments, *named.values())), 0)
        print(f"merkl: error: a thread of the run has called {shown}", file=sys.stderr)  # noqa: T201
        parting.take_leave()
        return function(code if isinstance(code, int) and code else 1)

    return refuse
