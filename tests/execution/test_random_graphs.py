"""Random graphs of calls, coroutines, maps, batches and pipelines give the same values however they are run."""

from __future__ import annotations

import contextlib
import itertools
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import graph_tasks as tasks
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merkl import TaskFailedError, Workspace, evaluate
from merkl.execution.interrupts import interrupts
from merkl.execution.report import RunReport

#: What makes the values of one node from those of earlier ones and a constant.
KINDS: dict[str, Any] = {
    "plain": tasks.combine,
    "coroutine": tasks.wait,
    "map": lambda parts, salt: tasks.total(tasks.item.map(tasks.several(parts, salt)), salt),
    "map of coroutines": lambda parts, salt: tasks.total(
        tasks.item_waiting.map(tasks.several(parts, salt)), salt
    ),
    "batch": lambda parts, salt: tasks.total(tasks.items([*parts, salt, salt + 1]), salt),
    "batch of coroutines": lambda parts, salt: tasks.total(tasks.items_waiting([*parts, salt, salt]), salt),
    "map of a map": lambda parts, salt: tasks.total(
        tasks.item.map(tasks.item.map(tasks.several(parts, salt))), salt
    ),
    "file": lambda parts, salt: tasks.read(tasks.written(parts, salt)),
    "several outs": lambda parts, salt: tasks.combine(list(tasks.split(parts, salt)), salt),
    "pipeline": tasks.branching,
}
Graph = list[tuple[str, list[int], int]]


#: Those that ask for no value while the graph is built, with two that fail for some constants.
FRAGILE = {
    **{kind: make for kind, make in KINDS.items() if kind != "pipeline"},
    "fragile": tasks.fragile,
    "map of fragile": lambda parts, salt: tasks.total(
        tasks.fragile_item.map(tasks.several(parts, salt)), salt
    ),
}


@st.composite
def graphs(draw: st.DrawFn, kinds: Sequence[str] = tuple(KINDS)) -> Graph:
    """Nodes as (kind, numbers of earlier nodes, a constant)."""
    size = draw(st.integers(1, 10))
    return [
        (
            draw(st.sampled_from(list(kinds))),
            draw(st.lists(st.integers(0, i - 1), max_size=3)) if i else [],
            draw(st.integers(0, 5)),
        )
        for i in range(size)
    ]


def build(graph: Graph, number: int) -> list[Any]:
    """Make the calls of a graph, of constants that no other graph has."""
    nodes: list[Any] = []
    for kind, parents, salt in graph:
        make = FRAGILE[kind] if kind in FRAGILE else KINDS[kind]
        nodes.append(make([nodes[i] for i in parents], salt + 12 * number))
    return nodes


@pytest.fixture(scope="module")
def tolerant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Workspace]]:
    """Workspaces that go on after failures, in this process and on two."""
    folder = tmp_path_factory.mktemp("tolerant")
    with Workspace(folder / "two", target=2, keeps_going=True) as processes:
        yield [Workspace(folder / "one", keeps_going=True), processes]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Workspace]]:
    """Workspaces with caches of their own: two in this process, one on two processes."""
    folder = tmp_path_factory.mktemp("places")
    with Workspace(folder / "two", target=2) as processes:
        yield [Workspace(folder / "one"), Workspace(folder / "alone"), processes]


numbers = itertools.count()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs())
def test_values_are_the_same_in_any_order_and_place(places: list[Workspace], graph: Graph) -> None:
    """All at once, one after another from the last, and on processes."""
    one, alone, two = places
    number = next(numbers)
    with one:
        together = evaluate(build(graph, number))
    with alone:
        nodes = build(graph, number)
        assert [node.eval() for node in reversed(nodes)][::-1] == together
    with two:
        assert evaluate(build(graph, number)) == together


def outcome(workspace: Workspace, graph: Graph, number: int) -> tuple[list[bytes], list[bytes], list[Any]]:
    """Return the keys of what ran and of what failed, and the values that are there after a run that goes on."""
    report = RunReport()
    nodes: list[Any] = []

    def make() -> list[Any]:
        nodes[:] = build(graph, number)
        return nodes

    with contextlib.suppress(TaskFailedError):
        workspace.run(make, report=report)
    with workspace:
        values = [node.eval() if node.in_cache() else None for node in nodes]
    ran = sorted(call.key() for call in report.run | report.linked)
    return ran, sorted(call.key() for call in report.failed), values


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs(tuple(FRAGILE)))
def test_what_runs_and_fails_where_a_run_goes_on_is_the_same(tolerant: list[Workspace], graph: Graph) -> None:
    """In this process and on two: all that does not need what failed has a value, and nothing else."""
    here, two = tolerant
    number = next(numbers)
    assert outcome(here, graph, number) == outcome(two, graph, number)


class CtrlC:
    """Sends this process SIGINT when so many functions of MerkL, of bodies and of the event loop were entered or left."""

    PARTS = ("/merkl", "graph_tasks", "/asyncio/", "/threading.py")

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.count = 0

    def __enter__(self) -> CtrlC:
        interrupts.reset()  # not the second press after that of an earlier run
        sys.setprofile(self._look)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "return") and any(part in frame.f_code.co_filename for part in self.PARTS):
            self.count += 1
            if self.count == self.at:
                signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Workspace]]:
    """Workspaces whose runs are interrupted, in this process and on two; the first is never."""
    folder = tmp_path_factory.mktemp("interrupted")
    with Workspace(folder / "two", target=2) as processes:
        yield [Workspace(folder / "never"), Workspace(folder / "one"), processes]


@pytest.mark.parametrize("place", [1, 2], ids=["here", "processes"])
def test_ctrl_c_at_any_moment_changes_no_value(interrupted: list[Workspace], place: int) -> None:
    """What was complete is kept, nothing is half done, and the next run gives what one without Ctrl-C gives."""
    never, workspace = interrupted[0], interrupted[place]

    @settings(max_examples=15 if place == 1 else 5, deadline=None, derandomize=True)
    @given(graphs(), st.floats(0, 1))
    def check(graph: Graph, moment: float) -> None:
        number = next(numbers)
        with CtrlC() as counting:
            wanted = never.run(lambda: build(graph, number)).result
        first, second = RunReport(), RunReport()
        with contextlib.suppress(KeyboardInterrupt), CtrlC(1 + int(moment * (counting.count - 1))):
            workspace.run(lambda: build(graph, number), report=first)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert not interrupts.is_in_body
        assert not interrupts.forwards
        assert workspace.run(lambda: build(graph, number), report=second).result == wanted
        assert not {call.key() for call in first.run} & {call.key() for call in second.run}

    check()


def test_ctrl_c_while_a_fingerprint_is_taken_leaves_no_other_one(tmp_path: Path) -> None:
    """A process may live on after it, as a notebook does: half of what a task reaches must not pass for the whole."""

    def key_of_call(folder: Path, at: int = 0) -> tuple[bytes, int]:
        with Workspace(folder):
            with contextlib.suppress(KeyboardInterrupt), CtrlC(at) as pressing:
                tasks.branching.fingerprint()
                tasks.written([], 1).__merkl_key__()
            return tasks.written([], 1).__merkl_key__(), pressing.count

    wanted, count = key_of_call(tmp_path / "whole")
    for at in range(1, count, count // 40):
        assert key_of_call(tmp_path / str(at), at)[0] == wanted
