"""The event loop of this process: a thread of its own, on which the bodies of `async def` tasks run, many at once."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any

from merkl.execution.interrupts import Cooperation, cooperation, interrupts

if TYPE_CHECKING:
    import asyncio

__all__ = ["Ending", "EventLoop", "RunningBody", "complete", "event_loop"]

#: Seconds that what still runs gets when the process ends.
_GRACE = 1.0
#: Seconds between two looks at what is raised in a thread: it does not end a wait.
_TICK = 0.1
#: Seconds for which a coroutine may hold the loop up.
_SLOW = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a coroutine ended: its `value`, or the `error` that it raised, or it was cancelled."""

    value: Any = None
    error: BaseException | None = None
    is_cancelled: bool = False


class RunningBody:
    """A coroutine on the event loop, or soon to be there.

    `tasks` are those that it started beside itself, `where` is where it waited when it was cancelled.
    """

    __slots__ = ("_is_cancelled", "cooperation", "loop", "task", "tasks", "where")

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.cooperation = Cooperation()
        self._is_cancelled = False
        self.task: asyncio.Task[Ending] | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.where: TracebackType | None = None

    def interrupt(self, *, even_in_loops: bool = False) -> None:
        """Raise `asyncio.CancelledError` where the coroutine waits; loops over `interruptible` end by themselves.

        May be called in any thread, and by the handler of a signal.
        """
        self.cooperation.count += 1
        if self.loop is None:
            self._is_cancelled = True
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._cancel, even_in_loops)

    def begin(
        self, coroutine: Coroutine[Any, Any, Ending], done: Callable[[asyncio.Task[Ending]], None]
    ) -> None:
        """Have it run; called on the loop."""
        assert self.loop is not None
        self.task = self.loop.create_task(coroutine)
        self.tasks.discard(self.task)
        self.task.add_done_callback(done)
        if self._is_cancelled:
            self.task.cancel()

    def _cancel(self, even_in_loops: bool) -> None:
        if self.task is None:
            self._is_cancelled = True
        elif even_in_loops or not self.cooperation.loops or self.cooperation.is_waiting:
            self.task.cancel()


#: The body that a task of the event loop belongs to.
_body: ContextVar[RunningBody | None] = ContextVar("merkl_running_body", default=None)


class EventLoop:
    """A loop in a daemon thread, started with the first coroutine and kept until the process ends.

    So what a library binds to the loop that it first sees (a pool of connections) serves all calls.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._inner: EventLoop | None = None
        self._starting: deque[tuple[Any, ...]] = deque()
        self._is_woken = False
        #: When the loop was asked for a sign of life that it has not given yet.
        self._asked: float | None = None

    def start(
        self,
        running: RunningBody,
        make: Callable[[], Coroutine[Any, Any, Any]],
        context: Context,
        done: Callable[[Ending], None],
    ) -> None:
        """Have a coroutine, made on the loop and in a context, run there; `done` is told on the loop's thread.

        Where the loop's own thread asks, which then waits, it runs on another one.
        """
        if threading.current_thread() is self._thread:
            with self._lock:
                self._inner = self._inner or EventLoop()
            self._inner.start(running, make, context, done)
            return
        running.loop = loop = self._opened()
        self._starting.append((running, make, context, done))
        # To wake the loop costs more than all else: once for all that are started meanwhile.
        if not self._is_woken:
            self._is_woken = True
            loop.call_soon_threadsafe(self._begin_all)

    def let_begin(self) -> None:
        """Wait until all coroutines that were started have come to where they first wait."""
        loop, begun = self._loop, threading.Event()
        if threading.current_thread() is self._thread:
            if self._inner is not None:
                self._inner.let_begin()
        elif loop is not None:
            loop.call_soon_threadsafe(loop.call_soon, begun.set)
            begun.wait()

    def held_up_by(self) -> asyncio.Task[Any] | None:
        """Return the task that holds the loop up, as it computes instead of waiting; None if none does for long.

        To be asked now and then; each time the loop is asked for a sign of life.
        """
        import asyncio

        loop, now = self._loop, time.monotonic()
        if loop is None:
            return None
        asked = self._asked  # the loop's thread may answer at any moment
        if asked is None:
            self._asked = now
            with contextlib.suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(self._answer)
        return None if asked is None or now - asked < _SLOW else asyncio.current_task(loop)

    def _answer(self) -> None:
        self._asked = None

    # -- the thread --------------------------------------------------------------------------------------

    def _opened(self) -> asyncio.AbstractEventLoop:
        import asyncio

        with self._lock:
            if self._loop is None or self._pid != os.getpid():  # the thread is not there after a fork
                self._pid = os.getpid()
                self._starting.clear()
                self._is_woken = False
                self._asked = None
                self._loop = asyncio.new_event_loop()
                self._loop.set_task_factory(_make_task)
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="merkl-coroutines", daemon=True
                )
                self._thread.start()
                atexit.register(self._close, self._pid)
            return self._loop

    def _close(self, pid: int) -> None:
        if self._loop is None or self._thread is None or pid != os.getpid():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_GRACE)
        if not self._thread.is_alive():
            self._loop.close()

    # -- on the loop -------------------------------------------------------------------------------------

    def _begin_all(self) -> None:
        self._is_woken = False
        while self._starting:
            self._begin(*self._starting.popleft())

    def _begin(
        self,
        running: RunningBody,
        make: Callable[[], Coroutine[Any, Any, Any]],
        context: Context,
        done: Callable[[Ending], None],
    ) -> None:
        def tell(task: asyncio.Task[Ending]) -> None:
            done(Ending(is_cancelled=True) if task.cancelled() else task.result())

        context.run(cooperation.set, running.cooperation)
        context.run(_body.set, running)
        context.run(running.begin, _contain(running, make), tell)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio

    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            continue  # raised by a task that a body has started, which has kept it as its own failure
        return


def _make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
    """Make a task, and note it with the body that starts it."""
    import asyncio

    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    running = _body.get()
    if running is not None:
        running.tasks.add(task)
        task.add_done_callback(running.tasks.discard)
    return task


async def _contain(running: RunningBody, make: Callable[[], Coroutine[Any, Any, Any]]) -> Ending:
    """Run a coroutine to its end; of what it raises only its being cancelled reaches the loop."""
    import asyncio

    try:
        return Ending(await make())
    except asyncio.CancelledError as error:
        running.where = error.__traceback__
        raise
    except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt and SystemExit would end the loop
        running.where = error.__traceback__
        return Ending(error=error)
    finally:
        # As `asyncio.run` does: a body that has ended leaves nothing running.
        left = [task for task in running.tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)


#: That of this process: libraries bind connections to the loop that they see.
event_loop = EventLoop()


def complete(coroutine: Coroutine[Any, Any, Any], *, is_apart: bool = True) -> Any:
    """Run a coroutine to its end on the event loop, and wait for it; without `is_apart` in this thread, if that can be.

    What a signal raises here (Ctrl-C, a time limit) cancels it; what it returns in spite of Ctrl-C is its result.
    """
    import asyncio

    if not is_apart and asyncio._get_running_loop() is None:
        return asyncio.run(coroutine)
    endings: SimpleQueue[Ending] = SimpleQueue()

    async def body() -> Any:
        return await coroutine

    running = RunningBody()
    event_loop.start(running, body, copy_context(), endings.put)
    cause: BaseException | None = None
    ending: Ending | None = None
    while ending is None:
        try:
            with contextlib.suppress(Empty):
                ending = endings.get(timeout=_TICK)
        except BaseException as raised:
            cause = raised
            is_soft = isinstance(raised, KeyboardInterrupt) and not interrupts.is_terminated
            running.interrupt(even_in_loops=not is_soft)
            if interrupts.is_ended:
                raise
    if cause is not None and (ending.is_cancelled or isinstance(cause, TimeoutError)):
        raise cause.with_traceback(running.where or cause.__traceback__)
    if ending.is_cancelled:
        raise RuntimeError("the coroutine was cancelled, and not by Ctrl-C")
    if ending.error is not None:
        raise ending.error
    return ending.value
