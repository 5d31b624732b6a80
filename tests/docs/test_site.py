"""The documentation builds as a site without a warning: no broken link, no name that is not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import merkl

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        str(DOCS),
        str(tmp_path / "site"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_page_can_be_reached_from_the_first() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    assert pages <= set(index.split())


def test_reference_shows_every_public_name() -> None:
    shown = set((DOCS / "reference.md").read_text(encoding="utf-8").split())
    errors = {name for name in merkl.__all__ if name.endswith(("Error", "Warning"))}
    assert set(merkl.__all__) - errors - shown == set()
