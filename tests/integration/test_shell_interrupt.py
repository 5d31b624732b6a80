"""Ctrl-C in the terminal while a shell command runs: the command gets it, and nothing of it is kept."""

from __future__ import annotations

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
