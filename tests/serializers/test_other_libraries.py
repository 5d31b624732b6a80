"""Types of libraries that say more of themselves than counts: what they remember, a name for each process, a hashed order."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from merkl_serializers import check_stability

from merkl import digest

#: Library -> what makes values of it, all different.
DIFFERENT: dict[str, Callable[[Any], list[Any]]] = {}


def different(library: str) -> Callable[[Callable[[Any], list[Any]]], None]:
    def note(make: Callable[[Any], list[Any]]) -> None:
        DIFFERENT[library] = make

    return note


@different("xarray")
def _arrays(xr: Any) -> list[Any]:
    array = xr.DataArray(np.arange(3.0), dims="t", coords={"t": [1, 2, 3]})
    dataset = array.to_dataset(name="v")
    levels = [pd.MultiIndex.from_product([["a"], [0, 1]], names=["x", name]) for name in "yz"]
    return [
        *(
            array,
            array + 1,
            array.rename("n"),
            array.rename(t="s"),
            array.assign_attrs(u=1),
            array.drop_vars("t"),
        ),
        *(array.assign_coords(t=[1, 2, 4]), array.assign_coords(t=[1.0, 2, 3]), array.assign_coords(q=1)),
        *(
            array.drop_indexes("t"),
            array.expand_dims("z"),
            array.variable,
            array.t,
            array.t.variable,
            array.astype("f4"),
        ),
        *(
            dataset,
            array.to_dataset(name="w"),
            dataset.assign_attrs(u=1),
            xr.Dataset({"a": 1}),
            xr.Dataset(coords={"a": 1}),
        ),
        *(xr.Dataset(coords=xr.Coordinates.from_pandas_multiindex(level, "m")) for level in levels),
        *(xr.DataTree(dataset), xr.DataTree(children={"c": xr.DataTree(dataset)})),
    ]


@different("google.protobuf.struct_pb2")
def _messages(pb: Any) -> list[Any]:
    made = [pb.Struct() for _ in range(3)]
    made[1].update({"a": 1, "b": 2, "c": [3]})
    made[2].update({"a": 1, "b": 2, "c": [4]})
    return [*made, pb.Value(number_value=1), pb.Value(string_value="1"), pb.ListValue()]


@different("pyrsistent")
def _persistent(pyrsistent: Any) -> list[Any]:
    pmap, pset = pyrsistent.pmap, pyrsistent.pset
    return [
        pmap({"a": 1, "b": 2}),
        pmap({"a": 1, "b": 3}),
        pmap(),
        pset("abcd"),
        pset("abc"),
        pset(),
        {"a": 1, "b": 2},
    ]


@different("immutables")
def _immutable(immutables: Any) -> list[Any]:
    return [immutables.Map(a=1, b=2, c=3), immutables.Map(a=1, b=2, c=4), immutables.Map()]


@pytest.mark.parametrize("library", DIFFERENT)
def test_values_differ_and_are_the_same_in_each_process(library: str) -> None:
    """Under other hash seeds too, and after a round trip through pickle."""
    values = DIFFERENT[library](pytest.importorskip(library))
    assert len({digest(value) for value in values}) == len(values)
    assert check_stability(values) == []


def test_looking_at_an_array_of_xarray_changes_nothing() -> None:
    """It fills in its attributes when somebody looks for them, as bodies do that get it."""
    xr = pytest.importorskip("xarray")
    array = xr.DataArray(np.arange(3.0), dims="t", coords={"t": [1, 2, 3]})
    before = digest(array), digest(array.to_dataset(name="v"))
    dataset = array.to_dataset(name="v")
    assert not array.attrs
    assert not array.encoding
    assert not array.t.attrs
    assert not dataset.attrs
    assert len(array.xindexes) == len(dataset.v.coords) == 1
    assert (digest(array), digest(dataset)) == before
    array[0] = 7
    assert digest(array) != before[0]


def test_functions_that_numba_compiles_are_told_by_function_types_and_options() -> None:
    """Not by what was compiled so far, nor by the name that each has in its process."""
    numba = pytest.importorskip("numba")

    def body(x: float) -> float:
        return x + 1

    def other(x: float) -> float:
        return x + 2

    made = [
        numba.njit(body),
        numba.njit(other),
        numba.njit(body, fastmath=True),
        numba.njit("f8(f8)")(body),
        numba.njit("f4(f4)")(body),
    ]
    before = [digest(fn) for fn in made]
    assert len(set(before)) == len(made)
    assert [fn(1.0) for fn in made] == [2.0, 3.0, 2.0, 2.0, 2.0]
    assert [digest(fn) for fn in made] == before
    assert digest(importlib.import_module("numba").njit(body)) == before[0]


def test_looking_at_a_norm_of_matplotlib_twice_finds_the_same() -> None:
    """Its registry of callbacks counts each time that it is taken apart."""
    colors = importlib.import_module("matplotlib.colors")
    norm = colors.Normalize(0, 1)
    before = digest(norm)
    assert [digest(norm), digest(norm), digest(colors.Normalize(0, 1))] == [before] * 3
    assert digest(colors.Normalize(0, 2)) != before
