"""What a terminal shows while calls run, read from a real one."""

from __future__ import annotations

import re

import pytest
from project import Project
from terminal import Terminal

FLOWS = """
    import sys, time
    from merkl import task

    @task
    def lernt_日本(n: int) -> int:
        print("[bold]:warning: " + 120 * "x" + " end")
        print("\\x1b[31mred\\x1b[0m \\x1b[2J\\x1b[5Aup")
        time.sleep(1.2)
        return n

    @task
    def fails(n: int) -> int:
        raise ValueError("no")

    def main(): return [lernt_日本(1), fails(2)]

    @task
    def slow(n: int) -> int:
        for i in range(3):
            sys.stderr.write(f"\\r{i} of 3")
            sys.stderr.flush()
            time.sleep(0.1)
        return n

    @task
    def closes(n: int) -> int:
        sys.stdout.close()
        return n

    def both(): return [closes(1), slow(2)]
"""


@pytest.fixture
def flows(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("TERM", "xterm-256color")
    project.write("flows.py", FLOWS)
    return project


def test_calls_that_run_are_drawn_with_their_time_and_taken_away_at_the_end(flows: Project) -> None:
    code, text = Terminal(flows, "run", "--keep-going", "flows.main").end()
    assert code == 1
    assert "merkl: 0 of 2 calls, 1 running" in text
    assert "  lernt_日本 1 s" in text
    *_, last = text.split("\x1b[2K")  # rich clears each line that it had drawn
    assert "running" not in last
    assert "merkl: 2 calls: 1 run, 0 cached, 1 failed" in last


def test_what_bodies_print_is_not_read_for_markup_nor_wrapped_and_moves_no_cursor(flows: Project) -> None:
    _, text = Terminal(flows, "run", "flows.main").end()
    assert f"lernt_日本 | [bold]:warning: {120 * 'x'} end" in text
    assert "\x1b[31mred\x1b[0m up" in text


@pytest.mark.parametrize("kind", ["dumb", ""])
def test_a_terminal_that_cannot_draw_gets_lines(
    flows: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("TERM", kind)
    _, text = Terminal(flows, "run", "flows.both").end()
    assert "\x1b" not in text
    assert "slow | 2 of 3" in text


def test_colour_can_be_refused_and_progress_too(flows: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = Terminal(flows, "run", "--quiet", "flows.both").end()
    assert "running" not in text
    monkeypatch.setenv("NO_COLOR", "1")
    _, text = Terminal(flows, "run", "--rerun", "all", "flows.both").end()
    assert not re.search(r"\x1b\[[0-9;]*m", text)


def test_a_body_that_closes_stdout_closes_it_for_nobody_else(flows: Project) -> None:
    done = flows.merkl("run", "flows.both")
    assert (done.returncode, done.stdout) == (0, "[1, 2]\n"), done.stderr
    assert "merkl: 2 calls: 2 run" in done.stderr
