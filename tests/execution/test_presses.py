"""What counts as one press of Ctrl-C."""

from __future__ import annotations

import contextlib
import signal

from merkl.execution.interrupts import interrupts


def test_one_press_that_comes_twice_is_one() -> None:
    """The terminal sends it to the whole job, and a program that started the run may pass it on."""
    interrupts.reset()
    with contextlib.suppress(KeyboardInterrupt), interrupts:
        before = interrupts.count
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.count == before + 1
        assert not interrupts.is_ended
    interrupts.reset()
