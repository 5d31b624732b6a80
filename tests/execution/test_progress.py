"""What the progress display says of the time that is left."""

from __future__ import annotations

import os
import signal

import pytest

from merkl import Future, Workspace, task
from merkl.execution import output, progress
from merkl.execution.lookups import Lookups
from merkl.execution.output import BodyOutput
from merkl.execution.plan import make_plan
from merkl.execution.progress import Progress


@task
def work(x: int) -> int:
    return x


@pytest.mark.parametrize(("at_a_time", "left"), [(1, 60.0), (3, 20.0)])
def test_calls_that_run_side_by_side_are_done_sooner(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, at_a_time: int, left: float
) -> None:
    """Nine calls of ten seconds, of which three have ended."""
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    futures: list[Future[int]] = [work(i) for i in range(9)]
    shown = Progress()
    shown.plan_made(make_plan(futures, Lookups(workspace.parts.results)))
    for start in range(0, 3, at_a_time):
        calls = [future._call for future in futures[start : start + at_a_time]]
        for call in calls:
            shown.call_started(call)
        now += 10
        for call in calls:
            shown.call_ended(call, "run", 10.0)
    assert shown.seconds_left() == left


def test_time_that_passes_between_short_bodies_counts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call takes a second, as on a cluster, of which its body takes a thousandth."""
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    futures: list[Future[int]] = [work(i) for i in range(100)]
    shown = Progress()
    shown.plan_made(make_plan(futures, Lookups(workspace.parts.results)))
    for future in futures[:50]:
        shown.call_started(future._call)
        shown.call_ended(future._call, "run", 0.001)
        now += 1
    assert "50 of 100 calls, about 50 s left" in shown.summary()


def test_calls_that_run_already_take_longer_than_those_that_have_ended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has ended at once, two have run for a minute, and nobody knows how long such calls take."""
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    futures: list[Future[int]] = [work(i) for i in range(5)]
    shown = Progress()
    shown.plan_made(make_plan(futures, Lookups(workspace.parts.results)))
    for future in futures[:3]:
        shown.call_started(future._call)
    shown.call_ended(futures[0]._call, "run", 0.0)
    now = 60.0
    # A mean of 40 s each; of the four that are left two have done 60 s, and two run at a time.
    assert shown.seconds_left() == pytest.approx((4 * 40 - 120) / 2)


@task
def pressed(x: int) -> int:
    """Ctrl-C comes while it runs, the first time."""
    if x == 0:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            return -1
    return x


def test_what_an_interrupted_body_took_says_nothing_of_the_next(workspace: Workspace) -> None:
    assert pressed(0).eval() == -1
    workspace.settle()
    assert workspace.predictor()(pressed(1)._call) is None
    assert pressed(1).eval() == 1
    workspace.settle()
    assert workspace.predictor()(pressed(2)._call) is not None


def test_a_bar_that_takes_long_is_shown_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is drawn each second for 25 seconds, and its line ends only then."""
    now = 0.0
    monkeypatch.setattr(output.time, "monotonic", lambda: now)
    shown: list[bytes] = []
    body_output = BodyOutput()
    body_output.show = shown.append
    printed = output._Printed("bar", is_shown=True)
    for second in range(1, 26):
        now = float(second)
        body_output._take(printed, f"\r{second} of 25".encode())
    body_output._take(printed, b"\n")
    assert shown == [b"bar | 11 of 25\n", b"bar | 22 of 25\n", b"bar | 25 of 25\n"]
    assert bytes(printed.tail).count(b"\r") == 25
