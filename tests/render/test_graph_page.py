"""The HTML picture of a graph, in a browser: pan, zoom, search, click, without a network, with 10,000 calls."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import BROWSER, Page, open_page

from merkl import Future, Workspace, task
from merkl.execution.chronicle import describe_task
from merkl.render.graph_html import format_html
from merkl.render.graph_view import view_graph
from merkl.render.why_view import needed_calls

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt-get install chromium")


@task
def start(name: str) -> int:
    """Where it begins."""
    return len(name)


@task
def step(x: int, j: int) -> int:
    return x + j


def tangle(n: int) -> list[Future[int]]:
    """Calls that no two are alike, each on one of the last fifty."""
    choose = random.Random(0)
    calls: list[Future[int]] = [start("</script><b>'\"")]
    for i in range(n - 1):
        calls.append(step(calls[choose.randrange(max(0, len(calls) - 50), len(calls))], i))
    return calls


def page_of(workspace: Workspace, make: Callable[[], Any], path: Path, *, collapse: int | None = 8) -> Path:
    program, plan, _ = workspace.plan(make)
    calls = needed_calls(program.wanted())
    view = view_graph("tests.graph", calls, plan, None, collapse=collapse)
    components = {call.fingerprint.hex(): describe_task(call.task) for call in calls[:1] if call.fingerprint}
    path.write_text(format_html(view, components), encoding="utf-8")
    return path


def browse(path: Path, folder: Path, visit: Callable[[Page], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_page(path, folder) as page:
            await visit(page)

    asyncio.run(run())


def test_ten_thousand_calls_can_be_clicked_through(workspace: Workspace, tmp_path: Path) -> None:
    """A click shows the call's details, a search leads to a call, dragging and the wheel move and enlarge the picture."""
    path = page_of(workspace, lambda: tangle(10_000), tmp_path / "graph.html", collapse=None)

    async def visit(page: Page) -> None:
        assert await page.evaluate("nodes.length") == 10_000
        x, y = await page.evaluate("merkl.place(0)")
        await page.click(x, y)
        side = await page.evaluate("document.getElementById('side').innerText")
        assert "name = '</script><b>" in side
        assert "Where it begins." in side
        await page.click(
            *await page.evaluate("(()=>{const b=search.getBoundingClientRect();return [b.x+20,b.y+9]})()")
        )
        await page.type("j=9876")
        side = await page.evaluate("document.getElementById('side').innerText")
        assert "j = 9876" in side
        x, y = await page.evaluate("merkl.place(selected.id)")
        assert 0 < x < 1200
        assert 0 < y < 700
        before = await page.evaluate("[left, top_, scale]")
        await page.drag(300, 450, 50, -30)
        after = await page.evaluate("[left, top_, scale]")
        assert (after[0] - before[0], after[1] - before[1]) == (50, -30)
        await page.wheel(300, 400, -400)
        await asyncio.sleep(0.3)
        assert await page.evaluate("scale") > before[2]
        # Following a link from call to call.
        await page.evaluate("document.querySelector('#side a').click()")
        assert await page.evaluate("selected.title") in ("step", "start")
        await page.evaluate("merkl.fit(); new Promise(requestAnimationFrame)")
        assert len(await page.picture()) > 10_000

    browse(path, tmp_path, visit)


def test_a_map_is_one_box_whose_calls_can_be_filtered(workspace: Workspace, tmp_path: Path) -> None:
    """The page asks for nothing from outside."""
    path = page_of(
        workspace,
        lambda: step.map(start.map(["a"] * 1 + [f"n{i}" for i in range(499)]), range(500)),
        tmp_path / "g.html",
    )
    assert "http" not in path.read_text().replace("http-equiv", "")

    async def visit(page: Page) -> None:
        assert await page.evaluate("nodes.map(n => n.title)") == ["start ×500", "step ×500"]
        await page.click(*await page.evaluate("merkl.place(0)"))
        assert await page.evaluate("document.querySelectorAll('.call').length") == 100
        await page.evaluate(
            "(()=>{const f=document.querySelector('#side input'); f.value='n497'; f.oninput()})()"
        )
        assert await page.evaluate("document.querySelectorAll('.call').length") == 1
        assert await page.evaluate("performance.getEntriesByType('resource').length") == 0

    browse(path, tmp_path, visit)


def test_an_empty_graph_is_a_page_too(workspace: Workspace, tmp_path: Path) -> None:
    """A function that makes no calls."""
    path = page_of(workspace, lambda: None, tmp_path / "g.html")

    async def visit(page: Page) -> None:
        assert await page.evaluate("nodes.length") == 0
        assert "0 calls" in await page.evaluate("document.getElementById('legend').textContent")

    browse(path, tmp_path, visit)
