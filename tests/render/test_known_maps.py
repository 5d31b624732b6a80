"""Graphs that are looked at show the items of maps whose lists are in the cache."""

from __future__ import annotations

import functools

import pytest
from why_projects import WhyProject, roots

from merkl import TaskFailedError, Workspace
from merkl.cli.ledgers import open_ledger
from merkl.render.graph_view import GraphView, view_graph
from merkl.render.why_text import format_why

MAPPED = """
    from merkl import Future, task

    WORST = 3

    @task
    def numbers(n: int) -> list[int]:
        return list(range(n))

    @task
    def square(x: int) -> int:
        if x == WORST:
            raise ValueError("that one is bad")
        return x * x

    @task
    def total(xs: list[int]) -> int:
        return sum(xs)

    def main(n: int = 5) -> Future[int]:
        return total(square.map(numbers(n)))
"""


@pytest.fixture
def mapped(project: WhyProject) -> WhyProject:
    """A map over a list that a task gives, of which one item has failed."""
    project.write("flow.py", MAPPED)
    with pytest.raises(TaskFailedError):
        project.run("flow.main")
    return project


def view(project: WhyProject, *args: int) -> GraphView:
    workspace = Workspace(project.folder)
    try:
        with workspace:
            program, plan, _ = workspace.plan(functools.partial(project.load("flow.main"), *args))
            calls, ledger = program.all_calls(), open_ledger(workspace)
            return view_graph("flow.main", calls, plan, ledger, collapse=None, items=program.items)
    finally:
        workspace.close()


def test_of_a_map_the_item_that_failed_is_red_and_leads_to_the_map(mapped: WhyProject) -> None:
    found = view(mapped)
    assert found.counts == {"calls": 8, "cached": 4, "failed": 1, "new": 3}
    failed = next(node for node in found.nodes if node.status == "failed")
    (kept,) = failed.calls
    assert (kept.arguments, kept.failed) == (
        (("x", "3"),),
        "task 'square' failed: ValueError: that one is bad",
    )
    below = next(node for node in found.nodes if node.label == "square.map")
    assert {edge.source for edge in found.edges if edge.target == below.id} == {
        node.id for node in found.nodes if node.label in ("numbers", "square")
    }


def test_why_says_of_which_item_a_map_failed(mapped: WhyProject) -> None:
    text = format_why(mapped.why("flow.main"))
    assert "flow.main: 4 of 8 calls would run" in text
    assert "ValueError: that one is bad\n  and has no result yet\n" in text
    assert "1 call follows from it: square.map" in text
    assert "flow.square.map" not in text


def test_an_edit_of_the_task_of_a_map_names_its_items_and_counts_what_runs(mapped: WhyProject) -> None:
    """`why` counts the calls that the run then has."""
    mapped.edit("flow.py", "WORST = 3", "WORST = 30")
    mapped.run("flow.main")
    mapped.edit("flow.py", "return x * x", "return x * x + 1")
    seen = mapped.why("flow.main")
    assert (seen.calls, seen.cached) == (8, 1)
    assert {one.task for one in roots(seen)} == {"flow.square", "flow.square.map"}
    assert "flow.square ×5" in format_why(seen)
    workspace = Workspace(mapped.folder)
    try:
        report = workspace.run(mapped.load("flow.main")).report
    finally:
        workspace.close()
    assert (len(report.run), len(report.cached)) == (7, 1)


def test_where_the_list_is_not_known_the_map_stands_for_its_items(mapped: WhyProject) -> None:
    assert view(mapped, 6).counts == {"calls": 3, "new": 3}
    mapped.edit("flow.py", "square.map(numbers(n))", "square.map(square.map(numbers(n)))")
    assert [node.label for node in view(mapped).nodes].count("square.map") == 2
