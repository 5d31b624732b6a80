"""`merkl status`: each state, found without importing the project's code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from project import Project

from merkl.cli.app import main

FLOW = """
    from __future__ import annotations
    import dataclasses
    import config
    from config import LIMIT
    from merkl import FileRef, arg, bash_task, file_arg, stdout_arg, task

    WEIGHTS = [1, 2]

    @dataclasses.dataclass
    class Setting:
        bias: int = 1

        def value(self):
            return self.bias

    def helper(x):
        return x + LIMIT

    @task
    def start(x: int) -> int:
        return helper(x) * WEIGHTS[0] + Setting().value() + config.OTHER

    head = bash_task(f"head -n {arg('lines', int)} {file_arg('source')} {stdout_arg(str)}")

    @task
    def finish(x: int, text: str) -> str:
        return str(x) + text

    @dataclasses.dataclass
    class Argument:
        x: int = 1

        def twice(self):
            return 2 * self.x

    @task
    def begin(argument: Argument) -> int:
        return argument.x

    @task
    def unrelated(x: int) -> int:
        return x

    def main():
        return finish(start(begin(Argument())), head(1, FileRef("data.txt"))).write("build/out.txt")
"""


def states(project: Project, *words: str) -> tuple[int, dict[str, str]]:
    """Return the exit code of `merkl status`, and the state of each file by its path in the project."""
    printed = io.StringIO()
    with contextlib.chdir(project.folder), pytest.MonkeyPatch.context() as patch:
        patch.delenv("MERKL_ROOT", raising=False)
        with contextlib.redirect_stdout(printed):
            code = main(["status", "--json", *words])
    found: dict[str, Any] = json.loads(printed.getvalue())
    return code, {os.path.relpath(one["path"], project.folder): one["state"] for one in found["files"]}


def edit(project: Project, name: str, old: str, new: str) -> None:
    path = project.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose outputs were just written."""
    project = Project(tmp_path_factory.mktemp("template"))
    project.write("config.py", "BASE = 3\nLIMIT = BASE * 2\nOTHER = 5\nUNUSED = 0\n")
    project.write("flow.py", FLOW)
    project.write("data.txt", "hello\nworld\n")
    assert project.merkl("run", "flow.main").returncode == 0
    return project.folder


@pytest.fixture
def ran(template: Path, tmp_path: Path) -> Project:
    """A copy of it."""
    shutil.copytree(template, tmp_path / "the project")
    return Project(tmp_path / "the project")


def test_all_is_clean_after_a_run(ran: Project) -> None:
    assert states(ran) == (0, {"build/out.txt": "clean", "data.txt": "clean"})


def test_nothing_is_tracked_before_the_first_run(project: Project) -> None:
    assert states(project) == (0, {})
    assert not (project.folder / ".merkl").exists()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("flow.py", "return str(x) + text", "return text + str(x)"),  # its own task
        ("flow.py", "x + LIMIT", "x - LIMIT"),  # a helper of a task before it
        ("flow.py", "WEIGHTS = [1, 2]", "WEIGHTS = [3, 2]"),  # a constant in the same module
        ("flow.py", "bias: int = 1", "bias: int = 2"),  # a field of a class
        ("flow.py", "return self.bias", "return -self.bias"),  # a method
        ("flow.py", "return 2 * self.x", "return 3 * self.x"),  # a method of an argument
        ("flow.py", "head -n", "head -c"),  # a shell command before it
        ("config.py", "BASE = 3", "BASE = 4"),  # what a constant is computed from, in another module
        ("config.py", "OTHER = 5", "OTHER = 6"),  # a constant read off a module
        ("data.txt", "hello", "HELLO"),  # an input file
    ],
)
def test_what_made_it_has_changed(ran: Project, name: str, old: str, new: str) -> None:
    edit(ran, name, old, new)
    code, found = states(ran)
    assert (code, found["build/out.txt"]) == (3, "stale")
    edit(ran, name, new, old)
    assert states(ran)[0] == 0


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("flow.py", "return x + LIMIT", "# a comment\n        return (x + LIMIT)"),
        (
            "flow.py",
            "def unrelated(x: int) -> int:\n    return x",
            "def unrelated(x: int) -> int:\n    return -x",
        ),
        ("flow.py", "WEIGHTS = [1, 2]", "\n\n\nWEIGHTS = [1,2]"),
        ("config.py", "UNUSED = 0", "UNUSED = 1"),
    ],
)
def test_edits_that_change_nothing_of_it_are_clean(ran: Project, name: str, old: str, new: str) -> None:
    text = (ran.folder / name).read_text()
    (ran.folder / name).write_text(text.replace(old, new.replace("\n        ", "\n    ")))
    assert (ran.folder / name).read_text() != text
    assert states(ran)[0] == 0


def test_code_is_not_imported(ran: Project) -> None:
    edit(ran, "flow.py", "from config import LIMIT", "from config import LIMIT\nraise SystemExit('imported')")
    assert states(ran)[0] == 0


def test_source_that_is_gone_or_broken_makes_stale(ran: Project) -> None:
    edit(ran, "config.py", "BASE = 3", "BASE = (")
    assert states(ran)[1]["build/out.txt"] == "stale"
    (ran.folder / "config.py").unlink()
    assert states(ran)[1]["build/out.txt"] == "stale"


def test_changed_and_missing_until_the_next_run(ran: Project) -> None:
    (ran.folder / "build/out.txt").write_text("mine")
    assert states(ran) == (3, {"build/out.txt": "changed", "data.txt": "clean"})
    (ran.folder / "build/out.txt").unlink()
    assert states(ran) == (3, {"build/out.txt": "missing", "data.txt": "clean"})
    assert ran.merkl("run", "flow.main").returncode == 0
    assert states(ran)[0] == 0


def test_looking_does_not_make_a_change_the_new_normal(ran: Project) -> None:
    (ran.folder / "data.txt").write_text("other\n")
    first = states(ran)
    assert first == states(ran) == states(ran, "--rehash")
    assert first == (3, {"build/out.txt": "stale", "data.txt": "changed"})


@pytest.mark.parametrize(
    "words",
    [
        ["why", "flow.main"],
        ["run", "--plan", "flow.main"],
        ["dag", "flow.main"],
        ["debug", "flow.main"],
        ["check", "flow"],
    ],
    ids=" ".join,
)
def test_commands_that_only_look_at_a_graph_leave_a_change_on_record(ran: Project, words: list[str]) -> None:
    (ran.folder / "data.txt").write_text("other\n")
    done = ran.merkl(*words)
    assert "Traceback" not in done.stderr
    assert states(ran)[1]["data.txt"] == "changed"


def test_an_edit_that_was_declared_to_change_nothing_is_clean(ran: Project) -> None:
    edit(ran, "flow.py", "return str(x) + text", "return f'{x}' + text")
    assert states(ran)[1]["build/out.txt"] == "stale"
    assert ran.merkl("migrate", "flow.finish", "--yes").returncode == 0
    assert states(ran)[0] == 0
    edit(ran, "flow.py", "return f'{x}' + text", "return text + f'{x}'")
    assert states(ran)[1]["build/out.txt"] == "stale"


@pytest.mark.parametrize("is_folder", [False, True])
def test_an_edit_that_gave_an_equal_value_is_clean_after_the_run(
    project: Project, *, is_folder: bool
) -> None:
    project.write(
        "flow.py",
        f"""
        from pathlib import Path
        from merkl import DirRef, read_future, task

        @task
        def nums(text: str) -> list[int]:
            return [int(x) for x in text.split()]

        @task
        def total(xs: list[int]) -> int:
            return sum(xs)

        @task
        def folder(xs: list[int]) -> DirRef:
            made = DirRef()
            (Path(made) / "total.txt").write_text(str(sum(xs)))
            return made

        def main():
            return {"folder" if is_folder else "total"}(nums(read_future("a.txt"))).write("out")
        """,
    )
    project.write("a.txt", "1 2 3")
    project.run_json("flow.main")
    edit(project, "flow.py", "int(x)", "int(x) * 1")
    assert states(project)[1]["out"] == "stale"
    assert project.run_json("flow.main")["run"] == 1
    assert states(project)[0] == 0
    edit(project, "flow.py", "int(x) * 1", "int(x) * 2")
    assert states(project)[1]["out"] == "stale"


def test_paths_choose(ran: Project) -> None:
    (ran.folder / "build/out.txt").unlink()
    assert states(ran, "data.txt") == (0, {"data.txt": "clean"})
    assert states(ran, "build") == (3, {"build/out.txt": "missing"})
    assert ran.merkl("status", "nowhere").returncode == 2
    assert ran.merkl("status", "--nope").returncode == 2


def test_forgetting_what_is_gone_for_good(ran: Project) -> None:
    (ran.folder / "data.txt").unlink()
    assert ran.merkl("status", "--forget", "data.txt").returncode == 3
    assert states(ran)[1].keys() == {"build/out.txt"}


def test_for_people_each_file_that_is_not_clean_is_a_line(ran: Project) -> None:
    (ran.folder / "build/out.txt").unlink()
    done = ran.merkl("status")
    assert done.stdout == "missing  build/out.txt\n"
    assert done.stderr == "merkl: 0 changed, 1 missing, 0 stale, 1 clean\n"


def test_a_project_that_was_moved_or_copied_is_clean(ran: Project, tmp_path: Path) -> None:
    shutil.copytree(ran.folder, tmp_path / "copy")
    assert states(Project(tmp_path / "copy"))[0] == 0
    ran.folder.rename(tmp_path / "moved")
    assert states(Project(tmp_path / "moved"))[0] == 0


def test_from_another_working_directory(ran: Project) -> None:
    (ran.folder / "sub").mkdir()
    done = ran.merkl("status", "../build", cwd=ran.folder / "sub")
    assert (done.returncode, done.stderr) == (0, "merkl: 0 changed, 0 missing, 0 stale, 1 clean\n")


def test_names_that_are_no_text_show_in_one_line_and_in_json(project: Project) -> None:
    project.write(
        "flow.py",
        r"""
        import os
        from merkl import task

        @task
        def page(text: str) -> str:
            return text

        def main():
            page("a").write("two\nlines.txt")
            page("b").write(os.fsdecode(b"\xff '\".txt"))
        """,
    )
    assert project.merkl("run", "flow.main").returncode == 0
    for path in project.folder.glob("*.txt"):
        path.unlink()
    done = project.merkl("status")
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == 2
    files = json.loads(project.merkl("status", "--json").stdout)["files"]
    assert any(bytes.fromhex(one.get("raw", "")).endswith(b"\xff '\".txt") for one in files)
