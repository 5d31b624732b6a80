"""Digests and keys are the same in every process, on every supported Python, and from one version of MerkL to the next."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interpreters import PYTHONS, ROOT, python_of

FROZEN = json.loads((Path(__file__).parent / "digests.json").read_text())


@functools.cache
def printed(version: str, hash_seed: str, script: str, *words: str) -> str:
    """Return what a script prints under a Python and a hash seed, in another working directory."""
    paths = [ROOT, ROOT / "serializers", ROOT / "mypy_plugin"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONHASHSEED": hash_seed,
        "MERKL_ROOT": str(ROOT),
    }
    done = subprocess.run(
        [python_of(version), ROOT / "tests" / script, *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("hash_seed", ["1", "2"])
@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize("kind", ["values", "keys"])
def test_digests_are_frozen(version: str, hash_seed: str, kind: str) -> None:
    """A change of any of them makes every cache in the world useless: it must be meant."""
    found: dict[str, Any] = json.loads(printed(version, hash_seed, "golden/values.py"))
    assert found[kind] == FROZEN[kind]


def test_all_frozen_digests_differ() -> None:
    """Different values never share a digest."""
    digests = [*FROZEN["values"].values(), *FROZEN["keys"].values()]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("version", PYTHONS)
def test_code_fingerprints_are_frozen(version: str) -> None:
    """Every piece of syntax of Python 3.11 has the same fingerprint on later versions."""
    out = printed(version, "3", "fingerprint/report_zoo.py", str(Path(__file__).parent / "zoo.py"))
    assert dict(line.split() for line in out.splitlines()) == FROZEN["zoo"]
