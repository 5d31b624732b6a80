"""A project that is run and explained in this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from why_projects import FIT, WhyProject


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WhyProject]:
    """An empty project in the working directory, its modules importable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = WhyProject(tmp_path)
    yield made
    made.forget()


@pytest.fixture
def flow(project: WhyProject) -> WhyProject:
    """A loop over items, whose results another pipeline of the project makes too."""
    project.write("flow.py", FIT)
    return project
