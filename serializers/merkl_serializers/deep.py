"""Room for values that are nested deeper than Python's recursion limit."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["run_deep"]

T = TypeVar("T")

#: Frames, and the stack that so many can need where C code stands between them (virtual until it is used).
LIMIT = 200_000
STACK = 1 << 29

_one_at_a_time = threading.Lock()


class _DeepThread(threading.Thread):
    """A thread that has the large stack; asking for another from inside would wait for itself."""


def run_deep(action: Callable[[], T]) -> T:
    """Return what `action` returns, run in a thread of its own with a large stack and a high recursion limit.

    Raises RecursionError where that is not enough either.

    >>> def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
    >>> run_deep(lambda: depth(50_000))
    50000
    """
    if isinstance(threading.current_thread(), _DeepThread):
        raise RecursionError("there is no deeper stack than this one")
    results: list[T] = []
    errors: list[BaseException] = []
    context = contextvars.copy_context()

    def run() -> None:
        try:
            results.append(context.run(action))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that asked
            errors.append(error)

    # Limit and stack size are the process's, so that two at once would undo each other's.
    with _one_at_a_time:
        limit, size = sys.getrecursionlimit(), threading.stack_size(STACK)
        sys.setrecursionlimit(max(limit, LIMIT))
        try:
            thread = _DeepThread(target=run, name="merkl-deep")
            thread.start()
            thread.join()
        finally:
            sys.setrecursionlimit(limit)
            threading.stack_size(size)
    if errors:
        raise errors[0]
    return results[0]
