"""Code and constants that are easily overlooked (`edits/hidden_*`): an edit behind each of them changes the fingerprint."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from edits import hidden_classes, hidden_libraries, hidden_names, hidden_values
from merkl_serializers import default_registry
from sample import Project, files

CASES = hidden_values.CASES | hidden_classes.CASES | hidden_names.CASES | hidden_libraries.CASES


def observe(folder: Path, source: str) -> tuple[bytes, str]:
    project = Project(folder, encode=lambda value: default_registry.encode(value).data).write(files(source))
    sys.path.insert(0, str(folder))
    try:
        task = project.load()
        digest = project.fingerprinter().fingerprint(task).digest
        try:
            return digest, repr(task())
        except TypeError as error:
            return digest, repr(error)
    finally:
        sys.path.remove(str(folder))
        project.forget()


@pytest.mark.parametrize("case", CASES)
def test_an_edit_behind_it_changes_the_fingerprint(case: str, tmp_path: Path) -> None:
    """The output and the fingerprint change together."""
    source, old, new = CASES[case]
    assert source.count(old) >= 1
    (one, before), (other, after) = (
        observe(tmp_path / str(number), text)
        for number, text in enumerate([source, source.replace(old, new, 1)])
    )
    assert before != after
    assert one != other
