"""What bodies print: each line with its task's name before it on stderr, and the end of it kept with the result."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

__all__ = ["BodyOutput", "body_output"]

#: Bytes of a body's output that are kept.
KEPT = 64 * 1024
#: A line that is longer is shown in pieces.
_LONGEST = 64 * 1024


class _Printed:
    """What one body has printed so far: the end of it, and the beginning of a line."""

    __slots__ = ("is_shown", "name", "partial", "tail")

    def __init__(self, name: str, is_shown: bool) -> None:
        self.name = name
        self.is_shown = is_shown
        self.tail = bytearray()
        self.partial = bytearray()


class BodyOutput:
    """Stands between the file descriptors 1 and 2 of this process and its real stderr, while it is installed.

    So what the children of a body print is seen too. One body prints at a time; what is printed outside of bodies passes
    as it is. `show` is where lines go, by default the stderr that was there before.
    """

    def __init__(self) -> None:
        self.show: Callable[[bytes], None] = self._write
        self._lock = threading.RLock()
        self._printed: list[_Printed] = []
        self._reader = self._saved = -1
        self._stop = self._writer = -1
        self._is_suspended = False

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
            self._saved = os.dup(2)
        except (OSError, ValueError, AttributeError):
            yield
            return
        before = os.dup(1)
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._writer = writer
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        hook, sys.breakpointhook = sys.breakpointhook, self._open_debugger
        waiting, self._stop = os.pipe()
        thread = threading.Thread(target=self._pump, args=(waiting,), name="merkl-output", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._flush_streams()
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

    def open_screen(self) -> TextIO:
        """Return the stderr that was there before as a file, to draw on."""
        descriptor = self._saved if self.is_installed else 2
        return os.fdopen(os.dup(descriptor), "w", encoding="utf-8", errors="replace")

    def _open_debugger(self, *arguments: Any, **named: Any) -> None:
        """`breakpoint()` in a body: a debugger needs the terminal itself until the body has ended."""
        self._flush_streams()
        with self._lock:
            self._drain()
            self._is_suspended = True
            os.dup2(self._saved, 1)
            os.dup2(self._saved, 2)
        if os.environ.get("PYTHONBREAKPOINT"):
            sys.__breakpointhook__(*arguments, **named)
        else:
            import pdb

            pdb.Pdb(stdout=sys.__stderr__).set_trace(sys._getframe(1))

    def _resume(self) -> None:
        if self._is_suspended:
            self._is_suspended = False
            os.dup2(self._writer, 1)
            os.dup2(self._writer, 2)

    # -- bodies ----------------------------------------------------------------------------------------

    def begin(self, name: str, *, is_shown: bool = True) -> None:
        """Take what is printed from here on as that of a body."""
        self._flush_streams()
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

    # -- the pipe --------------------------------------------------------------------------------------

    def _pump(self, waiting: int) -> None:
        while True:
            ready, _, _ = select.select([self._reader, waiting], [], [])
            self._drain()
            if waiting in ready:
                return

    def _drain(self) -> None:
        """Take all that was printed up to now."""
        with self._lock:
            while True:
                try:
                    data = os.read(self._reader, 1 << 16)
                except (BlockingIOError, OSError):
                    return
                if not data:
                    return
                self._feed(data)

    def _feed(self, data: bytes) -> None:
        if not self._printed:
            self.show(data)
            return
        printed = self._printed[-1]
        printed.tail += data
        del printed.tail[:-KEPT]
        printed.partial += data
        *lines, rest = bytes(printed.partial).split(b"\n")
        if len(rest) > _LONGEST:
            lines.append(rest)
            rest = b""
        printed.partial = bytearray(rest)
        for line in lines:
            self._show_line(printed, line)

    def _show_line(self, printed: _Printed, line: bytes) -> None:
        if printed.is_shown:
            # Of a line that was drawn several times, as progress bars do, the last state.
            last = line.rstrip(b"\r").rpartition(b"\r")[2]
            self.show(f"{printed.name} | ".encode() + last + b"\n")

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._saved, data) :]

    @staticmethod
    def _flush_streams() -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()


#: That of this process: file descriptors are a matter of the whole process.
body_output = BodyOutput()
