"""Code that changes in a process that goes on: the fingerprint held before does not hold any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from sample import Project

SOURCE = """
def helper(x, y=1, *, z=1):
    return x + y + z + getattr(helper, "w", 0)
helper.w = 1
class Known:
    size = 1
    def value(self):
        return 1
Made = type("Made", (), {"size": 1, "value": lambda self: 1})
def task(x):
    return helper(x) + Known().value() + Known.size + Made().value() + Made.size
"""

CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "default": lambda m: setattr(m["helper"], "__defaults__", (2,)),
    "keyword default": lambda m: setattr(m["helper"], "__kwdefaults__", {"z": 2}),
    "keyword default in place": lambda m: m["helper"].__kwdefaults__.update(z=2),
    "attribute of a function": lambda m: setattr(m["helper"], "w", 2),
    "attribute of a class": lambda m: setattr(m["Known"], "size", 2),
    "method": lambda m: setattr(m["Known"], "value", lambda self: 2),
    "attribute of a class without source": lambda m: setattr(m["Made"], "size", 2),
    "method of a class without source": lambda m: setattr(m["Made"], "value", lambda self: 2),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(change: str, tmp_path: Path) -> None:
    """As in a notebook: what is put in the place of something counts at the next call."""
    project = Project(tmp_path / "project").write({"main.py": SOURCE})
    fn = project.load()
    assert isinstance(fn, FunctionType)
    fingerprinter = project.fingerprinter()
    before = fingerprinter.fingerprint(fn)
    assert before.is_current()
    CHANGES[change](fn.__globals__)
    assert not before.is_current()
    assert fingerprinter.fingerprint(fn).digest != before.digest
    project.forget()
