"""Calls of `async def` tasks, many at once in this process: their bodies wait on the event loop, all else happens here."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from contextvars import copy_context
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any

from merkl._base.errors import MerklWarning
from merkl._base.running_body import BodyContext, current_body
from merkl.execution.alarm import time_is_up
from merkl.execution.body import Purity, failure_of, invoke_body, outcome_of
from merkl.execution.calls import keep_outcome, link_parts
from merkl.execution.evaluation import Evaluation
from merkl.execution.event_loop import Ending, RunningBody, event_loop
from merkl.execution.events import Status
from merkl.execution.interrupts import interrupts
from merkl.execution.output import body_output
from merkl.execution.working_folder import return_to_working_folder
from merkl.files.scratch import Scratch, enter_scratch
from merkl.graph.building import building
from merkl.graph.call import Call

if TYPE_CHECKING:
    from merkl.execution.runner import Runner

__all__ = ["MOST_AT_ONCE", "CoroutineCall", "CoroutineCalls"]

#: Coroutines that wait at a time, unless a task's own `max_concurrency` is larger: each may hold a connection, and a
#: process may have 1,024 files open where nobody has raised that.
MOST_AT_ONCE = 500
#: Seconds between two looks whether the loop is held up.
_LOOKS = 0.5


class CoroutineCall:
    """One call whose body is on the event loop.

    `key` is that of the call as it was planned: of a batch less may be left to run.
    """

    __slots__ = (
        "_before",
        "_content_keys",
        "_context",
        "_duration",
        "_ending",
        "_evaluation",
        "_is_interrupted",
        "_output",
        "_purity",
        "_scratch",
        "_values",
        "call",
        "key",
        "running",
    )

    def __init__(
        self,
        key: bytes,
        call: Call,
        evaluation: Evaluation,
        values: tuple[Any, ...],
        content_keys: Mapping[Call, bytes | None],
        scratch: Scratch,
    ) -> None:
        self.key = key
        self.call = call
        self._evaluation = evaluation
        self._values = values
        self._content_keys = content_keys
        self._scratch = scratch
        self._purity = Purity(call)
        self._context = BodyContext(call.key())
        self._output = ""
        self._before = interrupts.count
        self._is_interrupted = False
        self._duration = 0.0
        self._ending = Ending(is_cancelled=True)
        self.running = RunningBody()

    def start(self, done: Callable[[CoroutineCall], None]) -> None:
        """Put the body on the event loop; `done` is told on the loop's thread when it has ended."""

        def end(ending: Ending) -> None:
            self._ending = ending
            self._is_interrupted = interrupts.count > self._before or self.running.cooperation.count > 0
            done(self)

        context = copy_context()
        context.run(self._enter)
        event_loop.start(self.running, self._attempt, context, end)

    def _enter(self) -> None:
        building.set(None)  # calls that a body makes are no part of the graph that is being built
        current_body.set(self._context)
        enter_scratch(self._scratch)

    def adopt_code(self) -> None:
        """Take what the body may have changed since it began, of what its code reaches, for its own doing."""
        if self._purity.is_current:
            self.call.adopt_code()

    # -- on the event loop -------------------------------------------------------------------------------

    async def _attempt(self) -> Any:
        """Run the body, again where it may be retried."""
        printed = body_output.begin_in_context(
            self.call.task.name, is_shown=not self.call.task.options.capture
        )
        started = time.perf_counter()
        try:
            return await self._attempts()
        finally:
            self._duration = time.perf_counter() - started
            self._output = body_output.end_in_context(printed) + "".join(self._context.printed)

    async def _attempts(self) -> Any:
        import asyncio

        options = self.call.task.options
        for attempt in range(options.retries + 1):
            return_to_working_folder()  # another one may have left it
            scope = asyncio.timeout(options.timeout)
            where: TracebackType | None = None
            try:
                try:
                    async with scope:
                        try:
                            result: Any = await invoke_body(self.call, self._values)
                        except BaseException as error:
                            where = error.__traceback__
                            raise
                finally:
                    if scope.expired():
                        raise time_is_up(options.timeout or 0).with_traceback(where) from None
                return result
            except (asyncio.CancelledError, KeyboardInterrupt):
                raise
            except options.retry_on:
                if attempt == options.retries:
                    raise
                await asyncio.sleep(options.retry_delay)
        raise AssertionError("unreachable")

    # -- its end -----------------------------------------------------------------------------------------

    def finish(self) -> tuple[Status, float]:
        """Check and store what the body gave; return what became of the call, with the seconds of its body.

        Raises what the run of a body does: `TaskFailedError` and the like, `KeyboardInterrupt` where Ctrl-C ended it.
        """
        is_stored = True
        try:
            result = self._result()
            outcome = outcome_of(
                self.call,
                result,
                self._duration,
                self._context.tags,
                self._purity,
                self._output,
            )
            is_stored = keep_outcome(
                self._evaluation, self.call, outcome, self._content_keys, is_interrupted=self._is_interrupted
            )
        finally:
            if is_stored:
                self._scratch.remove()
            else:
                self._scratch.remove_if_empty()
        return ("interrupted" if self._is_interrupted else "run"), self._duration

    def _result(self) -> Any:
        self.adopt_code()
        error = self._ending.error
        if self._ending.is_cancelled:
            if self._is_interrupted:
                raise KeyboardInterrupt
            error = RuntimeError("the coroutine was cancelled, and not by Ctrl-C")
        if error is None:
            return self._ending.value
        if isinstance(error, KeyboardInterrupt):
            raise error
        failure = failure_of(self.call, error)
        failure.output = self._output
        raise failure from error


class CoroutineCalls:
    """The coroutines of one run. `wake` is called in another thread when one has ended."""

    def __init__(self, runner: Runner, evaluation: Evaluation, wake: Callable[[], None]) -> None:
        self._runner = runner
        self._evaluation = evaluation
        self._wake = wake
        self._running: dict[bytes, CoroutineCall] = {}
        #: Of each task those that run, the latest last.
        self._of_task: dict[int, dict[bytes, CoroutineCall]] = {}
        self._has_new = False
        #: When to look again whether one holds up the others, and the tasks of which that was said.
        self._look_again = 0.0
        self._blocking: set[str] = set()
        self._ended: SimpleQueue[CoroutineCall] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._running)

    def has_room(self, call: Call) -> bool:
        """Say whether a call may join those that run."""
        own = call.task.options.max_concurrency or 0
        return len(self._running) < max(MOST_AT_ONCE, own)

    def start(self, call: Call) -> bool:
        """Link a call, or put its body on the event loop; say whether it runs.

        Raises what is wrong with the call's arguments.
        """
        self.adopt_code()
        linked, rest, content_keys = link_parts(self._evaluation, call)
        for part in linked:
            self._runner.observer.call_ended(part, "linked")
        if rest is None:
            return False
        values = self._evaluation.arguments(rest)
        for part in rest.parts:
            self._runner.observer.call_started(part)
        scratch = Scratch(self._runner.scratch)
        begun = CoroutineCall(call.key(), rest, self._evaluation, values, content_keys, scratch)
        self._running[call.key()] = begun
        self._of_task.setdefault(id(call.task), {})[call.key()] = begun
        begun.start(self._tell)
        self._has_new = True
        return True

    def let_begin(self) -> None:
        """Wait until those that were started have begun."""
        if self._has_new:
            self._has_new = False
            event_loop.let_begin()

    def _tell(self, ended: CoroutineCall) -> None:
        self._ended.put(ended)
        self._wake()

    def ended(self) -> list[CoroutineCall]:
        """Return those that ended since the last time it was asked."""
        ended: list[CoroutineCall] = []
        while True:
            try:
                ended.append(self._ended.get_nowait())
            except Empty:
                break
        for one in ended:
            self._running.pop(one.key, None)
            self._of_task.get(id(one.call.task), {}).pop(one.key, None)
        return ended

    def adopt_code(self) -> None:
        """Take what bodies that run have changed, of what their code reaches, for their own doing.

        Done before a call is made or begun meanwhile: else its key would depend on which bodies have run so far.
        """
        for running in self._of_task.values():
            for begun in running.values():
                begun.adopt_code()
                break

    def warn_of_blocking(self) -> None:
        """Say once of each task that its body holds the others up; cheap where it is asked often."""
        now = time.monotonic()
        if len(self._running) < 2 or now < self._look_again:
            return
        self._look_again = now + _LOOKS
        holder = event_loop.held_up_by()
        for begun in tuple(self._running.values()) if holder is not None else ():
            name = begun.call.task.name
            is_it = holder is begun.running.task or holder in begun.running.tasks
            if is_it and name not in self._blocking:
                self._blocking.add(name)
                warnings.warn(
                    f"the body of task {name!r} computes, or waits without `await`, and holds up {len(self._running) - 1} "
                    "coroutines beside it: make it a plain function, or have it wait for `asyncio.to_thread(…)`",
                    MerklWarning,
                    stacklevel=2,
                )

    def interrupt(self, *, only_untold: bool = False) -> bool:
        """Pass Ctrl-C on to all that run, or to those only that did not get it; say whether any run."""
        for begun in tuple(self._running.values()):
            if not (only_untold and begun.running.cooperation.count):
                begun.running.interrupt(even_in_loops=interrupts.is_terminated)
        return bool(self._running)

    def give_up(self) -> None:
        """Cancel all that run, without waiting for it."""
        for begun in self._running.values():
            begun.running.interrupt(even_in_loops=True)
        self._running.clear()
        self._of_task.clear()
