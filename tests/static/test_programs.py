"""The same source under mypy with the plugin, and under pyright, ty and pyrefly without one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.static.checkers import CHECKERS, PROGRAMS, complaints_of, expected_lines, sources
from tests.static.language_server import LanguageServer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all programs: what mypy knows of MerkL and of the standard library it need not find out for each."""
    return tmp_path_factory.mktemp("checkers")


@pytest.mark.parametrize("program", sorted(p.name for p in PROGRAMS.glob("*.py")))
@pytest.mark.parametrize("checker", CHECKERS)
def test_exactly_the_marked_lines_are_refused(checker: str, program: str, folder: Path) -> None:
    """A valid line is never refused, `assert_type` holds, and what is marked as wrong is found."""
    found = complaints_of(checker, PROGRAMS / program, folder)
    expected = expected_lines(checker, PROGRAMS / program)
    alarms = {line: texts for line, texts in found.items() if line not in expected}
    assert not alarms
    assert not expected - found.keys()


def test_hovering_a_task_shows_its_parameters_and_what_a_call_gives(tmp_path: Path) -> None:
    """Names, types and defaults of the parameters, the docstring, and the Future, in an editor with pyright's server."""
    if not (Path(sys.executable).parent / "basedpyright-langserver").exists():
        pytest.skip("basedpyright is not installed beside this Python")
    lines = [
        "from merkl import task",
        "@task(retries=2)",
        "def scale(xs: list[float], by: float = 0.5, *, name: str) -> float:",
        '    """Scale numbers."""',
        "    return by",
        "@task",
        "def split(n: int) -> tuple[int, str]:",
        "    return n, ''",
        "price = scale([1.0], name='')",
        "parts = split(1)",
        "plain = scale.fn",
    ]
    (tmp_path / "hover.py").write_text("\n".join(lines))
    settings = {"analysis": {"extraPaths": sources()}, "pythonPath": sys.executable}
    with LanguageServer(tmp_path, settings) as server:
        server.open("hover.py")
        parameters = "(xs: list[float], by: float = 0.5, *, name: str)"
        assert server.hover("hover.py", 8, lines[8].index("scale")) == (
            f"(function) scale: Task2[{parameters}, float, Future[float], list[float], float]\n\nScale numbers."
        )
        assert server.hover("hover.py", 8, 0) == "(variable) price: Future[float]"
        assert server.hover("hover.py", 9, 0) == "(variable) parts: tuple[Future[int], Future[str]]"
        assert server.hover("hover.py", 10, 0).startswith("(variable) def plain(\n    xs: list[float],")
