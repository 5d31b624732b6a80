"""What counts as one press of Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from merkl.execution.interrupts import interrupts


def test_one_press_that_comes_twice_is_one() -> None:
    """The terminal sends it to the whole job, and a program that started the run may pass it on."""
    with contextlib.suppress(KeyboardInterrupt), interrupts:
        before = interrupts.count
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.count == before + 1
        assert not interrupts.is_ended


def test_the_one_that_ended_a_run_reaches_bodies_in_threads_that_begin_later() -> None:
    """Those that had one before are left alone, and other runs."""
    with ThreadPoolExecutor(1) as pool:
        heard = [pool.submit(_hear, run).result() for run in (b"ended", b"ended", b"another")]
    assert heard == ["first", "at once", "nothing"]


def _hear(run: bytes) -> str:
    """Be the body of a run that is ended while it runs; return when it got Ctrl-C."""
    with interrupts.in_thread(run):
        try:
            before = interrupts.enter_body()
        except KeyboardInterrupt:
            return "at once"
        if run == b"another":
            interrupts.leave_body(before)
            return "nothing"
        try:
            interrupts.press(run)
            time.sleep(0.01)
        except KeyboardInterrupt:
            assert interrupts.press(run, is_last=True) == 0
            interrupts.leave_body(before)
            return "first"
    return "never"
