"""The target of a run that has none: calls run in this process, and what is waited for are coroutines."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from merkl.execution.targets.base import Reply, Target, Ticket

__all__ = ["Here"]


class Here(Target):
    """Takes no calls; `poll` waits until a coroutine has ended."""

    leaves_coroutines = True

    def __init__(self) -> None:
        self._woken: SimpleQueue[None] = SimpleQueue()

    def admits(self, resources: dict[str, Any]) -> bool:
        return False

    def submit(self, ticket: Ticket) -> None:
        raise NotImplementedError

    def poll(self, timeout: float) -> Sequence[Reply]:
        with contextlib.suppress(Empty):
            self._woken.get(timeout=timeout)
            while True:  # all that have ended are taken at once
                self._woken.get_nowait()
        return ()

    def wake(self) -> None:
        self._woken.put(None)

    def cancel(self) -> Collection[bytes]:
        return ()

    def interrupt(self) -> bool:
        return False

    def close(self, *, at_once: bool = False) -> None:
        pass
