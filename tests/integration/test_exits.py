"""Bodies, and code that makes calls, that would end the process of the run, close its files or leave it elsewhere."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from project import Project

FLOWS = """
    import os, sys, threading, time
    from pathlib import Path
    from merkl import task

    @task
    def first(n: int) -> int:
        return n + 1

    @task
    def ends(how: str) -> int:
        if how == "exit":
            os._exit(0)
        elif how == "exec":
            os.execlp("true", "true")
        elif how == "sys.exit":
            sys.exit(0)
        elif how == "closerange":
            os.closerange(3, 256)
        elif how == "thread":
            threading.Thread(target=os._exit, args=(0,)).start()
            time.sleep(60)
        return 0

    @task
    async def ends_waiting(n: int) -> int:
        os._exit(0)

    @task
    def closes_one_by_one(n: int) -> int:
        for descriptor in range(3, 256):
            try:
                os.close(descriptor)
            except OSError:
                pass
        return n

    @task
    def closes_all(n: int) -> int:
        for descriptor in os.listdir("/proc/self/fd"):
            try:
                os.close(int(descriptor)) if int(descriptor) > 2 else None
            except OSError:
                pass
        return os.open("taken", os.O_CREAT | os.O_RDWR) and n

    @task
    def forks(n: int) -> list[int]:
        children = []
        for end in (lambda: os._exit(3), lambda: os.execlp("true", "true"), lambda: (os.closerange(3, 256), os._exit(4))):
            child = os.fork()
            if child == 0:
                end()
            children.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return children

    def main(*how: str): return [first(1), *map(ends, how), *(ends_waiting(n) for n in range(len(how) > 1))]

    def closing(): return [first(1), closes_one_by_one(1)]

    def closing_all(): return [first(1), closes_all(1), first(2)]

    def building(how: str):
        value = first(1).v
        os._exit(0) if how == "exit" else sys.exit(0)
"""


@pytest.fixture
def flows(project: Project) -> Project:
    project.write("flows.py", FLOWS)
    return project


def test_a_body_that_would_end_the_process_fails_and_the_run_goes_on(flows: Project) -> None:
    """A run that did not finish is no success, to the shell and in the log."""
    done = flows.merkl("run", "--keep-going", "flows.main", "exit", "exec", "sys.exit", "closerange")
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "task 'ends' failed: ProcessExit: os._exit(0) would have ended the process" in done.stderr
    assert "task 'ends' failed: ProcessExit: os.execv(" in done.stderr
    assert "task 'ends' failed: SystemExit: 0" in done.stderr
    assert "task 'ends' failed: ProcessExit: os.closerange(3, 256) would have closed files" in done.stderr
    assert "task 'ends_waiting' failed: ProcessExit: os._exit(0)" in done.stderr
    assert "merkl: 6 calls: 1 run, 0 cached, 5 failed" in done.stderr
    assert [run["status"] for run in flows.log("--runs")] == ["failed"]


def test_a_body_on_a_worker_does_not_close_its_files_either(flows: Project) -> None:
    done = flows.merkl("run", "--target", "1", "flows.main", "closerange")
    assert done.returncode == 1
    assert "task 'ends' failed: ProcessExit: os.closerange(3, 256) would have closed files" in done.stderr


@pytest.mark.parametrize("how", ["exit", "sys.exit"])
def test_code_that_makes_calls_and_ends_the_process_is_no_success(flows: Project, how: str) -> None:
    done = flows.merkl("run", "flows.building", how)
    assert done.returncode == 1
    assert f"in building{chr(10)}" in done.stderr
    assert "merkl: the graph was not built to its end; 1 call: 1 run" in done.stderr
    assert [run["status"] for run in flows.log("--runs")] == ["failed"]


def test_a_thread_that_ends_the_process_ends_it_with_an_exit_code_and_a_word(flows: Project) -> None:
    done = flows.merkl("run", "flows.main", "thread")
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "a thread of the run has called os._exit(0)" in done.stderr
    assert "1 run, 0 cached, 1 interrupted" in done.stderr


def test_a_module_that_exits_while_it_is_imported_is_no_success(project: Project) -> None:
    project.write("leaving.py", "import sys\nsys.exit(0)\n")
    done = project.merkl("run", "leaving.main")
    assert done.returncode == 1
    assert 'leaving.py", line 2, in <module>' in done.stderr


def test_processes_that_a_body_forks_off_end_as_ever(flows: Project) -> None:
    assert flows.run_json("flows.forks", "1")["result"] == [3, 0, 4]


def test_to_a_body_that_closes_all_descriptors_those_of_the_run_are_closed_already(flows: Project) -> None:
    """What gets a number that was closed is no file of the database's."""
    done = flows.merkl("run", "flows.closing_all")
    assert (done.returncode, done.stdout) == (0, "[2, 1, 3]\n"), done.stderr
    assert "warning" not in done.stderr
    assert (flows.folder / "taken").read_bytes() == b""
    assert flows.run_json("flows.closing_all")["cached"] == 3


def test_a_body_that_closes_the_connection_of_its_worker_fails_and_leaves_no_process(flows: Project) -> None:
    done = flows.merkl("run", "--target", "1", "flows.closing")
    assert done.returncode == 1
    assert (
        "task 'closes_one_by_one' failed twice: the worker process that ran it closed its connection"
        in done.stderr
    )
    here = str(flows.folder).encode()
    deadline = time.monotonic() + 20
    while any(here in _read(pid / "cmdline") for pid in Path("/proc").glob("[0-9]*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("options", [[], ["--target", "1"]], ids=["here", "processes"])
def test_a_body_finds_the_working_directory_where_the_run_began(project: Project, options: list[str]) -> None:
    """Whatever earlier bodies, and the attempts and the evaluations in them, made of it."""
    project.write(
        "moving.py",
        """
        import os
        from pathlib import Path
        from merkl import task

        @task
        def here(n: int) -> str:
            return os.getcwd() + str(n)

        @task(retries=1)
        def moves(to: str) -> list[str]:
            if os.getcwd() != to:
                os.chdir(to)
                inner = here(1).v
                assert os.getcwd() == to
                Path("tried").open("a").write("x")
                if len(Path("tried").read_text()) == 1:
                    raise ValueError("again")
                return [inner]
            return ["the second attempt began elsewhere"]

        @task
        async def drifts(to: str) -> str:
            begun = os.getcwd()
            os.chdir(to)
            return begun

        @task(retries=1)
        async def looks(n: int, after: str) -> str:
            begun = os.getcwd()
            os.chdir("..")
            if begun + "/looked" not in LOOKED:
                LOOKED.append(begun + "/looked")
                raise ValueError("again")
            return begun

        LOOKED = []

        def main(to: str): return [moves(to), here(2), here(3), drifts(to), drifts(to + "/."), looks(1, drifts(to))]
        """,
    )
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    result = project.run_json(*options, "moving.main", str(elsewhere))["result"]
    assert result[0] == [f"{elsewhere}1"]
    assert result[1] == f"{project.folder}2"
    assert result[2] == f"{project.folder}3"
    assert result[3:] == [str(project.folder)] * 3


def test_code_that_holds_such_a_function_has_the_same_key_as_outside_of_a_run(project: Project) -> None:
    project.write(
        "holding.py",
        """
        import os
        from os import _exit, closerange
        from merkl import task

        leave = os._exit
        TABLE = {"exec": os.execv, "close": closerange}

        @task
        def named(n: int) -> None: _exit(n)

        @task
        def aliased(n: int) -> None: leave(n)

        @task
        def listed(n: int) -> None: TABLE["exec"]("/bin/true", ["true"])

        def main(): return [named(1), aliased(2), listed(3)]
        """,
    )
    planned = json.loads(project.merkl("run", "--plan", "--json", "holding.main").stdout)
    printed = project.python("-c", "import holding\nfor call in holding.main(): print(call.hash)").stdout
    assert [call["key"] for call in planned["calls"]] == printed.split()
    done = project.merkl("run", "--keep-going", "holding.main")
    assert done.stderr.count("ProcessExit: os._exit(") + done.stderr.count("ProcessExit: os.execv(") >= 3
    assert "merkl: 3 calls: 0 run, 0 cached, 3 failed" in done.stderr
