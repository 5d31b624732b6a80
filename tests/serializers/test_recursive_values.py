"""Over a recursive grammar of values: equal ones have one digest in every process, a changed leaf or type another."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
from hypothesis import given, settings
from hypothesis import strategies as st
from merkl_serializers import default_registry

sys.path.insert(0, str(Path(__file__).parent))

from value_grammar import LEAVES, MAKERS, VALUES, count_leaves, rebuilt, with_leaf

digest = default_registry.digest
CHILD = """
import pickle, sys
sys.path[:0] = sys.argv[1:]
from merkl_serializers import default_registry
for value in pickle.load(sys.stdin.buffer):
    print(default_registry.digest(value))
"""


@given(VALUES)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_copy_a_pickle_and_one_built_in_another_order_agree(value: Any) -> None:
    """Only type and content count, not identity, history or order of insertion."""
    wanted = digest(value)
    assert digest(copy.deepcopy(value)) == wanted
    assert digest(pickle.loads(cloudpickle.dumps(value))) == wanted
    assert digest(rebuilt(value)) == wanted


@given(VALUES, st.integers(0), LEAVES)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_a_changed_leaf_gives_another_digest(value: Any, number: int, other: Any) -> None:
    """Wherever it stands."""
    place = number % count_leaves(value)
    marked = with_leaf(value, place, ("marker", "of the test"))
    changed = with_leaf(value, place, ("marker", other))
    assert len({digest(value), digest(marked), digest(changed)}) == 3


@given(VALUES, VALUES)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_classes_with_equal_fields_differ(a: Any, b: Any) -> None:
    """The type is part of the value."""
    assert len({digest(make(a=a, b=b)) for make in MAKERS}) == len(MAKERS)


@given(st.lists(VALUES, min_size=30, max_size=30))
@settings(max_examples=2, deadline=None, derandomize=True)
def test_another_process_with_another_hash_seed_agrees(values: list[Any]) -> None:
    """Nothing of a process enters a digest."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *sys.path],
        input=pickle.dumps(values, protocol=5),  # earlier ones turn arrays into the native byte order
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split() == [digest(value) for value in values]
