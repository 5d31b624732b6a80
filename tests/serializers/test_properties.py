"""Canonical bytes are one for equal values, and different for different ones: over generated values."""

from __future__ import annotations

import copy
import pickle
import random
import subprocess
import sys
from typing import Any

import cloudpickle
from hypothesis import given, settings
from hypothesis import strategies as st
from merkl_serializers import default_registry

digest = default_registry.digest

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.complex_numbers(allow_nan=False),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.uuids(),
)
KEYS = st.one_of(
    st.text(max_size=4), st.integers(), st.booleans(), st.tuples(st.integers(), st.text(max_size=2))
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(st.one_of(st.integers(), st.text(max_size=3)), max_size=4),
        st.frozensets(st.tuples(st.integers(), st.text(max_size=3)), max_size=3),
    ),
    max_leaves=12,
)


def exactly(value: Any) -> Any:
    """Return something that is equal exactly for values of equal type and content, order of dicts and sets apart."""
    if isinstance(value, float):
        return ("float", value.hex())
    if isinstance(value, complex):
        return ("complex", value.real.hex(), value.imag.hex())
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [exactly(item) for item in value])
    if isinstance(value, dict):
        return ("dict", sorted((repr(exactly(k)), repr(exactly(v))) for k, v in value.items()))
    if isinstance(value, (set, frozenset)):
        return (type(value).__name__, sorted(repr(exactly(item)) for item in value))
    return (type(value).__name__, repr(value))


def shuffled(value: Any) -> Any:
    """Return an equal value whose dicts and sets were filled in another order."""
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    if isinstance(value, tuple):
        return tuple(shuffled(item) for item in value)
    if isinstance(value, dict):
        items = [(k, shuffled(v)) for k, v in value.items()]
        random.Random(1).shuffle(items)
        return dict(items)
    if isinstance(value, (set, frozenset)):
        return type(value)(sorted(value, key=repr, reverse=True))
    return value


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_an_equal_value_has_the_same_digest(value: Any) -> None:
    """Copies, pickles and other orders change nothing."""
    wanted = digest(value)
    assert digest(copy.deepcopy(value)) == wanted
    assert digest(pickle.loads(cloudpickle.dumps(value))) == wanted
    assert digest(shuffled(value)) == wanted


@given(VALUES, VALUES)
@settings(max_examples=500, deadline=None)
def test_digests_are_equal_exactly_where_the_values_are(one: Any, other: Any) -> None:
    """Type and value decide."""
    assert (digest(one) == digest(other)) == (exactly(one) == exactly(other))


@given(VALUES, ATOMS)
@settings(max_examples=200, deadline=None)
def test_wrapping_a_value_gives_another(value: Any, more: Any) -> None:
    """No container is mistaken for what it holds, nor for another container of the same."""
    wrapped = [value, [value], (value,), [value, more], [more, value], {"k": value}, [[value]]]
    assert len({digest(item) for item in wrapped}) == len({repr(exactly(item)) for item in wrapped})


@given(
    st.lists(st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False)), min_size=1, max_size=30),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_one_changed_item_of_a_long_list_is_seen(items: list[Any], data: st.DataObject) -> None:
    """The quick way for lists of one type gives what the general way gives."""
    many = items * 300
    index = data.draw(st.integers(0, len(many) - 1))
    changed = list(many)
    changed[index] = "other"
    assert digest(many) != digest(changed)
    changed[index] = many[index]
    assert digest(many) == digest(changed)


def test_another_process_with_another_hash_seed_agrees() -> None:
    """Nothing of this process enters a digest."""
    script = (
        "from merkl_serializers import default_registry as r; import enum, dataclasses\n"
        "C = enum.Enum('C', 'A B')\n"
        "print(r.digest([{'b', 'a', 'c'}, {'x': {1, 2.5, 'é'}, 'y': frozenset('abc')}, C.A, {C.B: 1, C.A: 2}]))"
    )
    seen = set()
    for seed in ("0", "1", "7"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(done.stdout)
    assert len(seen) == 1
