"""The plugin under the oldest mypy that it supports; the other tests run under the newest that is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import merkl_mypy
import pytest

ROOT = Path(__file__).parents[2]
# Results, the review, tasks that are used early, and ways to call: what depends most on how mypy works inside.
CASES = ["test_outs.yml", "test_pipelines.py", "test_review.py", "test_shapes.py"]


@pytest.mark.slow
def test_the_cases_hold_under_the_oldest_mypy(tmp_path: Path) -> None:
    """Installed beside the other, which it hides from the runs."""
    oldest = ".".join(map(str, merkl_mypy.OLDEST))
    place = tmp_path / "mypy"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, *install, "--target", str(place), f"mypy=={oldest}.*"],
        check=True,
        capture_output=True,
    )
    (tmp_path / "tmp").mkdir()
    settings = {**os.environ, "PYTHONPATH": str(place), "TMPDIR": str(tmp_path / "tmp")}
    version = subprocess.run(
        [sys.executable, "-m", "mypy", "--version"], env=settings, capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith(f"mypy {oldest}.")
    cases = [f"tests/typecheck/{name}" for name in CASES]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *cases, "-q", "-n", "0", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_the_range_is_said_alike_everywhere() -> None:
    """In the package's requirements, in the guide, and by the plugin."""
    oldest = ".".join(map(str, merkl_mypy.OLDEST))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["mypy"] == [f"mypy>={oldest}"]
    assert re.search(rf"mypy {re.escape(oldest)} and newer", (ROOT / "docs/types.md").read_text())
