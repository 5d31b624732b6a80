"""What happens to a call when it is made: recorded by the run that builds the graph, or run at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from merkl.graph.call import Call

__all__ = ["CallRecorder", "Eval", "building", "record_calls"]


class CallRecorder:
    """The calls that were made while it was in force, in program order."""

    __slots__ = ("calls", "is_eager")

    def __init__(self, *, is_eager: bool = False) -> None:
        self.calls: list[Call] = []
        self.is_eager = is_eager


#: The recorder in force, None outside a run.
building: ContextVar[CallRecorder | None] = ContextVar("merkl_building", default=None)


@contextmanager
def record_calls(recorder: CallRecorder | None) -> Iterator[CallRecorder | None]:
    """Put a recorder in force; None hides the one outside, as while a body runs."""
    token = building.set(recorder)
    try:
        yield recorder
    finally:
        building.reset(token)


class Eval:
    """Inside `with Eval():` a task that is called runs at once, through the cache, and gives its value.

    >>> from merkl import Eval, task
    >>> @task
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> with Eval():
    ...     double(21)
    42
    """

    __slots__ = ("_recorder", "_tokens")

    def __init__(self) -> None:
        self._recorder = CallRecorder(is_eager=True)
        self._tokens: list[object] = []

    def __enter__(self) -> None:
        self._tokens.append(building.set(self._recorder))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        building.reset(self._tokens.pop())  # type: ignore[arg-type]
