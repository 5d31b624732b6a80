"""How far a run is: a line that is drawn again on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from merkl.execution.events import Observer, Status
from merkl.execution.output import body_output
from merkl.execution.plan import Plan
from merkl.graph.call import Call

if TYPE_CHECKING:
    from rich.live import Live

__all__ = ["Progress", "make_progress"]

#: Calls that run are listed up to this number.
_SHOWN = 8
#: A run that is over within this time shows nothing on a terminal.
_QUIET_SECONDS = 0.5
#: Seconds between two plain lines.
_EVERY = 5.0


class Progress(Observer):
    """Counts of a run, with the calls that run now; `predict` gives the seconds of a call if they are known."""

    def __init__(self, predict: Callable[[Call], float | None] | None = None) -> None:
        self.total = self.done = self.cached = self.failed = 0
        self.running: dict[bytes, tuple[str, float]] = {}
        self._predict = predict or (lambda call: None)
        self._left: dict[bytes, float] = {}
        self._spent = 0.0
        self._began: float | None = None

    def plan_made(self, plan: Plan) -> None:
        """Count what is to be done."""
        self.total += len(plan.missing)
        self.cached += len(plan.found)
        if plan.missing and len(plan.missing) <= 10_000:
            for call in plan.missing:
                self._left[call.key()] = self._predict(call) or 0.0
        self.changed()

    def call_started(self, call: Call) -> None:
        """Show it as running."""
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        self.running[call.key()] = (call.task.name, now)
        self.changed()

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """Count it."""
        self.running.pop(call.key(), None)
        self._left.pop(call.key(), None)
        self._spent += duration
        self.done += 1
        self.failed += status == "failed"
        self.changed()

    def changed(self) -> None:
        """Show the new state."""

    def seconds_left(self) -> float | None:
        """Return about how long it will take, from earlier runs, else from the mean of this one; None if nobody knows."""
        left = self.total - self.done
        if not left or (not self.done and not any(self._left.values())):
            return None if left else 0.0
        now = time.monotonic()
        running = {key: now - started for key, (_, started) in self.running.copy().items()}
        worked = self._spent + sum(running.values())
        mean = worked / (self.done + len(running))
        known = {key: seconds for key, seconds in self._left.copy().items() if seconds}
        if known:
            work = sum(max(0.0, seconds - running.get(key, 0.0)) for key, seconds in known.items())
            work += mean * max(0, left - len(known))
        else:
            work = max(0.0, mean * left - sum(running.values()))
        passed = 0.0 if self._began is None else now - self._began
        # How many calls ran at a time so far; less than one where most of the time is not that of bodies.
        return work * passed / worked if worked and passed else work

    def summary(self) -> str:
        """Return the state in one line."""
        words = [f"{self.done} of {self.total} calls"]
        if self.cached:
            words.append(f"{self.cached} cached")
        if self.running:
            words.append(f"{len(self.running)} running")
        if self.failed:
            words.append(f"{self.failed} failed")
        left = self.seconds_left()
        if left is not None and left >= 0.5:
            words.append(f"about {_shown(left)} left")
        return "merkl: " + ", ".join(words)


class _Lines(Progress):
    """A line every few seconds, for logs."""

    _last = 0.0

    def run_started(self, run_id: str) -> None:
        self._last = time.monotonic()

    def changed(self) -> None:
        now = time.monotonic()
        if now - self._last >= _EVERY:
            self._last = now
            print(self.summary(), file=sys.stderr)  # noqa: T201


class _Display(Progress):
    """Rich's live display on a terminal; what bodies print scrolls above it."""

    _live: Live | None = None
    _started = 0.0
    _is_cleared = False

    def __init__(self, file: Any, predict: Callable[[Call], float | None] | None = None) -> None:
        super().__init__(predict)
        self._file = file

    def run_started(self, run_id: str) -> None:
        self._started = time.monotonic()
        body_output.draw_with(self._clear, self._draw_again)

    def changed(self) -> None:
        if self._live is None and time.monotonic() - self._started > _QUIET_SECONDS:
            self._start()

    def call_started(self, call: Call) -> None:
        super().call_started(call)
        if self._live is None:
            self._start()

    def _start(self) -> None:
        if self._is_cleared:
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._file, highlight=False, markup=False, force_terminal=True)
        self._live = Live(
            console=console,
            get_renderable=self._render,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        self._show = body_output.show
        body_output.show = self._print

    def _print(self, data: bytes) -> None:
        assert self._live is not None
        # As it is: neither wrapped nor read for markup and names of emoji.
        self._live.console.out(data.decode("utf-8", "replace"), end="", highlight=False)

    def _render(self) -> Any:
        from rich.text import Text

        lines = [self.summary()]
        now = time.monotonic()
        for name, started in list(self.running.values())[:_SHOWN]:
            lines.append(f"  {name} {_shown(now - started)}")
        width = shutil.get_terminal_size().columns
        return Text("\n".join(line[: width - 1] for line in lines), no_wrap=True)

    def run_ended(self, error: BaseException | None = None) -> None:
        body_output.draw_with(None, None)
        self._clear()

    def _clear(self) -> None:
        self._is_cleared = True
        if self._live is not None:
            live, self._live = self._live, None
            body_output.show = self._show
            live.stop()

    def _draw_again(self) -> None:
        self._is_cleared = False
        if self.running:
            self._start()


def _shown(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def make_progress(file: Any, predict: Callable[[Call], float | None] | None = None) -> Progress:
    """Return the progress that suits where it is shown: a display on a terminal that can draw, lines elsewhere.

    `file` is the real stderr.
    """
    can_draw = file.isatty() and (os.environ.get("TERM") or "dumb") not in ("dumb", "unknown")
    return _Display(file, predict) if can_draw else _Lines(predict)
