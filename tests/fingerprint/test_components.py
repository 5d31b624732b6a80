"""What a fingerprint says about its parts, for whoever shows or compares them."""

from __future__ import annotations

import json
from pathlib import Path

from sample import Project

SOURCE = {
    "main.py": """
        import numpy as np
        from other import helper
        LIMIT = 3
        API_TOKEN = "hidden"

        def task(x):
            return helper(x) + LIMIT + len(API_TOKEN) + np.pi
        """,
    "other.py": "class Scale:\n    factor = 2\n\ndef helper(x):\n    return Scale.factor * x\n",
}


def test_components_are_plain_data(tmp_path: Path) -> None:
    """Each part has a name, kind, digest, text, file and line that JSON holds; what is secret shows no text."""
    found = Project(tmp_path / "project").write(SOURCE).fingerprint().components
    rows = {row["name"]: row for row in json.loads(json.dumps([part.as_json() for part in found]))}
    assert {name: row["kind"] for name, row in rows.items()} == {
        "main.task": "code",
        "other.helper": "code",
        "other.Scale": "class",
        "Scale.factor": "constant",
        "main.LIMIT": "constant",
        "main.API_TOKEN": "constant",
    }
    assert (rows["other.helper"]["file"], rows["other.helper"]["line"]) == ("other.py", 4)
    assert rows["other.helper"]["text"] == "def helper(x):\n    return Scale.factor * x"
    assert rows["main.LIMIT"]["text"] == "3"
    assert (rows["main.LIMIT"]["file"], rows["main.LIMIT"]["line"]) == ("", 0)
    assert rows["main.API_TOKEN"]["text"] == "<secret>"
    assert all(len(row["digest"]) == 64 for row in rows.values())


def test_an_edit_changes_the_part_it_is_in_alone(tmp_path: Path) -> None:
    """The digest of a part is its own, so a comparison shows which part was edited."""
    project = Project(tmp_path / "project").write(SOURCE)
    before = {part.name: part.digest for part in project.fingerprint().components}
    project.write({"other.py": SOURCE["other.py"].replace("factor * x", "factor + x")})
    after = {part.name: part.digest for part in project.fingerprint().components}
    assert {name for name in after if after[name] != before[name]} == {"other.helper"}


def test_versions_of_reached_packages_are_known(tmp_path: Path) -> None:
    """Versions are there for the record also where they do not enter the fingerprint."""
    from importlib.metadata import version

    assert Project(tmp_path / "project").write(SOURCE).fingerprint().packages() == {"numpy": version("numpy")}


def test_the_parts_of_a_class_met_in_an_argument(tmp_path: Path) -> None:
    """A class shows the same parts when it is met by itself."""
    project = Project(tmp_path / "project").write(SOURCE)
    cls = project.load("other.Scale")
    assert [part.name for part in project.fingerprinter().describe(cls).components] == [
        "other.Scale",
        "Scale.factor",
    ]
    project.forget()
