"""Random graphs of calls, coroutines, maps, batches and pipelines give the same values however they are run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import graph_tasks as tasks
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merkl import Workspace, evaluate

#: What makes the values of one node from those of earlier ones and a constant.
KINDS: dict[str, Any] = {
    "plain": tasks.combine,
    "coroutine": tasks.wait,
    "map": lambda parts, salt: tasks.total(tasks.item.map(tasks.several(parts, salt)), salt),
    "map of coroutines": lambda parts, salt: tasks.total(
        tasks.item_waiting.map(tasks.several(parts, salt)), salt
    ),
    "batch": lambda parts, salt: tasks.total(tasks.items([*parts, salt, salt + 1]), salt),
    "several outs": lambda parts, salt: tasks.combine(list(tasks.split(parts, salt)), salt),
    "pipeline": tasks.branching,
}
Graph = list[tuple[str, list[int], int]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Nodes as (kind, numbers of earlier nodes, a constant)."""
    size = draw(st.integers(1, 10))
    return [
        (
            draw(st.sampled_from(list(KINDS))),
            draw(st.lists(st.integers(0, i - 1), max_size=3)) if i else [],
            draw(st.integers(0, 5)),
        )
        for i in range(size)
    ]


def build(graph: Graph, number: int) -> list[Any]:
    """Make the calls of a graph, of constants that no other graph has."""
    nodes: list[Any] = []
    for kind, parents, salt in graph:
        nodes.append(KINDS[kind]([nodes[i] for i in parents], salt + 12 * number))
    return nodes


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
