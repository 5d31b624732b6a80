"""The example as `make demo` runs it, in a copy of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from project import Project

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def test_the_example_runs_writes_its_files_and_needs_nothing_the_second_time(project: Project) -> None:
    shutil.copytree(EXAMPLES, project.folder / "examples")
    first = project.merkl("run", "examples.digits.train_eval", "--epochs", "3")
    assert (first.returncode, "0 cached, 0 failed" in first.stderr) == (0, True), first.stderr
    assert float(first.stdout) > 0.8
    build = project.folder / "build"
    assert sorted(path.name for path in build.iterdir()) == ["confusion.png", "test.csv", "train_labels.txt"]
    assert len((build / "test.csv").read_text().splitlines()) == 359
    counts = [line.split() for line in (build / "train_labels.txt").read_text().splitlines()]
    assert (sum(int(count) for count, _ in counts), len(counts)) == (1079, 10)
    second = project.merkl("run", "examples.digits.train_eval", "--epochs", "3")
    assert ": 0 run," in second.stderr, second.stderr
    assert second.stdout == first.stdout
    assert project.merkl("status").returncode == 0
