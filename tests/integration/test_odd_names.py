"""A project, inputs and outputs whose names are no text, on one line or several."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from project import Project

FLOW = r"""
    import os
    from merkl import DirRef, FileRef, bash_task, file_arg, out_file_arg, task

    @task
    def upper(file: FileRef) -> FileRef:
        made = FileRef(suffix=os.fsdecode(b".\xfe"))
        made.write_text(file.read_text().upper())
        return made

    copy = bash_task(f"cat {file_arg('source')} > {out_file_arg('copied', '.txt')}")

    @task
    def names(folder: DirRef) -> list[bytes]:
        return [os.fsencode(file.name) for file in folder]

    def main():
        source = FileRef(os.fsdecode(b"in\xff \n'\".txt"))
        copy(upper(source)).write(os.fsdecode(b"out\xff\n.txt"), sidecar=True)
        names(DirRef(os.fsdecode(b"d\xff"))).write("names")
        return copy(source)
"""


@pytest.mark.parametrize("folder", [b"pro\xffject", b"two\nlines", b'it\'s "quoted" $HOME'])
def test_everything_works_in_a_folder_of_that_name(tmp_path: Path, folder: bytes) -> None:
    home = tmp_path / os.fsdecode(folder)
    home.mkdir()
    project = Project(home)
    project.write("flow.py", FLOW)
    project.write(os.fsdecode(b"in\xff \n'\".txt"), "text")
    project.write(os.fsdecode(b"d\xff/\xfe"), "x")
    for counts in (": 4 run,", ": 0 run,"):
        done = project.merkl("run", "flow.main", errors="surrogateescape")
        assert done.returncode == 0, done.stderr
        assert counts in done.stderr
    assert (home / os.fsdecode(b"out\xff\n.txt")).read_text() == "TEXT"
    assert project.merkl("status", errors="surrogateescape").returncode == 0
