"""The build-time relation against mypy: random pairs of types, one mypy run for each seed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from merkl._base.hints import resolve_hints
from merkl.assignability import Verdict, relate

_spec = importlib.util.spec_from_file_location("type_pairs", Path(__file__).with_name("type_pairs.py"))
assert _spec is not None
assert _spec.loader is not None
type_pairs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(type_pairs)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_refuses_exactly_what_mypy_refuses(tmp_path: Path, seed: int) -> None:
    """Not one of a thousand pairs is judged otherwise than by mypy."""
    pairs = type_pairs.random_pairs(seed, 1000)
    path = tmp_path / "generated_type_pairs.py"
    line_of = type_pairs.write_module(path, pairs)
    refused, invalid = type_pairs.judge_by_mypy(path, line_of)
    module = type_pairs.load(path)
    wrong, judged = [], 0
    for index, (source, target) in enumerate(pairs):
        if index in invalid:
            continue
        hints = resolve_hints(getattr(module, f"f{index}"))
        if hints.problems:
            continue
        judged += 1
        relation = relate(hints.parameters["x"], hints.parameters["t"])
        if (relation.verdict is Verdict.NO) != (index in refused):
            wrong.append((source, target, relation))
    assert judged > 900
    assert not wrong
