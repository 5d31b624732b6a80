"""What Python prints of an evaluation that ends with an error: the user's own lines, and where they asked for the value."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from textwrap import dedent

import pytest

from merkl import TaskFailedError, Workspace, task

INSIDE = f"{os.sep}merkl{os.sep}execution{os.sep}"


def divide(n: int) -> float:
    return 1 / n


@task
def invert(n: int) -> float:
    return divide(n)


@task
def above(n: int) -> float:
    return invert(n).eval() + 1


def test_of_a_body_that_raised_only_its_own_frames_are_shown(tmp_path: Path) -> None:
    with Workspace(tmp_path), pytest.raises(TaskFailedError) as raised:
        above(0).eval()
    behind = raised.value.__cause__
    assert isinstance(behind, TaskFailedError)
    for error, names in [
        (raised.value, ["test_of_a_body_that_raised_only_its_own_frames_are_shown", "eval"]),
        (behind, ["above"]),
        (behind.__cause__, ["invert", "divide"]),
    ]:
        assert error is not None
        assert [frame.name for frame in traceback.extract_tb(error.__traceback__)] == names


def test_a_ctrl_c_in_a_script_shows_the_line_of_the_body(tmp_path: Path) -> None:
    script = tmp_path / "flow.py"
    script.write_text(
        dedent(
            """
            import pathlib, time
            from merkl import task

            @task
            def waits(n: int) -> int:
                pathlib.Path("started").touch()
                time.sleep(60)
                return n

            if __name__ == "__main__":
                waits(1).eval()
            """
        )
    )
    running = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == -signal.SIGINT
    lines = [
        line for line in said.splitlines() if set(line) - set(" ~^")
    ]  # 3.13 points at a part of the line
    assert [line.strip() for line in lines[-2:]] == ["time.sleep(60)", "KeyboardInterrupt"]
    assert INSIDE not in said
