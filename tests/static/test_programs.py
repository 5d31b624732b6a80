"""The same source under mypy with the plugin, and under pyright, ty and pyrefly without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.static.checkers import CHECKERS, PROGRAMS, complaints_of, expected_lines, revealed_by_pyright


@pytest.mark.parametrize("program", sorted(p.name for p in PROGRAMS.glob("*.py")))
@pytest.mark.parametrize("checker", CHECKERS)
def test_exactly_the_marked_lines_are_refused(checker: str, program: str, tmp_path: Path) -> None:
    """A valid line is never refused, `assert_type` holds, and what is marked as wrong is found."""
    found = complaints_of(checker, PROGRAMS / program, tmp_path)
    expected = expected_lines(checker, PROGRAMS / program)
    alarms = {line: texts for line, texts in found.items() if line not in expected}
    assert not alarms
    assert not expected - found.keys()


def test_hovering_a_task_shows_its_parameters_and_what_a_call_gives(tmp_path: Path) -> None:
    """Names, types and defaults of the parameters are in the type that editors show."""
    program = tmp_path / "hover.py"
    program.write_text(
        "from merkl import task\n\n\n@task(retries=2)\ndef scale(xs: list[float], by: float = 0.5, *, name: str) -> float:\n"
        "    return by\n\n\nreveal_type(scale)\nreveal_type(scale.fn)\nreveal_type(scale([1.0], name=''))\n"
    )
    shown = revealed_by_pyright(program, tmp_path)
    parameters = "(xs: list[float], by: float = 0.5, *, name: str)"
    assert shown == [
        f"Task[{parameters}, float, Future[float]]",
        f"{parameters} -> float",
        "Future[float]",
    ]
