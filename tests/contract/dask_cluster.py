"""A Dask scheduler and workers, as processes of their own in folders of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from project import Project

__all__ = ["Cluster", "configure", "run"]


class Cluster:
    """A scheduler and workers on loopback; `options` are words that both get (TLS)."""

    def __init__(self, project: Project, *, options: Sequence[str] = (), **environment: str) -> None:
        self.project = project
        self.options = options
        self.environment = {**project.environment(), **environment}
        self.file = project.folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            self.file,
            *options,
        )
        deadline = time.monotonic() + 30
        while not self.file.exists() or not self.file.read_text().endswith("}"):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _start(
        self, kind: str, *words: Any, folder: Path | None = None, path: str = ""
    ) -> subprocess.Popen[bytes]:
        environment = {**self.environment, "PYTHONPATH": f"{path}:{os.environ.get('PYTHONPATH', '')}"}
        with open(self.project.folder / f"{kind}{len(self.processes)}.log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{kind}", *map(str, words)],
                cwd=folder or self.project.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    @property
    def address(self) -> str:
        """Where the scheduler is."""
        found: str = json.loads(self.file.read_text())["address"]
        return found

    def add_worker(
        self, name: str, *options: str, path: Path | None = None, threads: int = 1
    ) -> subprocess.Popen[bytes]:
        """Start a worker in a folder of its own that imports from `path`."""
        folder = self.project.folder / name
        folder.mkdir()
        code = self.project.folder if path is None else path
        words = (self.address, "--nthreads", threads, "--no-nanny", "--no-dashboard", "--name", name)
        return self._start("worker", *words, *self.options, *options, folder=folder, path=str(code))

    def close(self) -> None:
        """End all of it."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def configure(project: Project, url: str, address: str, *lines: str) -> None:
    """Write the settings of the project; `lines` are further ones of the target."""
    more = "\n".join(lines if any(line.startswith("wait") for line in lines) else ("wait = 30", *lines))
    project.write(
        "pyproject.toml",
        f"""
        [tool.merkl.cache]
        url = "{url}"
        [tool.merkl.targets.far]
        type = "dask"
        address = "{address}"
        """
        + more,
    )


def run(dask: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a function of the project on the cluster."""
    return dask.project.merkl("run", "--target", "far", *words)
