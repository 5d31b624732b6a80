"""Every snippet in README and docs does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from snippets import blocks_of, commands_in, normalise

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYPROJECT = '[tool.mypy]\nplugins = ["merkl_mypy"]\nstrict = true\n'


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_do_what_the_page_says(page: Path, tmp_path: Path) -> None:
    """Files are written, Python is run, commands print what stands below them."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MERKL_")}
    environment = {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for block in blocks_of(page):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        elif block.language == "console":
            for command in commands_in(block.text):
                done = subprocess.run(
                    command.words,
                    shell=True,
                    cwd=tmp_path,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=120,
                )
                printed = normalise(done.stdout + done.stderr, tmp_path)
                assert printed == normalise(command.output, tmp_path), command.words
        elif block.language == "python":
            subprocess.run(
                [sys.executable, "-c", block.text], cwd=tmp_path, env=environment, check=True, timeout=120
            )


def test_the_readme_has_the_two_commands_first() -> None:
    """A person who reads no further can start."""
    commands = [
        line.strip() for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("    ")
    ]
    assert commands[:2] == ["make demo", "make test"]


def test_the_comparison_shows_the_example_as_it_is() -> None:
    """What the page shows of MerkL's version is what was compared."""
    shown = {block.file: block.text for block in blocks_of(ROOT / "docs" / "comparison.md") if block.file}
    folder = ROOT / "examples" / "comparison"
    files = {name: folder / where / name for name, where in (("flow.py", "merkl"), ("helper.py", "common"))}
    assert {name: shown[name] for name in files} == {name: path.read_text() for name, path in files.items()}


def test_every_error_code_of_the_plugin_is_explained() -> None:
    """The page of types names each code that mypy may show."""
    from merkl_mypy import codes
    from mypy.errorcodes import ErrorCode

    page = (ROOT / "docs" / "types.md").read_text(encoding="utf-8")
    known = {code.code for code in vars(codes).values() if isinstance(code, ErrorCode)}
    assert len(known) > 10
    assert {code for code in known if code not in page} == set()
