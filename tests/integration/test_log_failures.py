"""What is kept of calls that failed: all that was said, with the traceback, under the key of the call."""

from __future__ import annotations

from typing import Any

import pytest
from project import Project


@pytest.fixture
def trouble(project: Project) -> Project:
    project.write(
        "flow.py",
        """
        from merkl import FileRef, Future, arg, bash_task, evaluate, out_file_arg, task

        convert = bash_task(
            f"echo first line of trouble >&2; echo disk is {arg('what', str)} >&2; exit 3 > {out_file_arg('made', '.txt')}"
        )

        def helper(x: int) -> int:
            raise ValueError("not this\\n  but the second line\\n" + "x" * 9_000 + "\\nand the last")

        @task
        def load(n: int) -> int:
            return n

        @task
        def inner(x: int) -> int:
            return helper(x)

        def main() -> Future[int]:
            return inner(load(2))

        def shell() -> Future[FileRef]:
            return convert("on fire")
        """,
    )
    return project


def failed_key(project: Project, task: str) -> str:
    shown = project.merkl("log", task).stdout
    return shown.split()[0]


def test_all_that_a_body_said_is_shown_by_its_key(trouble: Project) -> None:
    """The first and the last lines, and the frames of the user's code; of a long text the middle is left out."""
    assert trouble.merkl("run", "flow.main").returncode == 1
    key = failed_key(trouble, "inner")
    for shown in (trouble.merkl("log", key).stdout, trouble.merkl("debug", "--hash", key).stdout):
        for part in ("flow.inner(x=<Future of load>)", "but the second line", "and the last", "in helper"):
            assert part in shown
        assert "characters left out" in shown
        assert "flow.load(n=2)" in shown  # what it was made of
        assert len(shown) < 12_000
    (record,) = trouble.log(key)
    assert record["failed"]["error"] == "task 'inner' failed: ValueError: not this"
    assert "and the last" in record["failed"]["details"]
    (of_task,) = trouble.log("inner")
    assert {name: of_task[name] for name in ("key", "task", "run", "failed")} == {
        name: record[name] for name in ("key", "task", "run", "failed")
    }
    of_run = [(row["task"], row["failed"] is None) for row in trouble.log("--run", "last")]
    assert of_run == [("flow.inner", False), ("flow.load", True)]


def test_the_cause_of_a_failed_command_is_in_the_log(trouble: Project) -> None:
    """The line of the run has the end of its stderr, the run and the call all of it."""
    assert trouble.merkl("run", "flow.shell").returncode == 1
    assert "exit code 3: disk is on fire" in trouble.merkl("log").stdout
    assert "first line of trouble" in trouble.merkl("log", "--run", "last").stdout
    (run,) = trouble.log("--runs")
    assert "first line of trouble" in run["details"]
    assert "first line of trouble" in trouble.merkl("log", failed_key(trouble, "convert")).stdout


def test_what_a_call_printed_before_it_failed_is_listed_with_the_output_of_others(project: Project) -> None:
    project.write(
        "loud.py",
        """
        from merkl import Future, task

        @task
        def load(n: int) -> int:
            print("loading")
            return n

        @task
        def fails(n: int) -> int:
            print("so far so good")
            raise ValueError("no")

        def main() -> Future[int]:
            return fails(load(2))
        """,
    )
    assert project.merkl("run", "loud.main").returncode == 1
    assert "so far so good" in project.merkl("log", "fails", "--output").stdout
    listed = project.merkl("log", "--run", "last", "--output").stdout.splitlines()
    assert [listed[1], listed[3]] == ["so far so good", "loading"]
    assert project.merkl("log", "--task", "main", "--output").stdout == "no results\n"


def test_a_call_that_failed_can_be_run_again_by_its_key(trouble: Project) -> None:
    """So a debugger can be set into the body."""
    assert trouble.merkl("run", "flow.main").returncode == 1
    done = trouble.merkl("debug", "--hash", failed_key(trouble, "inner"), "--rerun")
    assert done.returncode == 1
    assert "in helper" in done.stderr


def test_a_call_that_went_well_since_is_no_failure_any_more(trouble: Project) -> None:
    assert trouble.merkl("run", "flow.main").returncode == 1
    key = failed_key(trouble, "inner")
    text = (trouble.folder / "flow.py").read_text()
    trouble.write("flow.py", text.replace("return helper(x)", "return x"))
    assert trouble.merkl("run", "flow.main").returncode == 0
    shown = trouble.merkl("log", "inner").stdout
    assert "flow.inner(x=<Future of load>)" in shown
    (result,) = [row for row in trouble.log("inner") if not row["key"].startswith(key)]
    assert trouble.log(result["key"])[0]["failed"] is None


def test_each_item_of_a_batch_has_failed(project: Project) -> None:
    """The failure of the one body is that of all calls in it."""
    project.write(
        "many.py",
        """
        from merkl import Future, batch

        @batch
        def double(xs: list[int]) -> list[int]:
            raise OSError("no more")

        def main() -> list[Future[int]]:
            return double([1, 2, 3])
        """,
    )
    assert project.merkl("run", "many.main").returncode == 1
    found: list[dict[str, Any]] = project.log("--runs")
    assert found[0]["counts"]["failed"] == 3
    assert project.merkl("log", "double").stdout.count("OSError: no more\n  ") >= 3


def test_json_of_a_run_that_may_run_nothing_says_why(trouble: Project) -> None:
    """`--frozen --json` has the error that stderr has."""
    done = trouble.merkl("run", "--frozen", "--json", "flow.main")
    assert done.returncode == 3
    assert '"error": "2 calls would run, and nothing may"' in done.stdout
