"""What source files say is kept between processes: nothing is parsed again, and nothing is ever out of date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sample import Project

from merkl.fingerprint import SourceStore

FILES = {
    "main.py": "from other import h\ndef task(x):\n    return h(x)\n",
    "other.py": "def h(x):\n    return 1\n",
}

#: Prints how many source files are parsed while a fingerprint is taken, and the fingerprint.
COUNT = """
import sys
from merkl import Workspace, task
sys.path.insert(0, sys.argv[1])
parsed = []
sys.addaudithook(lambda event, args: parsed.append(args[1]) if event == "compile" else None)
import main
with Workspace(sys.argv[1]) as workspace:
    workspace.fingerprinter
    parsed.clear()
    print(workspace.fingerprinter.fingerprint(main.task).digest.hex())
    print(len([name for name in parsed if str(name).startswith(sys.argv[1])]))
"""


def test_a_second_process_parses_only_what_was_edited(tmp_path: Path) -> None:
    """The digest is the same with and without parsing, and an edit is parsed."""
    folder = tmp_path / "project"
    project = Project(folder).write(FILES)
    (folder / ".merkl").mkdir()

    def count() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", COUNT, str(folder)], capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    first, parsed = count()
    assert int(parsed) > 0
    assert count() == [first, "0"]
    project.write({"other.py": "def h(x):\n    return 2\n"})
    edited, parsed_again = count()
    assert edited != first
    assert 0 < int(parsed_again) < int(parsed)
    project.write({"other.py": FILES["other.py"]})
    assert count() == [first, "0"]


def test_nothing_is_written_where_no_results_are_kept(tmp_path: Path) -> None:
    """A project without results gets no folder because a key was asked for."""
    Project(tmp_path / "project").write(FILES)
    subprocess.run([sys.executable, "-c", COUNT, str(tmp_path / "project")], check=True, capture_output=True)
    assert not (tmp_path / "project" / ".merkl").exists()


def test_writers_take_in_what_others_wrote(tmp_path: Path) -> None:
    """Entries of another process stay; a damaged file counts as empty and is replaced."""
    path = tmp_path / "sources"
    one, two = SourceStore(path), SourceStore(path)
    assert one.get("a") is None
    assert two.get("b") is None
    one.put("a", b"1")
    two.put("b", b"2")
    one.flush()
    two.flush()
    assert [SourceStore(path).get(key) for key in "abc"] == [b"1", b"2", None]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert SourceStore(path).get("b") is None
    two.put("c", b"3")
    two.flush()
    assert SourceStore(path).get("c") == b"3"
    assert [file.name for file in tmp_path.iterdir()] == ["sources"]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Keeping nothing costs time, not results."""
    store = SourceStore(tmp_path / "absent" / "sources")
    store.put("a", b"1")
    store.flush()
    assert store.get("a") == b"1"
