"""What notebooks show of Futures, tasks and pipelines: never the value."""

from __future__ import annotations

from typing import Annotated

import pytest

from merkl import Future, Secret, Workspace, pipeline, task


@task
def load(name: str, token: Annotated[str, Secret] = "hunter2", *rest: int) -> list[float]:
    """Read the <data>."""
    raise AssertionError("nothing may run")


@pipeline
def flow(n: int = 1) -> Future[list[float]]:
    return load(str(n))


def test_a_future_shows_its_call_and_runs_nothing(workspace: Workspace) -> None:
    future = load("<b>x</b>", "s3cret", 1, 2)
    bundle = future._repr_mimebundle_()
    assert bundle["text/plain"] == "<Future[list[float]] of load>"
    html = bundle["text/html"]
    assert future.hash in html
    assert "&lt;b&gt;x" in html
    assert "<b>x" not in html
    assert "s3cret" not in html
    assert "***" in html
    assert not (workspace.root / ".merkl").exists()


def test_a_task_and_a_pipeline_show_their_parameters() -> None:
    html = load._repr_mimebundle_()["text/html"]
    assert "Read the &lt;data&gt;." in html
    assert "list[float]" in html
    assert "hunter2" not in html
    assert "*rest" in html
    assert "pipeline <b>" in flow._repr_mimebundle_()["text/html"]


def test_other_names_that_tools_probe_are_absent() -> None:
    for name in ("_repr_html_", "_ipython_display_", "_ipython_canary_method_should_not_exist_"):
        with pytest.raises(AttributeError):
            getattr(load("x"), name)
