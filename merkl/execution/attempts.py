"""How often the calls of a run were tried on a target, what each attempt asks for, and which is worth another."""

from __future__ import annotations

import time
from typing import Any

from merkl.execution.targets.base import Death
from merkl.graph.call import Call

__all__ = ["Attempts"]


class Attempts:
    """The attempts at calls, by key; those that raised are made by the worker, unless each asks for other resources."""

    def __init__(self) -> None:
        self._made: dict[bytes, int] = {}
        self._deaths: dict[bytes, int] = {}
        self._delayed: list[tuple[float, Call]] = []

    def resources(self, call: Call) -> dict[str, Any]:
        """Return what the next attempt at a call asks for."""
        attempt = self._made.get(call.key(), 0)
        resources = call.task.options.resources
        return {name: value(attempt) if callable(value) else value for name, value in resources.items()}

    def retries(self, call: Call) -> int | None:
        """Return how often a worker tries again by itself; None: as the task says."""
        return 0 if _asks_by_attempt(call) else None

    def delay(self, call: Call, error: BaseException) -> bool:
        """Put a call off that raised and is to be submitted again; False where it is not."""
        options, attempt = call.task.options, self._made.get(call.key(), 0)
        is_to_retry = _asks_by_attempt(call) and isinstance(error.__cause__, tuple(options.retry_on))
        if not is_to_retry or attempt >= options.retries:
            return False
        self._made[call.key()] = attempt + 1
        self._delayed.append((time.monotonic() + options.retry_delay, call))
        return True

    def take_due(self) -> list[Call]:
        """Return the calls that were put off until now."""
        now = time.monotonic()
        due = [call for moment, call in self._delayed if moment <= now]
        self._delayed = [(moment, call) for moment, call in self._delayed if moment > now]
        return due

    @property
    def has_delayed(self) -> bool:
        """Whether calls are put off."""
        return bool(self._delayed)

    def outlives(self, call: Call, death: Death) -> bool:
        """Note that the worker of a call was lost, or ended when its time was up; say whether it is tried again."""
        key, options = call.key(), call.task.options
        if death.is_timeout:
            attempt = self._made[key] = self._made.get(key, 0) + 1
            return attempt <= options.retries and issubclass(TimeoutError, tuple(options.retry_on))
        deaths = self._deaths[key] = self._deaths.get(key, 0) + 1
        if deaths > 1 or death.is_final:
            return False
        self._made[key] = self._made.get(key, 0) + 1
        return True


def _asks_by_attempt(call: Call) -> bool:
    return any(callable(value) for value in call.task.options.resources.values())
