"""Which calls of a graph are drawn as one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from merkl import Future, Workspace, task
from merkl.render.graph_text import format_graph, format_mermaid
from merkl.render.graph_view import GraphView, view_graph
from merkl.render.why_view import needed_calls


@task
def load(i: int) -> int:
    return i


@task
def step(x: int, k: int) -> int:
    return x + k


@task
def score(x: int) -> int:
    return -x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


def view_of(workspace: Workspace, make: Callable[[], Any], collapse: int | None = 8) -> GraphView:
    program, plan, _ = workspace.plan(make)
    return view_graph("graph", needed_calls(program.wanted()), plan, None, collapse=collapse)


def labels(view: GraphView) -> list[tuple[str, int, bool]]:
    return [(node.label, node.count, node.is_chain) for node in view.nodes]


def chain(n: int) -> Future[int]:
    x = load(-1)
    for i in range(n):
        x = step(x, i)
    return x


def training(n: int) -> list[Future[int]]:
    """A loop that goes on from its last result, reads something new each time, and hands each result on."""
    x = load(-1)
    scores = []
    for i in range(n):
        x = step(x, load(i))
        scores.append(score(x))
    return [x, total(scores)]


def test_a_loop_that_goes_on_from_its_last_result_is_one_node(workspace: Workspace) -> None:
    view = view_of(workspace, lambda: chain(10_000))
    assert labels(view) == [("load", 1, False), ("step", 10_000, True)]
    assert [(e.source, e.target, e.count) for e in view.edges] == [(0, 1, 1)]
    assert "step ×10000 in a chain(x=load, k=…)" in format_graph(view)
    assert '[["step ×10000 in a chain"]]' in format_mermaid(view)


def turns(n: int, *, seed: int = -1) -> Future[int]:
    """A loop over two tasks, one of which also reads something new each time."""
    x = load(seed)
    for i in range(n):
        x = score(x)
        x = step(x, load(i))
    return x


def test_a_loop_over_several_tasks_is_one_node(workspace: Workspace) -> None:
    """What it reads stays beside it, and its calls say whose they are."""
    view = view_of(workspace, lambda: turns(5_000))
    assert labels(view) == [("load", 1, False), ("load", 5_000, False), ("score → step", 10_000, True)]
    assert {call.task for call in view.nodes[2].calls} == {"score", "step"}
    assert "score → step ×10000 in a chain" in format_graph(view)


def test_loops_that_run_side_by_side_are_not_one_where_they_begin_apart(workspace: Workspace) -> None:
    view = view_of(workspace, lambda: total([turns(20, seed=-1), turns(30, seed=-2), step(turns(2), 1)]))
    loops = sorted(node.count for node in view.nodes if node.is_chain)
    assert loops in ([100], [40, 60])
    assert all(edge.source < edge.target for edge in view.edges)


def test_a_task_that_is_used_twice_on_the_way_makes_no_loop(workspace: Workspace) -> None:
    """By way of a helper both are made at one place, and much lies between."""

    def apply(one: Any, *given: Any) -> Future[int]:
        made: Future[int] = one(*given)
        return made

    def make() -> Future[int]:
        x = apply(load, 1)
        for name in "abcdefgh":
            x = apply(task(named(name)), x)
        return apply(score, apply(load, apply(score, x)))

    def named(name: str) -> Callable[[int], int]:
        def body(x: int) -> int:
            return x

        body.__name__ = body.__qualname__ = name
        return body

    assert max(node.count for node in view_of(workspace, make).nodes) == 1


def test_no_edge_leads_back_in_random_programs(workspace: Workspace) -> None:
    """However loops, chains and readers interleave, each call is in one node, and nodes are in order."""
    for seed in range(30):
        chance = random.Random(seed)

        def make(chance: random.Random = chance) -> list[Future[int]]:
            made = [load(i) for i in range(3)]
            for i in range(60):
                one, other = chance.choice(made[-8:]), chance.choice(made[-8:])
                kind = chance.randrange(4)
                if kind == 0:
                    made.append(score(one))
                elif kind == 1:
                    made.append(step(one, other))
                elif kind == 2:
                    made.append(step(other, i))
                else:
                    made.append(load(one))
            return made

        for collapse in (2, 8):
            view = view_of(workspace, make, collapse)
            assert all(edge.source < edge.target for edge in view.edges), (seed, collapse)
            assert sum(node.count for node in view.nodes) == view.counts["calls"], (seed, collapse)


def test_what_a_chain_reads_and_gives_stays_beside_it(workspace: Workspace) -> None:
    view = view_of(workspace, lambda: training(1_000))
    counted = sorted(labels(view), key=lambda one: (-one[1], one[0]))
    assert counted[:3] == [("load", 1_000, False), ("score", 1_000, False), ("step", 1_000, True)]
    assert len(view.nodes) <= 8


def test_a_short_chain_and_one_that_is_not_to_be_collapsed_show_each_call(workspace: Workspace) -> None:
    assert len(view_of(workspace, lambda: chain(7)).nodes) == 8
    assert len(view_of(workspace, lambda: chain(50), None).nodes) == 51


def test_no_edge_leads_back_however_groups_interleave(workspace: Workspace) -> None:
    """A collapsed chain that takes up calls made after its first one comes after them."""

    def make() -> list[Future[int]]:
        x = load(-1)
        readers = []
        for i in range(20):
            x = step(x, load(i) if i % 4 == 0 else i)
            if i % 5 == 0:
                readers.append(score(x))
        return [x, total(readers)]

    for collapse in (2, 4, 5, 8, 30, None):
        view = view_of(workspace, make, collapse)
        assert all(edge.source < edge.target for edge in view.edges), collapse
        assert sum(node.count for node in view.nodes) == view.counts["calls"]
