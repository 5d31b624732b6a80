"""`merkl run` as a person meets it: results, figures, mistakes, failures, interrupts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import Project

PIPE = """
    from __future__ import annotations
    import dataclasses, os, sys
    from merkl import Future, FileRef, task

    @dataclasses.dataclass
    class Config:
        scale: int = 1
        name: str = "x"

    @task
    def load(n: int) -> list[int]:
        print("loading")
        os.system("echo from a child")
        return list(range(n))

    @task
    def total(xs: list[int], scale: int = 1) -> int:
        return sum(xs) * scale

    @task
    def fail(x: int) -> int:
        y = 0
        return x / y

    @task
    def page(text: str) -> FileRef:
        made = FileRef(suffix=".txt")
        made.write_text(text)
        return made

    @task
    def wide() -> object:
        return {1, 2}

    def pipe(n: int = 3, *, config: Config = Config()) -> Future[int]:
        return total(load(n), config.scale)

    def words(names: list[str], loud: bool = False) -> str:
        return "-".join(names).upper() if loud else "-".join(names)

    def broken(x: int = 1):
        return fail(total(load(x)))

    def nothing() -> None:
        total(load(4))

    NOT_A_FUNCTION = 5
"""


@pytest.fixture
def pipe(project: Project) -> Project:
    project.write("flows.py", PIPE)
    return project


def test_the_result_is_alone_on_stdout_and_the_summary_on_stderr(pipe: Project) -> None:
    done = pipe.merkl("run", "flows.pipe", "--n", "4")
    assert done.returncode == 0
    assert done.stdout == "6\n"
    lines = done.stderr.splitlines()
    assert {"load | loading", "load | from a child"} < set(lines)
    assert lines[-1].startswith("merkl: 2 calls: 2 run, 0 cached, 0 failed in ")
    again = pipe.merkl("run", "flows.pipe", "--n", "4")
    assert again.stdout == "6\n"
    assert again.stderr.splitlines()[-1].startswith("merkl: 2 calls: 0 run, 2 cached, 0 failed in ")


def test_the_folder_of_results_appears_once_beside_pyproject_and_is_ignored_by_git(pipe: Project) -> None:
    sub = pipe.folder / "sub"
    sub.mkdir()
    first = pipe.merkl("run", "../flows.py:pipe", cwd=sub)
    assert f"merkl: results are kept in {pipe.folder / '.merkl'}" in first.stderr
    assert (pipe.folder / ".merkl" / ".gitignore").read_text() == "*\n"
    assert not (sub / ".merkl").exists()
    second = pipe.merkl("run", "flows.pipe", "--n", "9")
    assert "results are kept" not in second.stderr


@pytest.mark.parametrize(
    ("words", "home"),
    [(["bin/merkl", "run", "small.main"], "."), (["bin/script.py"], "bin")],
    ids=["command", "script"],
)
def test_without_a_project_the_folder_of_results_is_here_or_beside_the_script(
    project: Project, words: list[str], home: str
) -> None:
    """That of the command is never beside the program `merkl`."""
    small = "from merkl import task\n@task\ndef one() -> int:\n    return 1\ndef main(): return one()\n"
    (project.folder / "pyproject.toml").unlink()
    project.write("small.py", small)
    project.write("bin/merkl", "import sys\nfrom merkl.cli import main\nsys.exit(main())\n")
    project.write("bin/script.py", small + "main().eval()\n")
    project.python(*words)
    found = [path.parent for path in project.folder.rglob(".merkl")]
    assert found == [project.folder / home]


def test_json_is_one_object_with_result_and_figures(pipe: Project) -> None:
    found = pipe.run_json("flows.pipe", "--n", "4")
    assert found.pop("seconds") > 0
    assert found == {
        "result": 6,
        "calls": 2,
        "run": 2,
        "cached": 0,
        "linked": 0,
        "failed": 0,
        "interrupted": 0,
        "skipped": 0,
    }


def test_a_result_that_is_no_json_shows_type_key_and_preview(pipe: Project) -> None:
    found = pipe.run_json("flows.wide")["result"]
    assert found["type"] == "set"
    assert found["preview"] == "{1, 2}"
    assert len(found["key"]) == 64


def test_a_str_is_printed_raw_a_file_as_its_path_anything_else_by_repr(pipe: Project) -> None:
    assert pipe.merkl("run", "flows.words", "a", "b", "--loud").stdout == "A-B\n"
    path = pipe.merkl("run", "flows.page", "hello").stdout.rstrip("\n")
    assert Path(path).read_text() == "hello"
    assert pipe.merkl("run", "flows.load", "2").stdout == "[0, 1]\n"


def test_arguments_come_from_annotations_also_nested_ones(pipe: Project) -> None:
    assert pipe.merkl("run", "flows.pipe", "4", "--config.scale", "10").stdout == "60\n"


def test_arguments_come_from_a_toml_file_and_the_command_line_wins(pipe: Project) -> None:
    pipe.write("args.toml", "n = 5\n[config]\nscale = 100\n")
    assert pipe.merkl("run", "--args", "args.toml", "flows.pipe").stdout == "1000\n"
    assert pipe.merkl("run", "flows.pipe", "--n", "3", "--args", "args.toml").stdout == "300\n"


def test_option_after_a_function_that_has_a_parameter_of_that_name_is_the_parameter(pipe: Project) -> None:
    pipe.write("own.py", "def shout(word: str, json: bool = False) -> str:\n    return f'{word} {json}'\n")
    assert pipe.merkl("run", "own.shout", "hey", "--json").stdout == "hey True\n"
    assert '"result": "hey False"' in pipe.merkl("run", "--json", "own.shout", "hey").stdout


def test_no_cache_neither_reads_nor_writes(pipe: Project) -> None:
    done = pipe.merkl("run", "--no-cache", "flows.pipe")
    assert done.stdout == "3\n"
    assert not (pipe.folder / ".merkl").exists()


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
def test_without_a_cache_a_value_that_code_asked_for_is_computed_once(
    project: Project, options: list[str]
) -> None:
    project.write(
        "ask.py",
        """
        from pathlib import Path
        from merkl import pipeline, task

        @task
        def grow(n: int) -> bytes:
            with Path("ran").open("a") as file:
                file.write(f"{n} ")
            return b"x" * n

        @task
        def size(data: bytes) -> int:
            return len(data)

        @pipeline
        def pipe():
            first = grow(10_000)
            yield first
            if len(first.v) > 1:
                return size(first), size(grow(5))
        """,
    )
    done = project.merkl("run", "--no-cache", "--json", *options, "ask.pipe")
    said = json.loads(done.stdout)
    assert (said["result"], said["run"]) == ([10_000, 5], 4)
    assert sorted((project.folder / "ran").read_text().split()) == ["10000", "5"]


def test_verbose_lists_every_call(pipe: Project) -> None:
    done = pipe.merkl("run", "-v", "flows.pipe")
    assert " run " in done.stderr
    assert "total (" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["flows.pip"], "did you mean 'pipe'"),
        (["flow.pipe"], "did you mean 'flows'"),
        (["flows.NOT_A_FUNCTION"], "is int, not a function"),
        (["flows.py"], "say which function of it"),
        (["missing.py:pipe"], "there is no file missing.py"),
        (["pipe"], "MODULE.FUNCTION"),
        (["flows.pipe", "--m", "3"], "Did you mean --n"),
        (["flows.pipe", "--n", "three"], 'unable to convert "three" into int'),
        (["flows.pipe", "--n", "2.5"], 'unable to convert "2.5" into int'),
        (["flows.words"], "--names"),
        (["--args", "missing.toml", "flows.pipe"], "there is no file missing.toml"),
        (["--nonsense", "flows.pipe"], "unknown option '--nonsense'"),
        ([], "which function?"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(pipe: Project, words: list[str], said: str) -> None:
    done = pipe.merkl("run", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("merkl: error: ")
    assert said in line


def test_a_module_that_needs_a_missing_one_says_which(project: Project) -> None:
    project.write("needy.py", "import not_installed_anywhere\n")
    done = project.merkl("run", "needy.f")
    assert done.returncode == 2
    assert "it needs the module 'not_installed_anywhere'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_syntax_error_names_file_and_line(project: Project) -> None:
    project.write("wrong.py", "x = 1\ndef f(:\n")
    done = project.merkl("run", "wrong.f")
    assert done.returncode == 2
    assert "wrong.py:2" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_shows_the_call_and_the_traceback_from_the_body_on(pipe: Project) -> None:
    done = pipe.merkl("run", "flows.broken")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "task 'fail' failed: ZeroDivisionError: division by zero" in done.stderr
    assert "in the call fail(x=<Future[int] of total>)" in done.stderr
    assert "made at " in done.stderr
    frames = [line for line in done.stderr.splitlines() if line.startswith("  File ")]
    assert len(frames) == 1
    assert "flows.py" in frames[0]
    assert done.stderr.splitlines()[-1].startswith("merkl: 3 calls: 2 run, 0 cached, 1 failed in ")


def test_figures_of_a_failed_run_are_in_the_json(pipe: Project) -> None:
    done = pipe.merkl("run", "--json", "flows.broken")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["result"], found["run"], found["failed"]) == (None, 2, 1)


def test_a_call_that_nothing_needs_is_a_warning_with_its_line(pipe: Project) -> None:
    done = pipe.merkl("run", "flows.nothing")
    assert done.returncode == 0
    assert done.stdout == "None\n"
    assert "merkl: warning: the call of task 'total' at " in done.stderr
    assert "does not run" in done.stderr


def test_an_edit_of_a_helper_reruns_and_a_comment_does_not(project: Project) -> None:
    project.write("helper.py", "def scale(x):\n    return 2 * x\n")
    project.write(
        "main.py",
        """
        import helper
        from merkl import task

        @task
        def work(x: int) -> int:
            return helper.scale(x)
        """,
    )
    assert project.run_json("main.work", "4")["result"] == 8
    project.write("helper.py", '# better\n\n\ndef scale(x):\n    """Scale."""\n    return (2 * x)\n')
    assert project.run_json("main.work", "4")["run"] == 0
    project.write("helper.py", "def scale(x):\n    return 3 * x\n")
    found = project.run_json("main.work", "4")
    assert (found["result"], found["run"]) == (12, 1)


def test_ctrl_c_ends_with_130_and_keeps_what_was_complete(project: Project) -> None:
    project.write(
        "slow.py",
        """
        import pathlib, time
        from merkl import task

        @task
        def quick() -> int:
            return 1

        @task
        def slow(x: int) -> int:
            pathlib.Path("started").touch()
            time.sleep(60)
            return x
        """,
    )
    project.write("main.py", "from slow import quick, slow\ndef pipe():\n    return slow(quick())\n")
    process = project.start_and_wait("run", "main.pipe", until="started")
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert "1 interrupted" in err
    assert project.run_json("slow.quick")["cached"] == 1


def test_a_body_that_catches_ctrl_c_is_used_but_not_stored(project: Project) -> None:
    project.write(
        "loop.py",
        """
        import pathlib, time
        from merkl import task

        @task
        def best() -> int:
            pathlib.Path("started").touch()
            found = 0
            try:
                for found in range(1, 600):
                    time.sleep(0.1)
            except KeyboardInterrupt:
                pass
            return found

        @task
        def shout(x: int) -> str:
            return "!" * min(x, 1)
        """,
    )
    project.write("main.py", "from loop import best, shout\ndef pipe():\n    return shout(best())\n")
    process = project.start_and_wait("run", "--json", "main.pipe", until="started")
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found = json.loads(out)
    assert found["result"] == "!"
    assert (found["run"], found["interrupted"]) == (1, 1)
    check = (
        "import loop\nfrom merkl import Workspace\nwith Workspace('.'):\n"
        "    print(loop.best().in_cache(), loop.shout(loop.best()).in_cache())"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=project.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False False\n"


@pytest.mark.parametrize("shape", ["{1: {one(1)}}", "{one(1): one(b'x')}", "Pair(one(1), one(b'x'))"])
def test_json_of_futures_where_json_has_no_place_for_them(tmp_path: Path, shape: str) -> None:
    """Sets, keys of dicts and objects show as type and preview, as any other result that is no JSON."""
    project = Project(tmp_path)
    project.write(
        "odd.py",
        f"""
        from dataclasses import dataclass
        from typing import Any
        from merkl import task

        @dataclass
        class Pair:
            a: Any
            b: Any

        @task
        def one(x: Any) -> Any:
            return x

        def flow() -> Any:
            return {shape}
        """,
    )
    assert set(project.run_json("odd.flow")["result"]) == {"type", "key", "preview"}


def test_a_newer_cache_is_refused_with_what_to_do(pipe: Project) -> None:
    import sqlite3

    pipe.merkl("run", "flows.pipe")
    database = pipe.folder / ".merkl" / "merkl.db"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE schema_versions SET version = version + 100")
    connection.close()
    before = {path.name: path.read_bytes() for path in database.parent.glob("merkl.db")}
    done = pipe.merkl("run", "flows.pipe")
    assert done.returncode == 1
    assert "was written by a newer MerkL" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name: path.read_bytes() for path in database.parent.glob("merkl.db")} == before


def test_a_damaged_database_is_a_clear_error_and_stays_as_it_is(pipe: Project) -> None:
    pipe.merkl("run", "flows.pipe")
    database = pipe.folder / ".merkl" / "merkl.db"
    for extra in pipe.folder.glob(".merkl/merkl.db-*"):
        extra.unlink()
    damaged = b"this is no database, it only looks like one" * 100
    database.write_bytes(damaged)
    done = pipe.merkl("run", "flows.pipe")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "merkl.db" in done.stderr
    assert database.read_bytes() == damaged


@pytest.mark.parametrize("options", [[], ["--target", "1"]], ids=["here", "processes"])
def test_a_process_that_a_body_forks_off_does_not_go_on_with_the_run(
    project: Project, options: list[str]
) -> None:
    """Be it that it returns, calls `sys.exit` or fails: it ends as it would without MerkL."""
    project.write(
        "forking.py",
        """
        import os, sys
        from pathlib import Path
        from merkl import task

        @task
        def fork(how: str) -> int:
            child = os.fork()
            if child == 0:
                if how == "exits":
                    sys.exit(7)
                if how == "fails":
                    raise ValueError("in the child")
                return -1
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        @task
        def after(codes: list[int]) -> list[int]:
            with open("ran", "a") as file:
                file.write("once ")
            return codes

        def main(): return after([fork(how) for how in ("returns", "exits", "fails")])
        """,
    )
    done = project.merkl("run", *options, "forking.main")
    assert (done.returncode, done.stdout) == (0, "[0, 7, 1]\n"), done.stderr
    assert (project.folder / "ran").read_text() == "once "
    assert "ValueError: in the child" in done.stderr


@pytest.mark.parametrize("options", [[], ["--target", "1"]], ids=["here", "processes"])
def test_an_exception_that_is_no_exception_of_python_s_is_the_failure_of_its_call(
    project: Project, options: list[str]
) -> None:
    """Libraries raise such as derive from BaseException alone; all that does not need the call goes on."""
    project.write(
        "odd.py",
        """
        from merkl import task

        class Odd(BaseException):
            pass

        @task
        def fails(n: int) -> int:
            raise Odd("gone")

        @task
        async def waits(n: int) -> int:
            raise Odd("gone too")

        @task
        def works(n: int) -> int:
            return n

        def main(): return [fails(1), waits(1), works(1)]
        """,
    )
    done = project.merkl("run", "--keep-going", "--json", *options, "odd.main")
    counts = json.loads(done.stdout)
    assert (done.returncode, counts["run"], counts["failed"]) == (1, 1, 2), done.stderr
    assert "task 'fails' failed: Odd: gone" in done.stderr
    assert "task 'waits' failed: Odd: gone too" in done.stderr
