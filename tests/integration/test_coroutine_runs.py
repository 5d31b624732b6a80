"""Runs of coroutines from the command line: what each printed is told apart, and a Ctrl-C of a real terminal ends them."""

from __future__ import annotations

import json

import pytest
from project import Project
from terminal import Terminal

from merkl import Workspace

FLOWS = """
    import asyncio, itertools, os, sys
    from pathlib import Path
    from merkl import interruptible, task

    turn = asyncio.Event()

    @task
    async def first(n: int) -> int:
        print("first", end=" ")
        await turn.wait()
        print("line", file=sys.stdout)
        return n

    @task(capture=True)
    async def second(n: int) -> int:
        print("second line")
        turn.set()
        return n

    @task
    def plain(n: int) -> int:
        os.system("echo from a child")
        return n

    @task
    async def broken(n: int) -> int:
        print("last words")
        raise ValueError("no")

    @task
    async def waits(n: int) -> int:
        Path(f"started{n}").write_text("")
        await asyncio.sleep(60)
        return n

    @task
    async def loops(n: int) -> int:
        Path(f"started{n}").write_text("")
        seen = 0
        for _ in interruptible(itertools.count()):
            await asyncio.sleep(0.001)
            seen += 1
        return seen

    @task
    async def quick(n: int) -> int:
        return n

    @task
    def positive(n: int) -> bool:
        return n > 0

    @task
    async def reads(n: int) -> str:
        await asyncio.sleep(0)
        return Path("data.txt").read_text()

    def looks(): return [reads(i) for i in range(2)]
    def prints(): return first(1), second(1), plain(1)
    def fails(): return broken(1)
    def waiting(): return quick(1), [waits(i) for i in range(3)]
    def looping(): return [positive(loops(i)) for i in range(3)]
"""


@pytest.fixture
def flows(project: Project) -> Project:
    project.write("flows.py", FLOWS)
    return project


@pytest.mark.parametrize("options", [[], ["--target", "1"]], ids=["here", "processes"])
def test_lines_of_coroutines_that_run_side_by_side_are_told_apart(flows: Project, options: list[str]) -> None:
    done = flows.merkl("run", "--json", *options, "flows.prints")
    assert json.loads(done.stdout)["result"] == [1, 1, 1]
    lines = done.stderr.splitlines()
    assert "first | first line" in lines
    assert "plain | from a child" in lines
    assert "second line" not in done.stderr
    with Workspace(flows.folder) as workspace:
        kept = {
            metadata.task.rpartition(".")[2]: metadata.output
            for key in list(workspace.cache.keys())
            if (metadata := workspace.cache.metadata(key)) is not None
        }
    assert kept == {"first": "first line\n", "second": "second line\n", "plain": "from a child\n"}


def test_a_failure_shows_the_call_and_the_frame_of_the_coroutine(flows: Project) -> None:
    done = flows.merkl("run", "flows.fails")
    assert done.returncode == 1
    assert "broken | last words" in done.stderr
    assert "ValueError: no" in done.stderr
    assert 'raise ValueError("no")' in done.stderr
    assert "merkl/execution" not in done.stderr


@pytest.mark.parametrize("options", [[], ["--target", "1"]], ids=["here", "processes"])
def test_an_audit_sees_what_coroutines_touch(flows: Project, options: list[str]) -> None:
    """They run one at a time for it."""
    flows.write("data.txt", "x")
    done = flows.merkl("run", "--audit", *options, "flows.looks")
    assert done.stdout == "['x', 'x']\n", done.stderr
    assert "flows.reads: file " in done.stderr
    assert "data.txt; pass it as a FileRef" in done.stderr


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
def test_ctrl_c_ends_coroutines_and_what_was_complete_is_kept(flows: Project, options: list[str]) -> None:
    terminal = Terminal(flows, "run", *options, "flows.waiting")
    terminal.wait_for("started0", "started1", "started2")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert code == 130, text
    assert "Traceback" not in text
    assert "1 run" in text
    assert "3 interrupted" in text


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
def test_loops_of_coroutines_end_and_the_run_goes_on(flows: Project, options: list[str]) -> None:
    terminal = Terminal(flows, "run", *options, "flows.looping")
    terminal.wait_for("started0", "started1", "started2")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert code == 0, text
    assert "[True, True, True]" in text
    assert "3 interrupted" in text


def test_a_coroutine_that_holds_up_the_others_is_named_once(project: Project) -> None:
    project.write(
        "blocking.py",
        """
        import asyncio, time
        from merkl import task

        @task
        async def computes(x: int) -> int:
            time.sleep(1.8)
            return x

        @task
        async def waits(x: int) -> int:
            await asyncio.sleep(0.5)
            await asyncio.to_thread(time.sleep, 1.8)
            return x

        def bad(): return [waits(1), computes(2), computes(3)]
        def good(): return [waits(4), waits(5)]
        """,
    )
    told = project.merkl("run", "--quiet", "blocking.bad").stderr
    assert told.count("the body of task 'computes' computes, or waits without `await`, and holds up") == 1
    assert "warning" not in project.merkl("run", "--quiet", "blocking.good").stderr
