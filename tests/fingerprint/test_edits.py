"""Edits to small projects (`edits/`): which must change the fingerprint of `main.task`, and which must not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from edits import classes, functions, harmless
from sample import digest, files

pytestmark = pytest.mark.filterwarnings("ignore::merkl._base.errors.FingerprintWarning")

MUST = functions.CASES | classes.CASES


def edited(text: str, old: str, new: str) -> str:
    """Replace every occurrence of a piece of text (of a word, where it is one)."""
    assert old in text
    return re.sub(rf"\b{old}\b", new, text) if old.isidentifier() else text.replace(old, new)


@pytest.mark.parametrize("case", MUST)
def test_edit_changes_the_fingerprint(case: str, tmp_path: Path) -> None:
    """Whatever can change the result changes the fingerprint."""
    text, old, new = MUST[case]
    assert digest(tmp_path, files(text)) != digest(tmp_path, files(edited(text, old, new)))


@pytest.mark.parametrize("case", harmless.CASES)
def test_edit_keeps_the_fingerprint(case: str, tmp_path: Path) -> None:
    """What cannot change the result leaves the fingerprint alone."""
    text, old, new = harmless.CASES[case]
    assert digest(tmp_path, files(text)) == digest(tmp_path, files(edited(text, old, new)))
