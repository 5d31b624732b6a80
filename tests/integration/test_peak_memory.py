"""How much memory a body took is in the metadata of its result, as far as that can be told."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from project import Project

MB = 1_000_000


@pytest.fixture
def greedy(project: Project) -> Project:
    project.write(
        "greedy.py",
        """
        from merkl import Future, arg, bash_task, task

        @task
        def fill(mb: int) -> int:
            return len(b"x" * (mb * 1_000_000))

        child = bash_task(f"python3 -c 'print(len(bytearray({arg('mb', int)} * 1000000)))'")

        def main() -> list[Future[object]]:
            return [fill(200), fill(90), fill(300), child(600), child(20)]
        """,
    )
    return project


def peaks(project: Project, *words: str) -> dict[str, int | None]:
    """Return for each call of the last run its peak, by task and megabytes.

    A shell starts the command: from what starts it a process inherits the highest size so far, and these tests may be large.
    """
    command = shlex.join([sys.executable, "-m", "merkl", "run", *words, "greedy.main"])
    subprocess.run(
        ["sh", "-c", f"{command}; exit $?"], cwd=project.folder, env=project.environment(), check=True
    )
    records = project.log("--run", "last")
    return {
        f"{r['task'].rpartition('.')[2][:4]} {r['arguments'][-1]['preview']}": r["peak_memory"]
        for r in records
    }


def test_a_peak_is_told_where_the_process_went_higher_than_before(greedy: Project) -> None:
    found = peaks(greedy)
    assert 200 * MB < (found["fill 200"] or 0) < 300 * MB
    assert 300 * MB < (found["fill 300"] or 0) < 400 * MB
    assert found["fill 90"] is None


def test_a_command_has_the_peak_of_its_own_process(greedy: Project) -> None:
    found = list(peaks(greedy).values())
    assert sorted(peak // (600 * MB) for peak in found if peak is not None) == [0, 0, 1]


def test_each_call_of_a_worker_has_its_own_peak(greedy: Project) -> None:
    found = peaks(greedy, "--target", "1")
    for mb in (200, 90, 300):
        assert mb * MB < (found[f"fill {mb}"] or 0) < (mb + 80) * MB


def test_peaks_are_shown_and_asked_for(greedy: Project) -> None:
    peaks(greedy)
    (record,) = greedy.log("--task", "fill", "--where", "peak_memory > 300e6")
    assert "[peak 3" in greedy.merkl("log", "--task", "fill").stdout
    assert "peak memory  3" in greedy.merkl("debug", "--hash", record["key"]).stdout
