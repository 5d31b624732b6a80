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


OBJECTS = """
    import enum
    from dataclasses import dataclass, field
    from typing import NamedTuple

    import numpy as np
    from merkl import Future, task

    class Kind(enum.Enum):
        A = 1

    class Point(NamedTuple):
        x: int
        y: float = 0.5

    @dataclass(frozen=True)
    class Setting:
        rate: float
        names: tuple[str, ...] = ("a",)
        at: Point = Point(1)

    @task
    def fit(setting: Setting, others: dict[str, Setting | None]) -> float:
        print("fitted")
        return setting.rate + len(others)

    @task
    def draw(array: object, kind: Kind) -> float:
        if kind is Kind.A and array.sum() > 100:
            raise ValueError("too much")
        return float(array.sum())

    def main(n: int = 4) -> list[Future[float]]:
        return [fit(Setting(n / 8), {"b": Setting(2), "c": None}), draw(np.arange(n), Kind.A)]
"""


def test_calls_with_objects_among_their_arguments_run_again_by_their_key(project: Project) -> None:
    """Dataclasses are read back from the log, whichever arguments main has now; others come from the command of their run."""
    project.write("flow.py", OBJECTS)
    project.merkl("run", "flow.main", "--n", "6")
    project.merkl("run", "flow.main", "--n", "60")
    fits = [record["key"] for record in project.log("--task", "fit")]
    draws = [record["key"] for record in project.log("--task", "draw")]
    for key, value in [(fits[1], "2.75"), (fits[0], "9.5"), (draws[1], "15.0")]:
        done = project.merkl("debug", "--hash", key, "--rerun")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, value), done.stderr
        assert "it gave the same content as is stored" in done.stderr
    failed = project.merkl("debug", "--hash", draws[0], "--rerun")
    assert failed.returncode == 1
    assert "ValueError: too much" in failed.stderr
    # Where the command makes another call by now, only what the log has by itself can be run again.
    project.write("flow.py", OBJECTS.replace("arange(n)", "arange(n + 1)"))
    assert project.merkl("debug", "--hash", fits[0], "--rerun").returncode == 0
    refused = project.merkl("debug", "--hash", draws[1], "--rerun")
    assert (refused.returncode, "name the function that makes the call" in refused.stderr) == (2, True)


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
