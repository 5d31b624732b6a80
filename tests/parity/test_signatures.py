"""Calls that are made to fit random signatures are judged by mypy with the plugin as the same plain calls are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.parity import signatures
from tests.parity.compare import compared
from tests.parity.generate import Call


def test_calls_made_for_random_signatures_are_judged_alike(tmp_path: Path) -> None:
    """No error is missed, none is made up, none has another code; mypy orders the items of a union by chance."""
    plain, lazy, pairs = signatures.modules(2, functions=150, calls=10)
    found = compared(plain, lazy, [Call(*pair) for pair in pairs], tmp_path)
    kinds = Counter(one.kind for one in found)
    shown = "\n".join(map(str, found[:10]))
    assert len(pairs) > 1000
    assert kinds.keys() <= {"RESULT"}, shown
    assert kinds["RESULT"] <= 1, shown
