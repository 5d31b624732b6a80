"""What bodies print: on stderr with the task's name, never in the result, and kept with it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from project import Project

from merkl import Workspace

FLOWS = """
    import os, sys
    from merkl import task

    @task
    def chatty(n: int) -> int:
        print("one")
        print("two", file=sys.stderr)
        os.system("echo from a child")
        sys.stdout.write("no newline")
        return n

    @task(capture=True)
    def quiet(n: int) -> int:
        print("only kept")
        return n

    @task
    def broken(n: int) -> int:
        print("last words")
        raise ValueError("no")

    @task
    def bar(n: int) -> int:
        for i in range(3):
            sys.stderr.write(f"\\r{i} of 3")
        sys.stderr.write("\\n")
        return n

    def main(): return chatty(1)
    def captured(): return quiet(1)
    def fails(): return broken(1)
    def draws(): return bar(1)
"""


@pytest.fixture(params=[[], ["--target", "1"]], ids=["here", "processes"])
def options(request: pytest.FixtureRequest, project: Project) -> list[str]:
    project.write("flows.py", FLOWS)
    found: list[str] = request.param
    return found


def test_each_line_has_the_name_of_its_task(project: Project, options: list[str]) -> None:
    done = project.merkl("run", "--json", *options, "flows.main")
    assert json.loads(done.stdout)["result"] == 1
    lines = done.stderr.splitlines()
    for said in ("one", "two", "from a child", "no newline"):
        assert f"chatty | {said}" in lines


def test_its_end_is_kept_with_the_result(project: Project, options: list[str]) -> None:
    key = project.run_json(*options, "flows.main")
    assert key["run"] == 1
    with Workspace(project.folder) as workspace:
        (stored,) = [workspace.cache.metadata(key) for key in workspace.cache.keys()]  # noqa: SIM118
    assert stored is not None
    assert sorted(stored.output.split("\n")) == ["from a child", "no newline", "one", "two"]


def test_captured_output_is_kept_and_not_shown(project: Project, options: list[str]) -> None:
    done = project.merkl("run", *options, "flows.captured")
    assert "only kept" not in done.stderr
    with Workspace(project.folder) as workspace:
        (stored,) = [workspace.cache.metadata(key) for key in workspace.cache.keys()]  # noqa: SIM118
    assert stored is not None
    assert stored.output == "only kept\n"


def test_a_script_keeps_the_output_of_tasks_that_say_so(project: Project) -> None:
    """Of failed calls and coroutines too; of other tasks it goes where it always does, and so does what follows."""
    project.write(
        "script.py",
        """
        import sys
        from merkl import MerklError, task

        @task(capture=True)
        def quiet(n: int) -> int:
            print("kept", n)
            print("kept too", file=sys.stderr)
            if n == 2:
                raise ValueError("no")
            return n

        @task(capture=True)
        async def waiting(n: int) -> int:
            print("kept", n)
            return n

        @task
        def loud(n: int) -> int:
            print("seen", quiet(4).eval())
            return n

        before = sys.stdout
        loud(1).eval(), quiet(1).eval(), waiting(3).eval()
        try:
            quiet(2).eval()
        except MerklError:
            print("failed", sys.stdout is before)
        """,
    )
    done = project.python("script.py")
    assert done.stdout == "seen 4\nfailed True\n", done.stderr
    assert "kept" not in done.stderr.replace("results are kept", "")
    kept = {record["arguments"][0]["preview"]: record["output"] for record in project.log("--task", "quiet")}
    assert kept == {str(n): f"kept {n}\nkept too\n" for n in (1, 2, 4)}
    assert [record["output"] for record in project.log("--task", "waiting")] == ["kept 3\n"]
    assert "nothing was kept" in project.merkl("log", "loud", "--output").stdout


def test_output_of_a_failed_call_is_shown_and_noted(project: Project, options: list[str]) -> None:
    done = project.merkl("run", *options, "flows.fails")
    assert done.returncode == 1
    assert "broken | last words" in done.stderr.splitlines()
    assert "ValueError: no" in done.stderr


def test_of_a_line_that_is_drawn_again_the_last_state_is_shown(project: Project, options: list[str]) -> None:
    done = project.merkl("run", *options, "flows.draws")
    assert "bar | 2 of 3" in done.stderr.splitlines()
    assert "1 of 3" not in done.stderr


def test_events_are_json_lines(project: Project, options: list[str]) -> None:
    done = project.merkl("run", "--events", "log.jsonl", *options, "flows.main")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in (project.folder / "log.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events] == [
        "run_started",
        "plan_made",
        "call_started",
        "call_ended",
        "run_ended",
    ]
    assert (events[3]["task"], events[3]["status"]) == ("chatty", "run")
    missing = project.merkl("run", "--events", "no/such/folder", *options, "flows.main")
    assert missing.returncode == 2
    assert "--events no/such/folder" in missing.stderr


def test_a_failed_command_has_no_traceback_of_merkl(project: Project) -> None:
    project.write("commands.py", 'from merkl import bash_task\n\nfail = bash_task("echo oops >&2; exit 3")\n')
    told = project.merkl("run", "commands.fail").stderr
    assert "exit code 3" in told
    assert "Traceback" not in told


def test_lists_of_other_lengths_that_a_map_meets_are_no_fault_of_merkl(project: Project) -> None:
    project.write(
        "maps.py",
        """
        from merkl import task

        @task
        def several(n: int) -> list[int]: return list(range(n))
        @task
        def pair(x: int, y: int) -> int: return x * y

        def main(): return pair.map(several(4), several(3))
        """,
    )
    told = project.merkl("run", "maps.main").stderr
    assert "map() zips its iterables strictly, and they have 4, 3 items" in told
    assert "Traceback" not in told


ODD = """
    from typing import Any
    from merkl import task
    class Shy:
        def __repr__(self): raise RuntimeError("not to be looked at")
    class Mute(Exception):
        def __str__(self): raise RuntimeError("not to be read")
    @task
    def shy() -> Any:
        return Shy()
    @task
    def round_about() -> list[Any]:
        xs: list[Any] = [1]
        xs.append(xs)
        return xs
    @task
    def half_a_character() -> str:
        return "x\\udcffy"
    @task
    def mute() -> int:
        raise Mute()
    @task
    def lengthy() -> int:
        raise ValueError("x" * 100_000)
"""


@pytest.mark.parametrize(
    ("name", "code"), [("shy", 0), ("round_about", 0), ("half_a_character", 0), ("mute", 1), ("lengthy", 1)]
)
def test_whatever_a_task_gives_or_raises_the_run_ends_well_and_json_is_json(
    project: Project, name: str, code: int
) -> None:
    """Values whose repr raises or that hold themselves, text that is no UTF-8, errors without a text, and with too much of it."""
    project.write("odd.py", ODD)
    done = project.merkl("run", f"odd.{name}", errors="surrogateescape")
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1].startswith("merkl: 1 call: ")
    done = project.merkl("run", "--json", f"odd.{name}")
    assert json.loads(done.stdout)["calls"] == 1
    (run, _) = project.log("--runs")
    assert len(run["error"]) <= 500


def test_a_result_that_cannot_be_printed_is_an_error(project: Project) -> None:
    """As on a full disk; it is kept all the same."""
    project.write("full.py", "from merkl import task\n@task\ndef main() -> int:\n    return 1\n")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "merkl", "run", "full.main"],
            cwd=project.folder,
            env=project.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert "what was to be printed could not be written: No space left on device" in done.stderr
    assert project.run_json("full.main")["cached"] == 1
