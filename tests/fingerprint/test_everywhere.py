"""The same fingerprint under every version of Python, every hash seed and from every folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.interpreters import PYTHONS, ROOT, python_of

WIDE = Path(__file__).parent / "wide.py"


def parts(version: str, seed: str, folder: Path) -> list[str]:
    paths = os.pathsep.join(str(ROOT / name) for name in ("", "serializers", "mypy_plugin"))
    done = subprocess.run(
        [python_of(version), WIDE, folder],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("version", PYTHONS)
def test_every_part_is_the_same(version: str, tmp_path: Path) -> None:
    """Sets of objects, classes of all makers, constants of libraries: whatever the version and the seed."""
    expected = parts(PYTHONS[0], "0", ROOT)
    assert len(expected) > 40
    for seed in ("1", "2"):
        assert parts(version, seed, tmp_path) == expected
