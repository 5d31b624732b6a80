"""A project for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project in a folder with a blank in its name."""
    folder = tmp_path / "my project"
    folder.mkdir()
    return Project(folder)
