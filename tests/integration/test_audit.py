"""`merkl run --audit` and `--recheck`: what a key does not know, and results that do not come out again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from project import Project


@pytest.fixture
def sly(project: Project) -> Project:
    project.write("table.csv", "1\n")
    project.write("given.csv", "2\n")
    project.write(
        "sly.py",
        """
        import datetime, os, random, socket, subprocess, sys, time, uuid
        from merkl import FileRef, Future, call_seed, task
        COUNT = 0

        @task
        def reads(given: FileRef) -> str:
            with open("table.csv") as table, open(given) as known:
                return table.read() + known.read()

        @task
        def environs() -> str:
            return os.environ.get("HOME", "") + (os.getenv("SLY") or "")

        @task
        def clocks() -> float:
            return time.time() + datetime.datetime.now().year

        @task
        def draws() -> float:
            return random.random() + uuid.uuid4().int

        @task
        def connects() -> int:
            with socket.socket() as one:
                return one.connect_ex(("127.0.0.1", 9))

        @task
        def runs() -> int:
            return subprocess.run([sys.executable, "-c", "pass"]).returncode

        @task
        def writes() -> int:
            with open("left.txt", "w") as left:
                return left.write("x")

        @task
        def honest(given: FileRef, n: int) -> FileRef:
            import decimal, colorsys
            random.Random(n).random()
            random.seed(call_seed())
            random.random()
            made = FileRef()
            with open(made, "w") as out, open(given) as known:
                out.write(known.read() * n)
            with open(made) as again:
                again.read()
            return made

        @task
        def reader(given: FileRef) -> int:
            with open(given) as known:
                return len(known.read())

        def main() -> list[Future[object]]:
            given = FileRef("given.csv")
            return [reads(given), environs(), clocks(), draws(), connects(), runs(), writes(), reader(honest(given, 3))]

        def fair() -> Future[int]:
            return reader(honest(FileRef("given.csv"), 3))
        """,
    )
    return project


def test_each_kind_of_hidden_input_is_found_and_no_honest_task_is_blamed(sly: Project) -> None:
    figures: dict[str, Any] = sly.run_json("--audit", "sly.main")
    found = {(f["task"].removeprefix("sly."), f["kind"]) for f in figures["audit"]}
    assert {
        ("reads", "file"),
        ("environs", "environment"),
        ("clocks", "clock"),
        ("draws", "chance"),
        ("connects", "network"),
        ("runs", "program"),
    } <= found
    assert not [f for f in figures["audit"] if f["task"] in ("sly.honest", "sly.reader")]
    files = [f["what"] for f in figures["audit"] if (f["task"], f["kind"]) == ("sly.reads", "file")]
    assert [name.rpartition("/")[2] for name in files] == ["table.csv"]
    names = {f["what"] for f in figures["audit"] if f["task"] == "sly.environs"}
    assert names == {"HOME", "SLY"}


def test_the_text_names_the_remedy(sly: Project) -> None:
    done = sly.merkl("run", "--audit", "sly.main")
    assert done.returncode == 0, done.stderr
    assert "sly.clocks: clock time.time(); pass the time as an argument" in done.stderr
    assert "nothing" not in done.stderr
    fair = sly.merkl("run", "--audit", "--rerun", "all", "sly.fair")
    assert "touched anything that its key does not know" in fair.stderr


def test_a_share_of_the_cached_calls_is_run_again_and_compared(sly: Project) -> None:
    sly.run_json("sly.main")
    done = sly.merkl("run", "--json", "--recheck", "100%", "sly.main")
    assert done.returncode == 3, done.stderr
    changed = {f["task"] for f in json.loads(done.stdout)["rechecked"]}
    assert changed == {"sly.clocks", "sly.draws"}
    fair = sly.merkl("run", "--recheck", "1", "sly.fair")
    assert fair.returncode == 0, fair.stderr
    assert "rechecked 2 of 2 cached calls: 0 gave another content" in fair.stderr


def test_a_share_that_is_none_is_a_usage_error(sly: Project) -> None:
    for share in ("0", "200%", "some"):
        assert sly.merkl("run", "--recheck", share, "sly.fair").returncode == 2
    assert sly.merkl("run", "--audit", "--target", "2", "sly.fair").returncode == 2
