"""A small project in a folder, and `merkl` run in it as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

__all__ = ["Project"]


class Project:
    """A folder with a pyproject.toml and modules, in which commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("pyproject.toml", "[tool.merkl]\n")

    def write(self, name: str, text: str) -> Path:
        """Write one file, its text dedented."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def environment(self) -> dict[str, str]:
        """Return the environment of the commands: nothing of the test's own workspace."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MERKL_")}
        return {**kept, "COLUMNS": "100"}

    def merkl(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `merkl` with these words."""
        command = [sys.executable, "-m", "merkl", *words]
        return subprocess.run(
            command,
            cwd=options.pop("cwd", self.folder),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            **options,
        )

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the project with the tests' Python, in its folder; it must succeed."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

    def start_and_wait(self, *words: str, until: str) -> subprocess.Popen[str]:
        """Start `merkl` in a session of its own, and return it once it has made a file of that name."""
        process = subprocess.Popen(
            [sys.executable, "-m", "merkl", *words],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while not (self.folder / until).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        return process

    def run_json(self, *words: str) -> dict[str, Any]:
        """Run `merkl run --json` and return its object."""
        done = self.merkl("run", "--json", *words)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def log(self, *words: str) -> list[dict[str, Any]]:
        """Run `merkl log --json` and return its records."""
        done = self.merkl("log", "--json", *words)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found
