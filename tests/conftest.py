"""Fixtures for all tests: each workspace is a folder of its own."""

from __future__ import annotations

import compileall
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from merkl import Workspace
from merkl.execution.interrupts import interrupts

# The same examples in every run: a failure is one that everybody sees. HYPOTHESIS_PROFILE=default looks further.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# The tools of this environment (mypy, merkl) are found by name, whether it was activated or not.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def pytest_configure(config: pytest.Config) -> None:
    """Have the type checks of each checkout keep a cache of their own: by default all that a machine has share one."""
    if not hasattr(config, "workerinput"):
        _compile_packages(config.rootpath)
    checkout = hashlib.sha256(os.fsencode(config.rootpath)).hexdigest()[:12]
    base = Path(tempfile.gettempdir(), f"merkl-typecheck-{checkout}")
    base.mkdir(exist_ok=True)
    config.option.mypy_testing_base = str(base)


def _compile_packages(root: Path) -> None:
    """Compile what this checkout has installed in place: pip doesn't, and tests start Python more than a thousand times.

    Where PYTHONDONTWRITEBYTECODE is set each of them would compile it anew, which takes longer than most tests.
    """
    for package in ("merkl", "mypy_plugin", "serializers", "examples"):
        compileall.compile_dir(root / package, quiet=2)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace in an empty folder, in force for the test."""
    with Workspace(tmp_path) as entered:
        yield entered


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture(autouse=True)
def _no_shared_workspace(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that enter no workspace must not write into the checkout."""
    monkeypatch.setenv("MERKL_ROOT", str(tmp_path_factory.getbasetemp()))


@pytest.fixture(autouse=True)
def _ctrl_c_as_at_the_beginning() -> None:
    """A press in an earlier test is no first of two; a library that it imported, as dask_jobqueue, may have taken SIGINT over."""
    interrupts.reset()
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.default_int_handler)
