"""What happens to a call when it is made: recorded by the run or the pipeline that builds the graph, or run at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from merkl.graph.call import Call
    from merkl.graph.future import Future
    from merkl.graph.reading import Reading
    from merkl.graph.task import Task

__all__ = ["CallRecorder", "Eval", "GraphEnded", "Stage", "building", "record_calls"]


class Stage:
    """Futures that are to be complete before what comes after them begins.

    `floor` is the place in program order at which the outermost pipeline around it began: calls made earlier run
    earlier.
    """

    __slots__ = ("floor", "futures")

    def __init__(self, futures: Sequence[Future[Any]], floor: int) -> None:
        self.futures = tuple(futures)
        self.floor = floor


class GraphEnded(BaseException):
    """Where nothing may run, code asked for a value that is not in the cache: the graph is known up to here.

    It derives from BaseException so that no `except Exception` in the code that builds the graph holds it.
    """

    def __init__(self, futures: Sequence[Future[Any]]) -> None:
        super().__init__("the value of a Future decides what comes next, and nothing may run here")
        self.futures = tuple(futures)


class CallRecorder:
    """The calls that were made while it was in force, in program order, and the stages that were yielded.

    `outer` is the recorder around it (a pipeline called by another, or in a run), `reading` what the body of a pipeline
    looks at. With `may_run` off, nothing may run to give a value; with `is_eager`, each call runs when it is made.
    """

    __slots__ = (
        "_start",
        "calls",
        "is_eager",
        "may_recall",
        "may_run",
        "outer",
        "reading",
        "settled",
        "stages",
        "tasks",
    )

    def __init__(
        self,
        *,
        outer: CallRecorder | None = None,
        is_eager: bool = False,
        may_run: bool = True,
        may_recall: bool = True,
        start: int | None = None,
        reading: Reading | None = None,
    ) -> None:
        self.calls: list[Call] = []
        self.stages: list[Stage] = []
        #: How many of the stages have been run.
        self.settled = 0
        self.outer = outer
        self.is_eager = is_eager
        self.may_run: bool = may_run if outer is None else outer.may_run
        #: Pipelines that are called may give a graph that was kept, instead of running their bodies.
        self.may_recall: bool = may_recall if outer is None else outer.may_recall
        self.reading = reading
        #: Tasks of calls that a kept graph stands for.
        self.tasks: list[Task[..., Any, Any]] = []
        self._start = start

    @property
    def root(self) -> CallRecorder:
        """The outermost recorder."""
        recorder = self
        while recorder.outer is not None:
            recorder = recorder.outer
        return recorder

    @property
    def floor(self) -> int:
        """The place in program order at which the outermost pipeline began; 0 outside of pipelines."""
        floor, recorder = 0, self
        while recorder is not None and recorder._start is not None:
            floor, recorder = recorder._start, recorder.outer  # type: ignore[assignment]
        return floor

    def add_stage(self, futures: Sequence[Future[Any]]) -> None:
        """Note a stage, here and in all recorders around."""
        stage = Stage(futures, self.floor)
        recorder: CallRecorder | None = self
        while recorder is not None:
            recorder.stages.append(stage)
            recorder = recorder.outer

    def note_value(self, key: bytes, identity: bytes | None) -> None:
        """Note, here and in all recorders around, that a value was asked for: what follows may depend on it."""
        recorder: CallRecorder | None = self
        while recorder is not None:
            if recorder.reading is not None:
                recorder.reading.note_value(key, identity)
            recorder = recorder.outer

    def pending_stages(self) -> list[Stage]:
        """Return the stages recorded so far, those of the recorders around included, that have not been run."""
        root = self.root
        return root.stages[root.settled :]

    def settle_stages(self) -> None:
        """Note that all stages recorded so far have been run."""
        self.root.settled = len(self.root.stages)


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
        around = building.get()
        if around is not None and around.reading is not None:
            around.reading.volatile = "it evaluates calls at once"
        self._tokens.append(building.set(self._recorder))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        building.reset(self._tokens.pop())  # type: ignore[arg-type]
