"""What a terminal shows while calls run, read from a real one."""

from __future__ import annotations

import os
import re
import select

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

    @task
    def asks(n: int) -> str:
        print("first line")
        answer = input("your name? ")
        rest = sys.stdin.readline()
        return f"{answer} and {rest.strip()}"

    def questions(): return asks(1)

    @task
    def pauses(n: int) -> int:
        time.sleep(0.2)
        breakpoint()
        print("going on")
        return n

    def stops(): return [pauses(1), lernt_日本(2)]

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


def test_what_a_body_asks_for_is_shown_before_it_waits_for_an_answer(flows: Project) -> None:
    """And the answer reaches it, beside the display."""
    terminal = Terminal(flows, "run", "flows.questions")
    while b"asks | your name? " not in terminal.output:
        terminal.output += os.read(terminal.descriptor, 4096)
    os.write(terminal.descriptor, b"Ada\nGrace\n")
    code, text = terminal.end()
    assert (code, "Ada and Grace" in text) == (0, True), text


@pytest.mark.parametrize(
    ("flow", "asked", "answers"),
    [
        ("stops", b"(Pdb) ", [b"p n * 111\n", b"c\n"]),
        ("questions", b"your name? \r\n", [b"Ada\nGrace\n"]),
    ],
)
def test_nothing_is_drawn_over_a_prompt_of_the_debugger_or_of_a_body(
    flows: Project, flow: str, asked: bytes, answers: list[bytes]
) -> None:
    """The display is drawn eight times a second, but not while somebody types."""
    terminal = Terminal(flows, "run", f"flows.{flow}")
    for answer in answers:
        while not terminal.output.endswith(asked):
            terminal.output += os.read(terminal.descriptor, 4096)
        assert select.select([terminal.descriptor], [], [], 0.5)[0] == []
        os.write(terminal.descriptor, answer)
        terminal.output += os.read(terminal.descriptor, 1)
    code, text = terminal.end()
    assert code == 0, text
    if flow == "stops":
        assert "111\r\n" in text
        assert "pauses" in text.split("(Pdb) ")[0]
        assert "lernt_日本 1 s" in text.split("(Pdb) ")[-1]


def test_what_the_first_body_prints_after_a_breakpoint_outside_of_bodies_has_its_name(flows: Project) -> None:
    flows.write("early.py", "import flows\n\n\ndef main():\n    breakpoint()\n    return flows.slow(1)\n")
    terminal = Terminal(flows, "run", "early.main")
    while not terminal.output.endswith(b"(Pdb) "):
        terminal.output += os.read(terminal.descriptor, 4096)
    os.write(terminal.descriptor, b"c\n")
    code, text = terminal.end()
    assert (code, "slow | 2 of 3" in text) == (0, True), text


def test_a_body_on_a_worker_process_that_asks_for_something_is_told_what_to_do(flows: Project) -> None:
    """Nobody could answer it."""
    terminal = Terminal(flows, "run", "--target", "1", "flows.questions")
    code, text = terminal.end()
    assert code == 1, text
    assert "a body on a worker process has neither terminal nor standard input: give what it asks for" in text
