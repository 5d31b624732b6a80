"""What bodies print: each line with its task's name before it on stderr, and the end of it kept with the result."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, TextIO, cast

from merkl._base.descriptors import out_of_the_way

__all__ = ["BodyOutput", "Keyboard", "body_output"]

#: Bytes of a body's output that are kept.
KEPT = 64 * 1024
#: A line that is longer is shown in pieces.
_LONGEST = 64 * 1024
#: Seconds between two looks at a line that is drawn again and again.
_REDRAWN = 10.0
#: What moves a terminal's cursor or clears it, as bars above each other do; colours and links stay.
_MOVES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-ln-~]|[78=>cDEHM])")


class _Printed:
    """What one body has printed so far: the end of it, and the beginning of a line."""

    __slots__ = ("is_shown", "name", "outer", "partial", "redrawn", "tail")

    def __init__(self, name: str, is_shown: bool) -> None:
        self.name = name
        self.is_shown = is_shown
        #: That of the body in the same context that called this one.
        self.outer: _Printed | None = None
        self.tail = bytearray()
        self.partial = bytearray()
        #: When the state of a line that is drawn again was last looked at.
        self.redrawn = time.monotonic()


#: What the coroutine that runs, or the body of this thread, has printed so far.
_printing: ContextVar[_Printed | None] = ContextVar("merkl_printing", default=None)


class _ContextStream:
    """Stands for `sys.stdout` or `sys.stderr` while coroutines or threads run: what each writes there is known to be its own."""

    def __init__(self, stream: Any, feed: Callable[[_Printed, bytes], None]) -> None:
        self._stream = stream
        self._feed = feed

    def write(self, text: str) -> int:
        """Write text, as that of the coroutine or body that runs if one does."""
        printed = _printing.get()
        if printed is None:
            written: int = self._stream.write(text)
            return written
        self._feed(printed, text.encode("utf-8", "replace"))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several pieces of text."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Keyboard:
    """Stands for `sys.stdin`: enters `asking()` each time that something is read from it."""

    def __init__(self, stream: Any, asking: Callable[[], AbstractContextManager[object]]) -> None:
        self._stream = stream
        self._asking = asking

    def read(self, *size: int) -> Any:
        """Read all, or so much."""
        with self._asking():
            return self._stream.read(*size)

    def readline(self, *size: int) -> Any:
        """Read a line, as `input` does."""
        with self._asking():
            return self._stream.readline(*size)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.readline, "")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Screen(io.FileIO):
    """What is drawn on a terminal that was closed is lost, and nothing else."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _draw_nothing() -> None:
    """Nothing is drawn on the terminal."""


class BodyOutput:
    """Stands between the file descriptors 1 and 2 of this process and its real stderr, while it is installed.

    So what the children of a body print is seen too. One body prints at a time, and beside it coroutines, of which only
    what they write to `sys.stdout` and `sys.stderr` is told apart; what is printed outside of bodies passes as it is.
    `show` is where lines go, by default the stderr that was there before.
    """

    def __init__(self) -> None:
        self.show: Callable[[bytes], None] = self._write
        self._clear_screen: Callable[[], None] = _draw_nothing
        self._draw_again: Callable[[], None] = _draw_nothing
        self._lock = threading.RLock()
        self._printed: list[_Printed] = []
        self._reader = self._saved = self._before = -1
        self._waiting = -1
        #: Descriptors of others that no body may close.
        self.spared: set[int] = set()
        self._stop = self._writer = -1
        self._arrivals = select.poll()
        #: How many bodies had begun when a debugger took the terminal; None: none has it.
        self._suspended_in: int | None = None
        self._streams: tuple[Any, Any] | None = None
        #: How many coroutines and threads print now, whose streams stand in the place of `_streams`.
        self._contexts = 0
        self._is_listening = False

    @property
    def is_installed(self) -> bool:
        """Whether output is seen."""
        return self._reader >= 0

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """See output inside the block; where there is no stderr, it does nothing."""
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            self._saved = out_of_the_way(os.dup(2))
        except (OSError, ValueError, AttributeError):
            yield
            return
        before = self._before = out_of_the_way(os.dup(1))
        self._reader, writer = map(out_of_the_way, os.pipe())
        os.set_blocking(self._reader, False)
        self._arrivals = select.poll()
        self._arrivals.register(self._reader, select.POLLIN)
        self._writer = writer
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        hook, sys.breakpointhook = sys.breakpointhook, self._open_debugger
        waiting, self._stop = map(out_of_the_way, os.pipe())
        self._waiting = waiting
        thread = threading.Thread(target=self._pump, args=(waiting,), name="merkl-output", daemon=True)
        thread.start()
        keyboard = sys.stdin
        if keyboard is not None and not keyboard.closed and keyboard.isatty():
            sys.stdin = cast(TextIO, Keyboard(keyboard, self._asking))
        try:
            yield
        finally:
            sys.stdin = keyboard
            self._flush_streams()
            self._give_streams_back()
            os.dup2(before, 1)
            os.dup2(self._saved, 2)
            os.close(writer)
            sys.breakpointhook = hook
            os.close(self._stop)
            thread.join(5)
            self._drain()
            for descriptor in (before, self._reader, waiting):
                os.close(descriptor)
            self._reader = -1

    def descriptors(self) -> tuple[int, ...]:
        """Return those that it and the run need, while it is installed."""
        if not self.is_installed:
            return ()
        return *self.spared, self._reader, self._saved, self._before, self._waiting, self._stop, self._writer

    def draw_with(self, clear: Callable[[], None] | None, again: Callable[[], None] | None) -> None:
        """Call `clear` before a debugger or a question takes the terminal, and `again` when it is free; None: nothing."""
        self._clear_screen = clear or _draw_nothing
        self._draw_again = again or _draw_nothing

    def open_screen(self) -> TextIO:
        """Return the stderr that was there before as a file, to draw on."""
        descriptor = self._saved if self.is_installed else 2
        screen = io.BufferedWriter(_Screen(os.dup(descriptor), "w"))
        return io.TextIOWrapper(screen, encoding="utf-8", errors="replace")

    def _open_debugger(self, *arguments: Any, **named: Any) -> None:
        """`breakpoint()` in a body: a debugger needs the terminal itself until the body has ended."""
        self._flush_streams()
        with self._lock:
            self._drain()
            if self._suspended_in is None:
                self._clear_screen()
                self._suspended_in = len(self._printed)
            os.dup2(self._saved, 1)
            os.dup2(self._saved, 2)
        if os.environ.get("PYTHONBREAKPOINT"):
            sys.__breakpointhook__(*arguments, **named)
        else:
            import pdb

            pdb.Pdb(stdout=sys.__stderr__).set_trace(sys._getframe(1))

    def _resume(self) -> None:
        """Take the terminal back where the debugger was opened in what ends now, or before a body began."""
        with self._lock:
            if self._suspended_in is not None and len(self._printed) <= self._suspended_in:
                self._suspended_in = None
                os.dup2(self._writer, 1)
                os.dup2(self._writer, 2)
                self._draw_again()

    # -- bodies ----------------------------------------------------------------------------------------

    def begin(self, name: str, *, is_shown: bool = True) -> None:
        """Take what is printed from here on as that of a body."""
        self._flush_streams()
        if not self._printed:
            self._resume()
        with self._lock:
            self._drain()
            self._printed.append(_Printed(name, is_shown))

    def end(self) -> str:
        """Return the end of what the body printed since `begin`."""
        self._flush_streams()
        self._resume()
        with self._lock:
            self._drain()
            printed = self._printed.pop()
            if printed.partial:
                self._show_line(printed, bytes(printed.partial))
            return printed.tail.decode("utf-8", "replace")

    def listen(self) -> None:
        """Tell apart what bodies in threads write to `sys.stdout` and `sys.stderr`, from now on."""
        self._is_listening = True

    def begin_in_context(self, name: str, *, is_shown: bool = True) -> _Printed | None:
        """Take what is written in this context from here on as that of a body; None where it goes where it always does.

        It is seen while output is, or after `listen`, and of a body that is not to be shown.
        """
        if not self.is_installed and not self._is_listening and is_shown:
            return None
        printed = _Printed(name, is_shown)
        printed.outer = _printing.get()
        with self._lock:
            self._contexts += 1
            if self._streams is None:
                self._streams = sys.stdout, sys.stderr
                sys.stdout, sys.stderr = (
                    cast(TextIO, None if stream is None else _ContextStream(stream, self._feed_context))
                    for stream in self._streams
                )
        _printing.set(printed)
        return printed

    def end_in_context(self, printed: _Printed | None) -> str:
        """Return the end of what was written in a context since `begin_in_context`."""
        if printed is None:
            return ""
        self._resume()
        _printing.set(printed.outer)
        with self._lock:
            if printed.partial:
                self._show_line(printed, bytes(printed.partial))
            self._contexts -= 1
            if not (self._contexts or self.is_installed or self._is_listening):
                self._give_streams_back()
            return printed.tail.decode("utf-8", "replace")

    def _give_streams_back(self) -> None:
        if self._streams is not None:
            sys.stdout, sys.stderr = self._streams
            self._streams = None

    def show_output(self, name: str, text: str) -> None:
        """Show what a body printed elsewhere."""
        with self._lock:
            for line in text.splitlines():
                self._show_line(_Printed(name, is_shown=True), line.encode("utf-8", "replace"))

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Show the line that is not ended yet, and draw nothing over what is typed inside the block."""
        self._flush_streams()
        is_debugging = self._suspended_in is not None
        with self._lock:
            self._drain()
            if not is_debugging:
                self._clear_screen()
            printed = self._printed[-1] if self._printed else None
            if printed is not None and printed.partial:
                self._show_line(printed, bytes(printed.partial))
                printed.partial.clear()
        try:
            yield
        finally:
            if not is_debugging:
                with self._lock:
                    self._draw_again()

    # -- the pipe --------------------------------------------------------------------------------------

    def _pump(self, waiting: int) -> None:
        arrivals = select.poll()
        for descriptor in (self._reader, waiting):
            arrivals.register(descriptor, select.POLLIN)
        while True:
            ready = arrivals.poll()
            self._drain()
            if any(descriptor == waiting for descriptor, _ in ready):
                return

    def _drain(self) -> None:
        """Take all that was printed up to now."""
        with self._lock:
            while self._arrivals.poll(0):
                try:
                    data = os.read(self._reader, 1 << 16)
                except (BlockingIOError, OSError):
                    return
                if not data:
                    return
                self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self._printed:
            self._take(self._printed[-1], data)
        else:
            self.show(data)

    def _feed_context(self, printed: _Printed, data: bytes) -> None:
        with self._lock:
            self._take(printed, data)

    def _take(self, printed: _Printed, data: bytes) -> None:
        printed.tail += data
        del printed.tail[:-KEPT]
        printed.partial += data
        *lines, rest = bytes(printed.partial).split(b"\n")
        if len(rest) > _LONGEST:
            lines.append(rest)
            rest = b""
        elif b"\r" in rest:
            # Only its last state counts; of a bar that takes long it is shown now and then.
            drawn, _, rest = rest.rpartition(b"\r")
            if time.monotonic() - printed.redrawn > _REDRAWN:
                printed.redrawn = time.monotonic()
                lines.append(rest or drawn)
            rest = (drawn.rpartition(b"\r")[2] if not rest else b"") + b"\r" + rest
        printed.partial = bytearray(rest)
        for line in lines:
            self._show_line(printed, line)

    def _show_line(self, printed: _Printed, line: bytes) -> None:
        if printed.is_shown:
            # Of a line that was drawn several times, as progress bars do, the last state.
            last = line.rstrip(b"\r").rpartition(b"\r")[2]
            if b"\x1b" in last:
                last = _MOVES.sub(b"", last)
            self.show(f"{printed.name} | ".encode() + last + b"\n")

    def _write(self, data: bytes) -> None:
        descriptor = self._saved if self._saved >= 0 else 2
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(descriptor, data) :]

    @staticmethod
    def _flush_streams() -> None:
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            stream = getattr(sys, name)
            try:
                if not stream.closed:
                    stream.flush()
                else:  # by a body; what comes after it has something to say too
                    setattr(sys, name, open(descriptor, "w", buffering=1, errors="replace", closefd=False))  # noqa: SIM115
            except Exception:  # noqa: BLE001 - a stream of the user's, or none
                pass


#: That of this process: file descriptors are a matter of the whole process.
body_output = BodyOutput()
