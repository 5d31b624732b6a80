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
        import datetime, os, random, socket, subprocess, sys, tempfile, time, uuid
        from merkl import FileRef, Future, call_seed, path_future, pipeline, task
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
            with tempfile.TemporaryDirectory() as folder, open(folder + "/x", "w") as passing:
                passing.write("x")
            return made

        @task
        def reader(given: FileRef) -> int:
            with open(given) as known:
                return len(known.read())

        def main() -> list[Future[object]]:
            given = FileRef("given.csv")
            return [reads(given), environs(), clocks(), draws(), connects(), runs(), writes(), reader(honest(given, 3))]

        def found() -> Future[int]:
            return reader(path_future("given.csv"))

        def fair() -> Future[int]:
            return reader(honest(FileRef("given.csv"), 3))

        @pipeline
        def kept() -> Future[int]:
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
        ("writes", "write"),
    } <= found
    assert not [f for f in figures["audit"] if f["task"] in ("sly.honest", "sly.reader")]
    files = [f["what"] for f in figures["audit"] if (f["task"], f["kind"]) == ("sly.reads", "file")]
    assert [name.rpartition("/")[2] for name in files] == ["table.csv"]
    names = {f["what"] for f in figures["audit"] if f["task"] == "sly.environs"}
    assert names == {"HOME", "SLY"}


def kinds(figures: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(f["task"], f["kind"], f["what"]) for f in figures["audit"]}


def test_processes_of_this_machine_find_the_same_as_this_process(sly: Project) -> None:
    here = sly.run_json("--audit", "sly.main")
    (sly.folder / "left.txt").unlink()
    there = sly.run_json("--audit", "--rerun", "all", "--target", "2", "sly.main")
    assert kinds(there) == kinds(here)
    fair = sly.run_json("--audit", "--rerun", "all", "--target", "2", "sly.fair")
    assert fair["audit"] == []


def test_files_that_other_calls_give_and_files_that_are_the_result_are_no_finding(project: Project) -> None:
    """`path_future` and `glob_future` give the user's own paths, in a list too; a result may lie beside the user's files."""
    project.write("one.csv", "1\n")
    project.write("many/two.csv", "2\n")
    project.write("many/three.csv", "3\n")
    project.write(
        "given.py",
        """
        import os
        from merkl import DirRef, FileRef, Future, glob_future, path_future, task

        @task
        def length(given: FileRef) -> int:
            with open(os.path.realpath(given)) as known:
                return len(known.read())

        @task
        def lengths(given: list[FileRef], folder: DirRef) -> int:
            names = os.listdir(folder)
            return sum(len(open(os.path.realpath(one)).read()) for one in given) + len(names)

        @task
        def beside(n: int) -> dict[str, FileRef]:
            for name in ("kept.txt", "left.txt"):
                with open(name, "w") as made:
                    made.write("x" * n)
            return {"a": FileRef("kept.txt")}

        @task(outs=["a.txt"])
        def folder(n: int) -> DirRef:
            made = DirRef()
            made.get_new_file("a", "txt").write_text("x" * n)
            return made

        def main() -> list[Future[object]]:
            return [
                length(path_future("one.csv")),
                lengths(glob_future("many/*.csv"), path_future("many")),
                beside(3),
                folder(3)["a.txt"],
            ]
        """,
    )
    for words in ([], ["--rerun", "all", "--target", "2"]):
        found = kinds(project.run_json("--audit", *words, "given.main"))
        assert found == {("given.beside", "write", "left.txt")}


def test_a_target_that_cannot_be_watched_says_so(sly: Project) -> None:
    sly.write("pyproject.toml", '[tool.merkl.targets.far]\ntype = "dask"\naddress = "tcp://127.0.0.1:9"\n')
    done = sly.merkl("run", "--audit", "--target", "far", "sly.fair")
    assert done.returncode == 1
    assert "bodies can be watched in this process and on local processes (--target N)" in done.stderr


def test_bodies_of_batches_failed_bodies_and_those_above_others_are_watched(project: Project) -> None:
    project.write("a.txt", "1")
    project.write(
        "deep.py",
        """
        from merkl import Future, batch, evaluate, task

        def peek(name: str) -> int:
            with open(name) as file:
                return int(file.read())

        @batch
        def sizes(names: list[str]) -> list[int]:
            return [peek(name) for name in names]

        @task
        def inner(n: int) -> int:
            return n

        @task
        def outer(n: int) -> int:
            got = inner(n).eval()
            return got + peek("a.txt")

        @task
        def fails(n: int) -> int:
            raise ValueError(peek("a.txt"))

        def main() -> list[Future[int]]:
            return [*sizes(["a.txt"]), outer(1), fails(1)]
        """,
    )
    for words in ([], ["--target", "2"]):
        done = project.merkl("run", "--audit", "--json", "--no-cache", "--keep-going", *words, "deep.main")
        assert done.returncode == 1, done.stderr
        found = {task for task, kind, _ in kinds(json.loads(done.stdout)) if kind == "file"}
        assert found == {"deep.sizes", "deep.outer", "deep.fails"}


def test_the_text_names_the_remedy(sly: Project) -> None:
    done = sly.merkl("run", "--audit", "sly.main")
    assert done.returncode == 0, done.stderr
    assert "sly.clocks: clock time.time(), datetime.now(); pass the time as an argument" in done.stderr
    assert "nothing" not in done.stderr
    fair = sly.merkl("run", "--audit", "--rerun", "all", "sly.fair")
    assert "touched anything that its key does not know" in fair.stderr


def test_a_share_of_the_cached_calls_is_run_again_and_compared(sly: Project) -> None:
    sly.run_json("sly.main")
    done = sly.merkl("run", "--json", "--recheck", "100%", "sly.main")
    assert done.returncode == 3, done.stderr
    changed = {f["task"] for f in json.loads(done.stdout)["rechecked"]}
    assert changed == {"sly.clocks", "sly.draws"}
    # A pipeline whose graph is kept is no exception: the calls behind its outputs are looked at too.
    sly.run_json("sly.kept")
    for name in ("sly.fair", "sly.kept"):
        fair = sly.merkl("run", "--recheck", "1", name)
        assert fair.returncode == 0, fair.stderr
        assert "rechecked 2 of 2 cached calls: 0 gave another content" in fair.stderr
    # What is made again for it, as a file that is looked for, is no run of its own.
    sly.run_json("sly.found")
    again = sly.merkl("run", "--recheck", "1", "sly.found")
    assert "rechecked 1 of 2 cached calls" in again.stderr
    assert [run["command"][-1] for run in sly.log("--runs", "--limit", "3")] == [
        "sly.found",
        "sly.found",
        "sly.kept",
    ]


def test_a_share_that_is_none_is_a_usage_error(sly: Project) -> None:
    for share in ("0", "200%", "some"):
        assert sly.merkl("run", "--recheck", share, "sly.fair").returncode == 2


HIDDEN = """
    import os, random, socket, threading, time, uuid
    import numpy as np
    from merkl import Future, call_seed, task

    @task
    def legacy() -> float:
        return float(np.random.rand())
    @task
    def many() -> float:
        return float(np.random.rand(5000).sum())
    @task
    def fresh() -> float:
        return float(np.random.default_rng().random())
    @task
    def unseeded() -> float:
        return random.Random().random()
    @task
    def reseeded() -> float:
        random.seed()
        return random.random()
    @task
    def one_seeded_the_other_not() -> float:
        return random.Random(3).random() + random.random()
    @task
    def system() -> bytes:
        return os.getrandom(4)
    @task
    def stopwatch() -> float:
        return time.monotonic() + time.perf_counter()
    @task
    def stamped() -> str:
        return str(uuid.uuid1())
    @task
    def resolved() -> str:
        return socket.gethostbyname("localhost")
    @task
    def named() -> str:
        return socket.gethostname()
    @task
    def in_bytes() -> bytes:
        return os.environb[b"HOME"]
    @task
    def by_thread() -> str:
        read = []
        thread = threading.Thread(target=lambda: read.append(open("table.csv").read()))
        thread.start()
        thread.join()
        return read[0]
    @task
    def honest(n: int) -> float:
        lock = threading.Condition()
        with lock:
            lock.wait(0.01)
        np.random.seed(n)
        other = np.random.default_rng(call_seed())
        return float(np.random.rand(2000).sum() + other.random()) + uuid.uuid5(uuid.NAMESPACE_DNS, "x").int

    def main() -> list[Future[object]]:
        return [legacy(), many(), fresh(), unseeded(), reseeded(), one_seeded_the_other_not(), system(), stopwatch(),
                stamped(), resolved(), named(), in_bytes(), by_thread(), honest(3)]
"""


def test_every_source_of_chance_time_and_names_is_found_also_in_threads_of_a_body(project: Project) -> None:
    project.write("table.csv", "1\n")
    project.write("hidden.py", HIDDEN)
    found = {
        (f["task"].removeprefix("hidden."), f["kind"])
        for f in project.run_json("--audit", "hidden.main")["audit"]
    }
    assert found == {
        *((name, "chance") for name in ("legacy", "many", "fresh", "unseeded", "reseeded", "system")),
        ("one_seeded_the_other_not", "chance"),
        ("stopwatch", "clock"),
        ("stamped", "clock"),
        ("resolved", "network"),
        ("named", "network"),
        ("in_bytes", "environment"),
        ("by_thread", "file"),
    }


def test_a_task_that_reads_the_whole_environment_is_one_line(project: Project) -> None:
    project.write(
        "greedy.py",
        """
        import os
        from merkl import task
        @task
        def main() -> int:
            return len(dict(os.environ))
        """,
    )
    said = project.merkl("run", "--audit", "greedy.main").stderr
    assert said.count("greedy.main: environment ") == 1
    assert " more; pass the value as an argument" in said
