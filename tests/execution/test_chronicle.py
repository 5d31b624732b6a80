"""What the ledger knows after a run: the run itself, every result, and what each task was made of."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from merkl import BaseCache, Entry, Future, TaskFailedError, Workspace, evaluate, task
from merkl.cache import Ledger
from merkl.cache.database import Database

RATE = 3


def helper(x: int) -> int:
    return x * RATE


@dataclass(frozen=True)
class Config:
    lr: float
    layers: tuple[int, ...] = (1, 2)


@task
def scaled(x: int) -> int:
    return helper(x)


@task
def trained(config: Config, x: int) -> float:
    return config.lr * x


@task
def failing(x: int) -> int:
    raise ValueError(f"no {x}")


def ledger_of(folder: Path) -> Ledger:
    return Ledger(Database(folder / ".merkl" / "merkl.db"))


def test_a_run_is_written_down_with_its_end_and_figures(tmp_path: Path) -> None:
    """`Workspace.run` gives one row, with what was asked for."""
    with Workspace(tmp_path) as workspace:
        workspace.run(lambda: [scaled(1), scaled(2)], command=("merkl", "run", "flow"))
        (run,) = workspace.ledger.runs()
        assert (run.status, run.command, run.counts["run"]) == ("done", ("merkl", "run", "flow"), 2)
        assert run.ended is not None
        assert run.ended >= run.started
        assert sorted(workspace.ledger.roots(run)) == sorted([scaled(1).hash, scaled(2).hash])
        assert workspace.ledger.packages(run)["msgspec"]
        key, metadata = workspace.ledger.log(task="scaled", limit=1)[0]
        assert metadata.run == run.id
        assert key in workspace.ledger.roots(run)


def test_evaluations_of_a_script_are_one_run(tmp_path: Path) -> None:
    """What a script evaluates piece by piece belongs together, warm evaluations too."""
    with Workspace(tmp_path):
        for x in range(5):
            scaled(x).eval()
        evaluate([scaled(x) for x in range(5)])
    ledger = ledger_of(tmp_path)
    (run,) = ledger.runs()
    assert run.counts == {"calls": 10, "run": 5, "cached": 5, "linked": 0, "failed": 0, "interrupted": 0}
    assert len(ledger.roots(run)) == 5
    ledger.close()


def test_a_process_that_only_builds_leaves_no_trace(tmp_path: Path) -> None:
    """Nothing is written before something is evaluated."""
    with Workspace(tmp_path):
        assert scaled(1).hash
    assert not (tmp_path / ".merkl").exists()


def test_components_of_each_fingerprint_are_kept_with_their_text(workspace: Workspace) -> None:
    """A helper's source and a constant's value are there after the source is gone."""
    scaled(1).eval()
    components = workspace.ledger.components(scaled.fingerprint().digest.hex())
    assert components is not None
    by_name = {component["name"].rpartition(".")[2]: component for component in components}
    assert "return x * RATE" in by_name["helper"]["text"]
    assert by_name["RATE"]["kind"] == "constant"
    assert by_name["RATE"]["text"] == "3"
    assert by_name["helper"]["location"].partition(":")[0].endswith("test_chronicle.py")


def test_classes_among_the_arguments_are_kept_as_components_too(workspace: Workspace) -> None:
    """Their digests are in the metadata of the result, their source in the ledger."""
    future = trained(Config(0.1), 2)
    future.eval()
    metadata = workspace.ledger.metadata(future.hash)
    assert metadata is not None
    texts = [c["text"] for extra in metadata.extras for c in workspace.ledger.components(extra) or ()]
    assert any("class Config" in text for text in texts)


def test_the_parts_of_an_argument_are_kept_by_path(workspace: Workspace) -> None:
    """A later `why` can say which setting changed."""
    future = trained(Config(0.1), 2)
    future.eval()
    metadata = workspace.ledger.metadata(future.hash)
    assert metadata is not None
    outline = workspace.ledger.blob(f"outline:{metadata.arguments[0].digest}")
    assert json.loads(outline or b"") == {".lr": "0.1", ".layers[0]": "1", ".layers[1]": "2"}


def test_a_failure_is_written_down(workspace: Workspace) -> None:
    """The run's status and error, and which call it was."""
    with pytest.raises(TaskFailedError):
        workspace.run(lambda: failing(3))
    (run,) = workspace.ledger.runs()
    assert run.status == "failed"
    assert "no 3" in run.error
    ((key, note),) = workspace.ledger.notes("failed")
    assert key == failing(3).hash
    assert note["run"] == run.id


class Shelf(BaseCache):
    """A user's cache that keeps no metadata beyond what is packed."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def has(self, key: str) -> bool:
        return key in self.blobs

    def get(self, key: str) -> Entry | None:
        return Entry.unpack(self.blobs[key]) if key in self.blobs else None

    def put(self, key: str, entry: Entry) -> None:
        self.blobs[key] = entry.pack()

    def delete(self, key: str) -> bool:
        return self.blobs.pop(key, None) is not None

    def keys(self):  # type: ignore[no-untyped-def]
        return iter(list(self.blobs))


@pytest.mark.parametrize("make", [lambda path: Shelf(), lambda path: f"file://{path}/elsewhere"])
def test_results_in_another_cache_are_in_the_ledger_too(
    make: Callable[[Path], BaseCache | str], tmp_path: Path
) -> None:
    """`cache=` says where contents live; metadata and runs are always in the project."""
    with Workspace(tmp_path, cache=make(tmp_path)) as workspace:
        future: Future[int] = scaled(scaled(1))
        future.eval()
        found = dict(workspace.ledger.log(task="scaled"))
        assert set(found) == {future.hash, scaled(1).hash}
        assert found[future.hash].parents == (scaled(1).hash,)
        assert found[future.hash].size > 0
        assert (tmp_path / ".merkl" / ".gitignore").read_text() == "*\n"


def test_no_cache_writes_nothing(tmp_path: Path) -> None:
    """A run that may not write has no row either."""
    with Workspace(tmp_path, is_writing=False, is_reading=False) as workspace:
        assert workspace.run(lambda: scaled(1)).result == 3
    assert not (tmp_path / ".merkl").exists()


def test_where_the_ledger_cannot_be_written_the_run_goes_on(tmp_path: Path) -> None:
    """`.merkl` is a file here: a warning at most, no error."""
    (tmp_path / ".merkl").write_text("in the way")
    code = """
    from merkl import Workspace, task
    @task
    def double(x: int) -> int:
        return 2 * x
    with Workspace(PATH, cache="memory:") as workspace:
        print(workspace.run(lambda: double(2)).result, double(3).eval())
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(code).replace("PATH", repr(str(tmp_path)))],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["4", "6"]
    assert "Traceback" not in done.stderr


SCRIPT = """
import os, sys
from merkl import Workspace, task
@task
def square(x: int) -> int:
    return x * x
@task
def die(x: int) -> int:
    os.kill(os.getpid(), 9)
    return x
with Workspace(sys.argv[1]) as workspace:
    if sys.argv[2] == "die":
        workspace.run(lambda: die(square(int(sys.argv[3]))))
    workspace.run(lambda: [square(x) for x in range(30)])
"""


def test_several_processes_write_runs_side_by_side(tmp_path: Path) -> None:
    """Each has its row, and the components are there once."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    processes = [subprocess.Popen([sys.executable, str(script), str(tmp_path), "go", "0"]) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0, 0, 0, 0]
    ledger = ledger_of(tmp_path)
    runs = ledger.runs()
    assert [run.status for run in runs] == ["done"] * 4
    assert all(len(ledger.roots(run)) == 30 for run in runs)
    assert runs[0].command == ("python", "script.py")
    assert len(ledger.database.query("SELECT 1 FROM fingerprints")) == 1
    ledger.close()


def test_a_run_that_was_killed_is_seen_as_begun(tmp_path: Path) -> None:
    """It has no end; what it finished before is there."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("return x * x", "import time; time.sleep(0.2); return x * x"))
    done = subprocess.run([sys.executable, str(script), str(tmp_path), "die", "7"], timeout=60)
    assert done.returncode == -9
    ledger = ledger_of(tmp_path)
    (run,) = ledger.runs()
    assert (run.status, run.ended) == ("running", None)
    assert [metadata.run for _, metadata in ledger.log(task="square")] == [run.id]
    ledger.close()


def test_python_logging_hears_of_runs_and_calls(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Under `merkl`: figures as INFO, calls as DEBUG, failures as ERROR."""
    with caplog.at_level("DEBUG", logger="merkl"), Workspace(tmp_path) as workspace:
        scaled(4).eval()
        with pytest.raises(TaskFailedError):
            workspace.run(lambda: failing(4))
    said = [(record.levelname, record.getMessage().partition(" in ")[0]) for record in caplog.records]
    assert ("INFO", "1 calls to run, 0 results found") in said
    assert ("DEBUG", f"run scaled {scaled(4).hash[:12]}") in said
    assert ("ERROR", f"failed failing {failing(4).hash[:12]}") in said
