"""Ctrl-C in the terminal while a shell command runs: the command gets it, and nothing of it is kept."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
from project import Project

FLOW = """
    from merkl import arg, bash_task, stdout_arg

    slow = bash_task(
        f'''
        trap 'echo cleaned up > {arg("mark")}.trap; exit 7' INT
        touch {arg("mark")}
        for _ in $(seq 1 600); do sleep 0.05; done {stdout_arg(str)}
        '''
    )

    def main(mark: str):
        return slow(mark)
"""


@pytest.mark.parametrize("to_group", [False, True], ids=["to the process", "to the group"])
def test_the_command_gets_the_interrupt_and_can_clean_up(
    project: Project, tmp_path: Path, to_group: bool
) -> None:
    project.write("flow.py", FLOW)
    process = project.start_and_wait("run", "flow.main", str(tmp_path / "mark"), until="../mark")
    os.killpg(process.pid, signal.SIGINT) if to_group else process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=30)[1]
    assert process.returncode == 130, stderr
    assert (tmp_path / "mark.trap").read_text() == "cleaned up\n"
    scratch = project.folder / ".merkl" / "scratch"
    deadline = time.monotonic() + 5
    while scratch.exists() and any(scratch.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not scratch.exists() or list(scratch.iterdir()) == []


@pytest.mark.parametrize("options", [[], ["--target", "1"]], ids=["here", "processes"])
def test_a_run_that_is_killed_leaves_no_command_behind(
    project: Project, tmp_path: Path, options: list[str]
) -> None:
    """Be it one that listens to no signal, with children of its own."""
    project.write(
        "flow.py",
        """
        from merkl import arg, bash_task

        deaf = bash_task(
            f'''trap '' HUP INT TERM
            (while true; do sleep 0.05; done) &
            echo $$ > {arg("mark")}.new; mv {arg("mark")}.new {arg("mark")}; wait'''
        )

        def main(mark: str):
            return deaf(mark)
        """,
    )
    mark = tmp_path / "mark"
    process = project.start_and_wait("run", *options, "flow.main", str(mark), until="../mark")
    group = int(mark.read_text())
    process.kill()
    process.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while _is_there(group):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_that_is_killed_as_a_command_starts_does_not_start_it(project: Project, tmp_path: Path) -> None:
    """Nobody else knows of the command yet who could end it."""
    project.write(
        "flow.py",
        """
        import os
        import signal

        from merkl import arg, bash_task
        from merkl.shell.guard import group_guard

        group_guard.watch = lambda group: os.kill(os.getpid(), signal.SIGKILL)
        deaf = bash_task(f"touch {arg('mark')}; sleep 600.25")

        def main(mark: str):
            return deaf(mark)
        """,
    )
    mark = tmp_path / "mark"
    before = _command_lines()
    assert project.merkl("run", "flow.main", str(mark)).returncode == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while any("_merkl_go" in words or "sleep 600.25" in words for words in _command_lines() - before):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not mark.exists()


def _command_lines() -> set[str]:
    """Return the command lines of all processes."""
    lines = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.add(path.read_text(errors="replace").replace("\0", " "))
    return lines


def _is_there(group: int) -> bool:
    """Say whether a process of a group runs; what is dead and not reaped yet does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, number = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(number) == group and state != "Z":
            return True
    return False
