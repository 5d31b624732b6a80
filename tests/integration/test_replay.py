"""`merkl debug --hash KEY --rerun` for every kind of call: its body runs again by itself and gives what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
import replayed_tasks as kinds
from project import Project

from merkl import Workspace, path_future
from merkl.cli.replay import replay_call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures

CALLS = {
    "an item of a batch": lambda: kinds.doubled([1, 2, 3]),
    "an item of a batch alone": lambda: kinds.marked(["a", "b"], end="?"),
    "an item of a batch of coroutines": lambda: kinds.awaited(["a", "b"]),
    "an item of a map": lambda: kinds.double.map([1, 2]),
    "a map": lambda: kinds.double.map(kinds.numbers(3)),
    "a map of coroutines": lambda: kinds.waits.map(kinds.numbers(2)),
    "a coroutine": lambda: kinds.waits(4),
    "a shell task": lambda: kinds.echo(5)["stdout"],
    "a file of a shell task": lambda: kinds.echo(5)["copy"],
    "a shell task over a file": lambda: kinds.shout(kinds.written("hello")),
    "a shell task over a user's file": lambda: kinds.shout(path_future(kinds.__file__)),
    "a method": lambda: kinds.Model(3).fit(4),
    "a static method": lambda: kinds.Model.plain(4),
    "one of several outs": lambda: kinds.pair(2)[1],
    "a key of a TypedDict": lambda: kinds.named(2)["b"],
    "outs by number": lambda: kinds.three(2)[2],
    "a file": lambda: kinds.written("text"),
    "a file in a directory": lambda: kinds.folder("text")["sub/b.csv"],
    "a seed": lambda: kinds.seeded(1),
    "an effect": lambda: kinds.effect(1),
    "Futures in containers": lambda: kinds.gathered({"a": [kinds.double(1), 5]}),
    "var-arguments": lambda: kinds.varied(kinds.Point(1), kinds.double(2), z=kinds.waits(3)),
    "a bound task": lambda: kinds.double.bind(x=7)(),
    "a closure": lambda: kinds.adder(5)(kinds.double(2)),
    "what a pipeline makes": lambda: kinds.piped(3),
}


def future_of(kind: str) -> Future[object]:
    return find_futures(CALLS[kind]())[-1]


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_that_a_function_makes_gives_the_same_again(kind: str, tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        workspace.run(CALLS[kind])
        replay = replay_call(workspace, future_of(kind).hash, CALLS[kind])
    assert replay.is_same, replay.verdict


@pytest.mark.parametrize(
    "kind",
    [
        "an item of a batch",
        "an item of a batch alone",
        "an item of a batch of coroutines",
        "a coroutine",
        "a shell task",
        "a shell task over a file",
        "a static method",
        "one of several outs",
        "a file in a directory",
        "a bound task",
    ],
)
def test_a_call_whose_arguments_the_ledger_has_needs_no_function(kind: str, tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        workspace.run(CALLS[kind])
        replay = replay_call(workspace, future_of(kind).hash)
    assert replay.is_same, replay.verdict


SCRIPT = """
    from merkl import evaluate, task

    @task
    def inverse(n: int) -> float:
        print("inverse of", n)
        return 1 / n

    def main(n: int = 4):
        return inverse(n)

    if __name__ == "__main__":
        evaluate(inverse(4))
"""


def test_a_call_of_a_script_is_found_by_the_file(project: Project) -> None:
    project.write("script.py", SCRIPT)
    project.python("script.py")
    (record,) = project.log()
    refused = project.merkl("debug", "--hash", record["key"], "--rerun")
    assert (refused.returncode, "--rerun path/to/script.py:FUNCTION" in refused.stderr) == (2, True)
    done = project.merkl("debug", "--hash", record["key"], "--rerun", "script.py:main")
    assert (done.returncode, done.stdout) == (0, "0.25\n"), done.stderr
