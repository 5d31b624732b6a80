"""Ctrl-C, SIGTERM and SIGHUP while calls run: bodies may stop early and return what they have, and nothing is cut in half.

A body gets the first Ctrl-C as KeyboardInterrupt. Everywhere else (results are being stored, calls are handed out) it
waits for the next moment at which the run can stop. A second one within two seconds ends the run at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any, TypeVar, overload

from merkl.execution.alarm import raise_in_thread

__all__ = ["Cooperation", "Interrupts", "Terminated", "cooperation", "interruptible", "interrupts"]

T = TypeVar("T")

#: Seconds within which a second Ctrl-C means: at once.
AGAIN = 2.0
#: Seconds within which two SIGINT are one press: the terminal sends it to all processes of a job, and some programs that
#: start others pass it on to them as well.
SAME = 0.05
#: What asks a process to end: SIGTERM, and where the system knows it the end of the terminal.
_ENDINGS = (signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: as Ctrl-C, but the run ends even where the body returns something."""


class Cooperation:
    """A body that signals do not reach, as it is a coroutine or runs in a `thread` that is not the main one.

    `count` are the presses of Ctrl-C that were passed on to it, `loops` the loops over `interruptible` that it is in;
    `is_waiting` says that one of these waits for an item.
    """

    __slots__ = ("count", "is_in_body", "is_waiting", "loops", "run", "thread")

    def __init__(self, thread: int = 0, run: bytes = b"") -> None:
        self.count = 0
        self.loops = 0
        self.is_waiting = False
        self.is_in_body = False
        self.thread = thread
        self.run = run


#: That of the body that runs here, None in the main thread.
cooperation: ContextVar[Cooperation | None] = ContextVar("merkl_cooperation", default=None)


class Interrupts:
    """Counts Ctrl-C while it is entered, and raises KeyboardInterrupt where that does no harm.

    Signals reach the main thread alone; entered in another one it only counts what the main thread sees. It may be
    entered again inside a body, as where that evaluates something itself.
    """

    def __init__(self) -> None:
        self.count = 0
        self.is_terminated = False
        #: The signal that did it, 0 for none.
        self.terminated_by = 0
        #: There was a second Ctrl-C within two seconds, or a later SIGTERM: the run ends whatever bodies return.
        self.is_ended = False
        #: Whether this process has nothing to do beside one run: Ctrl-C changes nothing any more when that is done.
        self.is_of_one_run = False
        self._is_over = False
        #: Called then; None: KeyboardInterrupt is raised wherever the program is.
        self.end_at_once: Callable[[], None] | None = None
        #: Called at each signal that is not the last: each passes it on to where bodies run, and says whether that is
        #: all that is to be done.
        self.forwards: list[Callable[[], bool]] = []
        self._handles_term = False
        self._in_body = False
        self._is_held = False
        self._loops = 0
        self._is_pending = False
        self._last = float("-inf")
        self._depth = 0
        self._previous: dict[int, Any] = {}
        self._threads: set[Cooperation] = set()
        #: Runs that Ctrl-C has ended, whose bodies may be in threads here.
        self._ended_runs: set[bytes] = set()
        self._lock = threading.Lock()
        #: How often this process was forked off another one.
        self.forks = 0
        self._note_main_thread()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._note_fork)

    def _note_fork(self) -> None:
        self.forks += 1
        self._note_main_thread()

    def _note_main_thread(self) -> None:
        # Asked several times for each call: a number is compared faster than a thread is looked up.
        self._main_thread = threading.main_thread().ident

    # -- where it is in force ---------------------------------------------------------------------------

    def __enter__(self) -> Interrupts:
        if threading.get_ident() == self._main_thread:
            if self._depth == 0:
                self._install(signal.SIGINT)
                for number in _ENDINGS if self._handles_term else ():
                    self._install(number)
            self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if threading.get_ident() != self._main_thread:
            return
        self._depth -= 1
        if self._depth:
            return
        self.is_ended = False
        for number, handler in self._previous.items():
            is_ignored = self._is_over and number == signal.SIGINT
            signal.signal(number, _pass_over if is_ignored else handler)
        self._previous.clear()
        is_pending, self._is_pending = self._is_pending, False
        if error is None and is_pending:
            raise Terminated if self.is_terminated else KeyboardInterrupt

    def _install(self, number: signal.Signals) -> None:
        previous = signal.getsignal(number)
        # Ignored stays ignored (nohup, a job in the background).
        if callable(previous) or (number in _ENDINGS and previous == signal.SIG_DFL):
            self._previous[number] = previous
            signal.signal(number, self._handle)

    def handle_termination(self) -> None:
        """Let SIGTERM, and the end of the terminal, stop runs as cleanly as Ctrl-C does, from the next entering on."""
        self._handles_term = True

    @contextlib.contextmanager
    def ending_with_terminated(self) -> Iterator[None]:
        """Have SIGTERM and the end of the terminal raise `Terminated` inside the block where it is not entered.

        Else they would end the process where it stands: while code builds a graph, say.
        """

        def end(number: int, frame: FrameType | None) -> None:
            self.is_terminated, self.terminated_by = True, number
            raise Terminated

        self._handles_term = True
        ours = [number for number in _ENDINGS if signal.getsignal(number) == signal.SIG_DFL]
        for number in ours:
            signal.signal(number, end)
        try:
            yield
        finally:
            for number in ours:
                signal.signal(number, signal.SIG_DFL)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Raise nothing inside the block, be it the second Ctrl-C, but after it: there a run is written down."""
        with self:
            before, self._is_held = self._is_held, True
            try:
                yield
            finally:
                self._is_held = before

    @contextlib.contextmanager
    def outside_body(self) -> Iterator[None]:
        """Hold back KeyboardInterrupt inside the block, as where a body evaluates Futures by itself."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before, self._in_body = self._in_body, False
        try:
            yield
        finally:
            self._in_body = before
        if before:
            self.check()

    @property
    def is_in_body(self) -> bool:
        """Whether Ctrl-C would raise in a body of this thread."""
        return self._in_body

    def enter_body(self) -> bool:
        """Let Ctrl-C raise from here on; returns what `leave_body` wants."""
        if threading.get_ident() != self._main_thread:
            return self._mark_thread(is_in_body=True)
        before, self._in_body = self._in_body, True
        return before

    def leave_body(self, before: bool) -> None:
        """Undo `enter_body`."""
        if threading.get_ident() == self._main_thread:
            self._in_body = before
            if not before:
                self._loops = 0  # of a loop that the body left, but whose iterator lives on
        else:
            self._mark_thread(is_in_body=before)

    def _mark_thread(self, *, is_in_body: bool) -> bool:
        mine = cooperation.get()
        if mine is None or mine.thread != threading.get_ident():
            return False
        with self._lock:
            before, mine.is_in_body = mine.is_in_body, is_in_body
            is_over = is_in_body and mine.run in self._ended_runs and not mine.count
        if is_over:
            mine.is_in_body = before
            raise KeyboardInterrupt
        if not is_in_body:
            raise_in_thread(mine.thread, None)  # what comes too late for the body
        return before

    @property
    def presses(self) -> int:
        """How often Ctrl-C was pressed or passed on to the body that runs here."""
        mine = cooperation.get()
        return self.count if mine is None else self.count + mine.count

    @contextlib.contextmanager
    def in_thread(self, run: bytes) -> Iterator[None]:
        """Have bodies that run in this thread inside the block get what `press` passes on to a run."""
        mine = Cooperation(threading.get_ident(), run)
        token = cooperation.set(mine)
        with self._lock:
            self._threads.add(mine)
        try:
            yield
        finally:
            with self._lock:
                self._threads.discard(mine)
            cooperation.reset(token)

    def press(self, run: bytes, *, is_last: bool = False) -> int:
        """Pass Ctrl-C on to the bodies of a run that are in threads: KeyboardInterrupt, where Python code runs.

        The last one ended the run: it reaches those that have not had one, and those that begin later.
        Returns how many there are.
        """
        with self._lock:
            pressed = [one for one in self._threads if one.run == run and one.is_in_body]
            if is_last:
                self._ended_runs.add(run)
                pressed = [one for one in pressed if not one.count]
            for one in pressed:
                one.count += 1
                if not one.loops:
                    raise_in_thread(one.thread, KeyboardInterrupt)
        return len(pressed)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if there was a Ctrl-C that no body got, `Terminated` after SIGTERM or SIGHUP."""
        if self.is_terminated:
            self._is_pending = False
            raise Terminated
        if self._is_pending or self.is_ended:
            self._is_pending = False
            raise KeyboardInterrupt

    def take(self) -> bool:
        """Say whether there was a Ctrl-C that no body got, and forget it."""
        is_pending, self._is_pending = self._is_pending, False
        return is_pending

    def give_back(self) -> None:
        """Take a Ctrl-C that was passed on, and that no body got after all, for one that still waits."""
        self._is_pending = True

    def note_end_of_run(self) -> None:
        """Note that all is computed: where this process `is_of_one_run`, a Ctrl-C from here on does not undo that."""
        if self.is_of_one_run and threading.get_ident() == self._main_thread:
            self._is_over = True
            self._is_pending = self.is_terminated

    def leave_to(self, handler: Callable[[int, FrameType | None], None]) -> None:
        """Have Ctrl-C call a handler from here on, unless all is computed."""
        signal.signal(signal.SIGINT, _pass_over if self._is_over else handler)

    # -- the signals ------------------------------------------------------------------------------------

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_over and number == signal.SIGINT:
            return
        now = time.monotonic()
        is_again = now - self._last < AGAIN
        if number == self.terminated_by and is_again:
            return  # of a terminal that is closed both the system and the shell tell
        if number == signal.SIGINT and now - self._last < SAME:
            return
        self._last = now
        self.count += 1
        is_last = self.is_terminated if number in _ENDINGS else is_again
        if number in _ENDINGS:
            self.is_terminated = True
            self.terminated_by = number
        if is_last:
            self.is_ended = True
            if self.end_at_once is not None:
                self.end_at_once()
            self._raise_or_wait(frame, Terminated() if self.is_terminated else KeyboardInterrupt())
            return
        is_dealt_with = False
        for forward in tuple(self.forwards):
            is_dealt_with = forward() or is_dealt_with
        if is_dealt_with:
            return
        if self._in_body and self.is_terminated:
            self._raise_or_wait(frame, Terminated())
        elif self._in_body and self._loops == 0:
            self._raise_or_wait(frame, number)
        elif self._loops == 0:
            self._is_pending = True

    def _raise_or_wait(self, frame: FrameType | None, raised: KeyboardInterrupt | int) -> None:
        """Raise here, or do what a signal did before, but where nothing may be raised: there it waits."""
        if self._is_held or self._is_switching(frame):
            self._is_pending = True
        elif isinstance(raised, KeyboardInterrupt):
            raise raised
        else:
            self._previous[raised](raised, frame)

    def _is_switching(self, frame: FrameType | None) -> bool:
        """Say whether a signal came where it is being changed what signals do: to raise there would leave it half changed."""
        cls = type(self)
        methods = (cls.__enter__, cls.__exit__, cls._install, cls.enter_body, cls.leave_body)
        codes = {method.__code__ for method in methods}
        for _ in range(4):  # functions of the standard library that these call
            if frame is None:
                return False
            if frame.f_code in codes:
                return True
            frame = frame.f_back
        return False

    def reset(self) -> None:
        """Forget what there was, as at the beginning of a program."""
        self.is_terminated = self.is_ended = self._is_pending = self._is_over = False
        self.terminated_by = 0
        self._last = float("-inf")

    def loop(self, iterable: Iterable[T]) -> Iterator[T]:
        """Yield items until Ctrl-C; see `interruptible`."""
        before = self.presses
        is_main = threading.current_thread() is threading.main_thread()
        mine = cooperation.get() or Cooperation()
        with self if is_main and not self._depth else contextlib.nullcontext():
            self._loops += is_main
            mine.loops += 1
            try:
                for item in iterable:
                    yield item
                    if self.presses > before:
                        return
            finally:
                mine.loops -= 1
                self._loops = max(0, self._loops - is_main)

    async def loop_async(self, iterable: AsyncIterable[T]) -> AsyncIterator[T]:
        """Yield items until Ctrl-C, which also ends the wait for the next one; see `interruptible`."""
        import asyncio

        before = self.presses
        mine = cooperation.get() or Cooperation()
        items = aiter(iterable)
        mine.loops += 1
        try:
            while self.presses == before:
                mine.is_waiting = True
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
                except asyncio.CancelledError:
                    task = asyncio.current_task()
                    if self.presses == before or task is None:
                        raise
                    task.uncancel()
                    return
                finally:
                    mine.is_waiting = False
                yield item
        finally:
            mine.loops -= 1


def _pass_over(number: int, frame: FrameType | None) -> None:
    """Do nothing, unlike SIG_IGN in processes that are started from here too."""


#: Those of this process: signals are a matter of the whole process.
interrupts = Interrupts()


@overload
def interruptible(iterable: Iterable[T]) -> Iterator[T]: ...
@overload
def interruptible(iterable: AsyncIterable[T]) -> AsyncIterator[T]: ...
def interruptible(iterable: Any) -> Any:
    """Iterate until Ctrl-C: the item at hand is finished, then the loop ends as if there were no more.

    What the body returns then is used by the rest of the run, and computed afresh by later ones (see
    `on_interrupt`). Works in threads too, where KeyboardInterrupt does not arrive, and in coroutines, with `for` and, over
    an asynchronous iterable, with `async for`.

    >>> sum(interruptible([1, 2, 3]))
    6
    """
    if hasattr(iterable, "__aiter__") and not hasattr(iterable, "__iter__"):
        return interrupts.loop_async(iterable)
    return interrupts.loop(iterable)
