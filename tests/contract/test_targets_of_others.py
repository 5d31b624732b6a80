"""A target of a third party: a distribution that is really installed, whose workers are processes in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from project import Project

from merkl import Workspace

TARGET = '''
"""A target that starts a process for each call, which has nothing of the project but its code and the cache."""
import pickle, subprocess, sys, tempfile, time
import cloudpickle
from merkl.execution.targets.base import Death, Reply, Target
from merkl.execution.targets.worker import Worker


class Elsewhere(Target):
    def __init__(self, options, *, setup):
        self.most, self.setup, self.running = options["most"], setup, {}

    def admits(self, resources):
        return len(self.running) < self.most

    def submit(self, ticket):
        setup = self.setup()
        root, *rest = setup.arguments
        there = (root / "only" / "here", *rest)
        process = subprocess.Popen(
            [sys.executable, "-m", "merkl_elsewhere"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        process.stdin.write(cloudpickle.dumps((setup.open_session, there, setup.run_id, ticket)))
        process.stdin.close()
        self.running[ticket.key] = process

    def poll(self, timeout):
        replies = []
        deadline = time.monotonic() + timeout
        while not replies and self.running and time.monotonic() < deadline:
            for key, process in list(self.running.items()):
                if process.poll() is not None:
                    del self.running[key]
                    said = process.stdout.read()
                    death = Death(process.returncode)
                    replies.append(pickle.loads(said) if said else Reply(key, "failed", death=death))
            time.sleep(0.01)
        return replies

    def cancel(self):
        return ()

    def interrupt(self):
        return False

    def close(self, *, at_once=False):
        for process in self.running.values():
            process.kill()
            process.wait()


def work():
    open_session, arguments, run_id, ticket = pickle.load(sys.stdin.buffer)
    session = open_session(*arguments)
    reply = Worker(session, run_id, returns_metadata=True).carry_out(ticket)
    session.settle()
    sys.stdout.buffer.write(cloudpickle.dumps(reply))


if __name__ == "__main__":
    work()
'''
FLOWS = """
    import os
    from merkl import annotate, task

    @task
    def add(a: int, b: int) -> int:
        annotate(where="there")
        return a + b

    @task
    def die(x: int) -> int:
        os._exit(7)

    def main(): return add(add(1, 2), add(3, 4))
    def dies(): return die(1)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the distribution."""
    folder = tmp_path_factory.mktemp("site")
    wheel = folder / "merkl_elsewhere-1.0-py3-none-any.whl"
    info = "merkl_elsewhere-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("merkl_elsewhere.py", TARGET)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: merkl-elsewhere\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/entry_points.txt", "[merkl.targets]\nelsewhere = merkl_elsewhere:Elsewhere\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(folder / "site"), str(wheel)], check=True, timeout=120)
    return folder / "site"


@pytest.fixture
def elsewhere(project: Project, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the target, whose cache is outside of it."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(project.folder)]))
    project.write("flows.py", FLOWS)
    project.write(
        "pyproject.toml",
        f"""
        [tool.merkl.cache]
        url = "{tmp_path / "shared"}"
        [tool.merkl.targets.far]
        type = "elsewhere"
        most = 2
        """,
    )
    return project


def test_calls_run_on_it_and_their_metadata_is_in_the_ledger_of_the_run(elsewhere: Project) -> None:
    done = elsewhere.merkl("run", "--target", "far", "flows.main")
    assert done.stdout == "10\n", done.stderr
    assert "3 run" in done.stderr
    with Workspace(elsewhere.folder) as workspace:
        entries = [workspace.ledger.metadata(key) for key in workspace.cache.keys()]  # noqa: SIM118
    assert [entry.tags for entry in entries if entry is not None] == [{"where": "there"}] * 3
    assert not (elsewhere.folder / "only").exists()


def test_a_worker_of_it_that_dies_is_tried_again_once(elsewhere: Project) -> None:
    done = elsewhere.merkl("run", "--target", "far", "flows.dies")
    assert done.returncode == 1
    assert "failed twice: the worker process that ran it ended with exit code 7" in done.stderr


def test_a_function_that_does_not_take_its_settings_is_an_error_that_names_it(elsewhere: Project) -> None:
    elsewhere.write("pyproject.toml", '[tool.merkl.targets.far]\ntype = "elsewhere"\nmots = 2\n')
    done = elsewhere.merkl("run", "--target", "far", "flows.main")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert (
        "[tool.merkl.targets.far]: merkl_elsewhere.Elsewhere({'mots': …}, setup=…) raised KeyError: 'most'"
        in done.stderr
    )


def test_a_type_that_nobody_provides_names_those_there_are(elsewhere: Project) -> None:
    elsewhere.write("pyproject.toml", '[tool.merkl.targets.far]\ntype = "esle"\n')
    done = elsewhere.merkl("run", "--target", "far", "flows.main")
    assert done.returncode != 0
    assert "type = 'esle' is not known; there are dask, elsewhere, local" in done.stderr
