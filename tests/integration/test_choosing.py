"""`merkl run` with the options that choose what runs, and the debugger."""

from __future__ import annotations

import json
import re

import pytest
from project import Project

FLOW = """
    import collections, sys
    from pathlib import Path
    from merkl import batch, pipeline, task

    @task
    def load(n: int) -> list[int]:
        return list(range(n))

    @task
    def total(xs: list[int]) -> int:
        return sum(xs)

    @task
    def broken(x: int) -> int:
        inside = x + 1
        raise ValueError("no")

    @pipeline
    def flow(n: int = 3):
        a = load(n)
        b = total(a)
        yield b
        a > "numbers.json"
        return {"total": b}

    @task
    def double(x: int) -> int:
        return 2 * x

    @batch(double)
    def doubles(xs: list[int]) -> list[int]:
        return [2 * x for x in xs]

    @task
    def halts(x: int) -> int:
        breakpoint()
        return x

    @pipeline
    def twice(n: int = 3):
        first = double(n)
        first > "first.json"
        first >> "also.json"
        return [first, *doubles([1, n])]

    def decide(n: int = 3):
        return load(total(load(n)).v)

    def fails():
        return broken(3)

    async def later(n: int = 2):
        return load(n)

    def queue():
        return collections.deque([load(1), load(2)])

    def echo(word: str, *, path: Path = Path("x")) -> str:
        return f"{word} {path}"
"""


@pytest.fixture
def flow(project: Project) -> Project:
    project.write("p.py", FLOW)
    return project


def test_plan_prints_the_order_and_runs_nothing(flow: Project) -> None:
    done = flow.merkl("run", "p.flow", "-n")
    assert done.returncode == 0, done.stderr
    words = [line.split()[:1] + line.split()[2:3] for line in done.stdout.splitlines()]
    assert words[:2] == [["run", "load(n=3)"], ["run", "total(xs=<Future[list[int]]"]]
    assert done.stdout.splitlines()[-1] == "2 to run, 0 cached"
    assert not (flow.folder / "numbers.json").exists()
    flow.run_json("p.flow")
    found = json.loads(flow.merkl("run", "--plan", "--json", "p.flow", "--n", "4").stdout)
    assert [(call["task"], call["status"]) for call in found["calls"]] == [("load", "run"), ("total", "run")]
    assert found["seconds"] > 0


def test_a_plan_with_v_says_why_each_call_would_run_and_guesses_without_false_digits(flow: Project) -> None:
    flow.run_json("p.flow")
    flow.write("p.py", FLOW.replace("return sum(xs)", "return sum(xs) + 0"))
    done = flow.merkl("run", "--plan", "-v", "p.flow")
    cached, run, summary = done.stdout.splitlines()
    assert cached.startswith("cached ")
    assert re.search(
        r"total\(.*\(p.py:22\)  (under 1|about \d+) ms: code of p.total changed  \(p.py:10\)$", run
    )
    assert re.search(r"1 to run, 1 cached: (under 1|about \d+) ms$", summary)
    found = json.loads(flow.merkl("run", "--plan", "--json", "-v", "p.flow", "--n", "4").stdout)
    assert found["calls"][0]["reason"] == "argument n: 3 → 4"
    assert flow.merkl("run", "--plan", "p.flow").stdout.splitlines()[1].endswith(" ms")


def test_plan_says_what_the_rest_depends_on(flow: Project) -> None:
    done = flow.merkl("run", "--plan", "p.decide")
    assert "depends on total(" in done.stdout
    assert "(p.py:48): its value decides what comes next" in done.stdout


def test_frozen_exits_with_3_where_something_would_run(flow: Project) -> None:
    done = flow.merkl("run", "--frozen", "p.flow")
    assert done.returncode == 3
    assert "2 calls would run, and nothing may" in done.stderr
    flow.run_json("p.flow")
    assert flow.merkl("run", "--frozen", "p.flow").returncode == 0


def test_rerun_until_and_output(flow: Project) -> None:
    assert flow.merkl("run", "p.flow", "--until", "load").stdout == "[0, 1, 2]\n"
    done = flow.merkl("run", "p.flow", "--n", "4", "--output", "numbers.json")
    assert done.stdout == f"{flow.folder}/numbers.json\n"
    flow.run_json("p.flow")
    assert flow.run_json("p.flow", "--rerun", "load")["run"] == 1
    assert flow.run_json("p.flow", "--rerun", "load", "--rerun", "total")["run"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rerun", "laod"], "did you mean 'load'?"),
        (["--until", "totals"], "did you mean 'total'?"),
        (["--output", "number.json"], "did you mean 'numbers.json'?"),
    ],
)
def test_a_choice_that_is_not_there_is_a_mistake_of_usage(flow: Project, words: list[str], said: str) -> None:
    for more in ([], ["-n"]):
        done = flow.merkl("run", *words, *more, "p.flow")
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_pdb_opens_at_the_frame_of_the_body(flow: Project) -> None:
    done = flow.merkl("run", "p.fails", "--pdb", input="p inside * 100\nq\n")
    assert done.returncode == 1
    assert "400" in done.stderr
    assert done.stdout == ""


def test_an_async_function_is_run(flow: Project) -> None:
    assert flow.run_json("p.later")["result"] == [0, 1]


def test_futures_in_a_deque_are_evaluated(flow: Project) -> None:
    assert flow.merkl("run", "p.queue").stdout == "deque([[0], [0, 1]])\n"


@pytest.mark.parametrize("words", [["-"], ["--word", "-"], ["--", "-"], ["-", "--path", "-"]])
def test_a_single_dash_is_an_argument(flow: Project, words: list[str]) -> None:
    done = flow.merkl("run", "p.echo", *words)
    assert done.stdout.startswith("- "), done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--frozen", "--rerun", "load"], "--frozen and --rerun contradict each other"),
        (["--frozen", "--recheck", "100%"], "--frozen and --recheck contradict each other"),
        (["--no-cache", "--accept-interrupted"], "without the cache nothing is stored"),
        (["--plan", "--pdb"], "a plan runs no body that could fail"),
        (["--target", "0"], "0 processes cannot run anything"),
        (["--target", "x", "--plan"], "there is no target 'x'"),
    ],
)
def test_options_that_cannot_be_meant_together_are_a_mistake_of_usage(
    flow: Project, words: list[str], said: str
) -> None:
    done = flow.merkl("run", *words, "p.flow")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_debugger_is_opened_in_this_process_whatever_the_target(flow: Project) -> None:
    done = flow.merkl("run", "p.fails", "--pdb", "--target", "2", input="p inside * 100\nq\n")
    assert "merkl: --pdb: calls run in this process, not on 2" in done.stderr
    assert "400" in done.stderr


def test_who_leaves_the_debugger_at_a_breakpoint_gets_no_other_one(flow: Project) -> None:
    done = flow.merkl("run", "p.halts", "3", "--pdb", input="p x * 100\nq\n")
    assert (done.returncode, "300" in done.stderr) == (1, True), done.stderr
    assert done.stderr.count("(Pdb)") == 2


def test_until_takes_all_items_of_a_batch_also_where_the_graph_was_kept(flow: Project) -> None:
    """One of them equals a call of the single task that was made before."""
    assert flow.run_json("p.twice")["result"] == [6, 2, 6]
    assert flow.merkl("run", "--until", "doubles", "p.twice").stdout == "[2, 6]\n"


def test_a_file_that_is_written_with_and_without_sidecar_is_listed_once(flow: Project) -> None:
    done = flow.merkl("run", "--output", "none.bin", "p.twice")
    assert "there are first.json, also.json" in done.stderr


def test_a_call_that_the_command_line_makes_is_at_its_task(flow: Project) -> None:
    assert "made at p.py:1" in flow.merkl("run", "p.broken", "1").stderr.replace(f"{flow.folder}/", "")
