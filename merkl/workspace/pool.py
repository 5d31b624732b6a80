"""The targets that a workspace has opened: made when first needed, ended with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from merkl.execution.targets.base import Target

__all__ = ["TargetPool"]


class TargetPool:
    """Opens targets by name; `chosen` is the one that calls run on, None for this process.

    `open_target` makes a target from its name and the id of the run that opens it.
    """

    def __init__(self, chosen: int | str | None, open_target: Callable[[int | str, str], Target]) -> None:
        self.chosen = chosen
        self._open_target = open_target
        self._targets: dict[int | str, Target] = {}

    def get(self, run_id: str) -> Target | None:
        """Return the chosen target, with its workers started."""
        if self.chosen is None:
            return None
        if self.chosen not in self._targets:
            self._targets[self.chosen] = self._open_target(self.chosen, run_id)
        return self._targets[self.chosen]

    @contextlib.contextmanager
    def choose(self, target: int | str) -> Iterator[None]:
        """Have calls run there inside the block; workers are started for it and ended with it."""
        before = self.chosen, self._targets
        self.chosen, self._targets = target, {}
        try:
            yield
        finally:
            self.close()
            self.chosen, self._targets = before

    def close(self) -> None:
        """End all workers."""
        targets, self._targets = self._targets, {}
        for target in targets.values():
            target.close()
