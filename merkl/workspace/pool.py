"""The targets that a workspace has opened: made when first needed, ended with it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from merkl.execution.targets.base import Target

__all__ = ["TargetPool"]

_Targets = dict[int | str, Target]


class TargetPool:
    """Opens targets by name; `chosen` is the one that the calls of this thread run on, None for this process.

    `open_target` makes a target from its name and the id of the run that opens it. A target serves one evaluation at a time,
    so each thread has its own; those of threads that have ended are ended when another one opens its first.
    """

    def __init__(self, chosen: int | str | None, open_target: Callable[[int | str, str], Target]) -> None:
        self._default = chosen
        self._open_target = open_target
        self._chosen = threading.local()
        self._lock = threading.Lock()
        self._opened: dict[threading.Thread, _Targets] = {}

    @property
    def chosen(self) -> int | str | None:
        """What calls run on that this thread evaluates."""
        chosen: int | str | None = getattr(self._chosen, "target", self._default)
        return chosen

    def get(self, run_id: str) -> Target | None:
        """Return the chosen target, with its workers started."""
        chosen = self.chosen
        if chosen is None:
            return None
        targets = self._of_this_thread()
        if chosen not in targets:
            targets[chosen] = self._open_target(chosen, run_id)
        return targets[chosen]

    def _of_this_thread(self) -> _Targets:
        with self._lock:
            ended = [thread for thread in self._opened if not thread.is_alive()]
            left = [self._opened.pop(thread) for thread in ended]
            mine = self._opened.setdefault(threading.current_thread(), {})
        for targets in left:
            _close(targets)
        return mine

    @contextlib.contextmanager
    def choose(self, target: int | str) -> Iterator[None]:
        """Have calls of this thread run there inside the block; workers are started for it and ended with it."""
        thread = threading.current_thread()
        has_chosen, chosen = hasattr(self._chosen, "target"), self.chosen
        self._chosen.target = target
        with self._lock:
            before = self._opened.pop(thread, {})
        try:
            yield
        finally:
            with self._lock:
                opened = self._opened.pop(thread, {})
                self._opened[thread] = before
            if has_chosen:
                self._chosen.target = chosen
            else:
                del self._chosen.target
            _close(opened)

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for targets in opened.values():
            _close(targets)


def _close(targets: _Targets) -> None:
    for target in targets.values():
        target.close()
