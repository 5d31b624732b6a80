"""Notebooks, in real kernels: what is shown, how far a run is, and that a restart changes no key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel import Kernel

NOTEBOOK = Path(__file__).parent.parent.parent / "examples" / "notebook.ipynb"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    (tmp_path / "pyproject.toml").write_text("[tool.merkl]\n")
    with Kernel(tmp_path) as started:
        yield started


def sources() -> list[str]:
    """Return the code cells of the example."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def shown(messages: list[dict[str, Any]], kind: str = "execute_result") -> list[str]:
    return [
        m["data"]["text/html" if kind == "display_data" else "text/plain"]
        for m in messages
        if m["type"] == kind
    ]


def printed(messages: list[dict[str, Any]]) -> str:
    return "".join(m["text"] for m in messages if m["type"] == "stream" and m["name"] == "stdout")


def test_the_example_runs_and_after_a_restart_no_body_runs_again(kernel: Kernel) -> None:
    first = [kernel.run(source) for source in sources()]
    assert "".join(map(printed, first)).split("\n") == [
        "walking 1",
        *(f"walking {seed}" for seed in (0, 1, 2)),
        "walking 3",
        "walking 1",
        "",
    ]
    kernel.restart()
    kernel.run("'another number for each cell'")
    second = [kernel.run(source) for source in sources()]
    assert "".join(map(printed, second)) == ""
    assert [shown(messages) for messages in second] == [shown(messages) for messages in first]
    assert shown(first[-1]) == ["True"]


DEFINED = """
class Clock:
    def now(self) -> float:
        return time.monotonic() * math.floor(1.5)

@task
def waits(n: int) -> float:
    time.sleep(n / 1000)
    return json.loads("1.5") * len(Clock.__name__)
"""
IMPORTS = "import json, math, time\nfrom merkl import task\n"


def test_a_task_has_one_key_whichever_cell_its_imports_are_in(kernel: Kernel) -> None:
    """IPython compiles each statement by itself: a method of a module is called by other instructions than in a file."""
    asked = f"{DEFINED}\nprint(waits(1).hash, waits.fingerprint().components[0].kind)"
    together = printed(kernel.run(IMPORTS + asked))
    assert together.endswith(" code\n")
    assert printed(kernel.run(asked)) == together
    kernel.restart()
    kernel.run(IMPORTS)
    assert printed(kernel.run(asked)) == together


def test_futures_tasks_and_pipelines_show_themselves_and_nothing_runs(kernel: Kernel) -> None:
    cells = [kernel.run(source) for source in sources()[:5]]
    tables = [m["data"]["text/html"] for messages in cells for m in messages if m["type"] == "execute_result"]
    task, pipeline, future = tables
    assert "<code>Walk</code>" in task
    assert "pipeline <b>" in pipeline
    assert "<code>int = 1000</code>" in pipeline
    assert "Walk(steps=5, seed=1)" in future
    assert "".join(map(printed, cells)) == ""


def test_a_bar_shows_how_far_an_evaluation_is(kernel: Kernel) -> None:
    for source in sources()[:2]:
        kernel.run(source)
    messages = kernel.run("survey(walks=4, steps=7).eval()")
    bars = shown(messages, "display_data")
    assert len(bars) == 1
    assert '<progress value="' in bars[0]
    updates = [m["data"]["text/plain"] for m in messages if m["type"] == "update_display_data"]
    assert updates[-1] == "merkl: 5 of 5 calls"
    assert shown(kernel.run("survey(walks=4, steps=7).eval()"), "display_data") == []
