"""Odd names of files and folders, values whose repr raises, errors that are no Unicode: every command that looks goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from project import Project

import merkl

FLOW = """
from merkl import FileRef, Future, task

class Weird:
    def __init__(self): self.x = 1
    @property
    def bad(self): raise RuntimeError("no")
    def __repr__(self): raise RuntimeError("no repr")

@task
def f(w: Weird, t: str) -> int:
    "doc"
    return 1

@task
def g(n: int) -> int:
    raise ValueError("bad \\udce9 text")

@task
def h(p: FileRef) -> int:
    return 1

def main() -> list[Future[int]]:
    return [f(Weird(), "a\\ud800"), h(FileRef("od\\udce9d\\x01.txt"))]

def fail() -> Future[int]:
    return g(1)
"""


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_commands_that_look_take_everything(tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path), b"caf\xe9 x")
    try:
        os.mkdir(folder)
    except OSError:
        pytest.skip("this file system takes no such names")
    project = Project(Path(os.fsdecode(folder)))
    project.write("flow.py", FLOW)
    with open(os.path.join(folder, b"od\xe9d\x01.txt"), "w") as odd:
        odd.write("x")
    assert project.merkl("run", "flow.main", errors="replace").returncode == 0
    assert project.merkl("run", "flow.fail", errors="replace").returncode == 1
    for words in (
        ["log", "--json"],
        ["why", "--json", "flow.fail"],
        ["dag", "flow.main", "-o", "a.html"],
        ["dag", "flow.main", "-o", "a.svg"],
        ["debug", "--json", "flow.main"],
    ):
        done = project.merkl(*words, errors="replace")
        assert done.returncode == 0, (words, done.stderr)
    failed = project.merkl("dag", "flow.main", "-o", "flow.py/x.svg", errors="replace")
    assert (failed.returncode, "cannot write" in failed.stderr) == (2, True)


def test_worker_processes_import_the_merkl_of_the_run_and_not_a_folder_of_the_project(
    project: Project, tmp_path: Path
) -> None:
    """The command `merkl` begins with its own folder on the path, worker processes begin with the current one."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "merkl"
    command.write_text("import sys\nfrom merkl.cli import main\nsys.exit(main())\n")
    project.write("merkl/__init__.py", "raise ImportError('this is another one')\n")
    project.write(
        "flow.py",
        """
        import sys
        from merkl import task

        @task
        def where(n: int) -> str: return sys.modules["merkl"].__file__

        def main(): return where(1)
        """,
    )
    words = [sys.executable, str(command), "run", "--target", "1", "flow.main"]
    done = subprocess.run(
        words, cwd=project.folder, env=project.environment(), capture_output=True, text=True, timeout=100
    )
    assert done.stdout.strip() == merkl.__file__, done.stderr
