"""Fingerprints of fixed sources are frozen: equal in every process, hash seed, folder and Python version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ZOO = HERE.parent / "golden" / "zoo.py"
GOLDEN = HERE.parent / "golden" / "zoo.txt"
PYTHONS = [sys.executable, "python3.11", "python3.12", "python3.13"]


@pytest.mark.parametrize("seed", ["0", "17"])
@pytest.mark.parametrize("python", PYTHONS, ids=["this", *PYTHONS[1:]])
def test_golden_digests(python: str, seed: str, tmp_path: Path) -> None:
    """The definitions of the zoo have their frozen digests."""
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(map(str, (root, root / "serializers", HERE)))
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    if python != sys.executable:
        try:
            probe = [python, "-c", "import msgspec, blake3"]
            if subprocess.run(probe, env=env, capture_output=True, cwd=tmp_path).returncode:
                pytest.skip(f"{python} has no msgspec or blake3")
        except FileNotFoundError:
            pytest.skip(f"{python} is not installed")
    command = [python, str(HERE / "report_zoo.py"), str(ZOO)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == GOLDEN.read_text()
