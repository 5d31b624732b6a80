"""Classes of the user's that derive from a library's: the class counts, and so do the attributes that it adds."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from merkl_serializers import default_registry

digest = default_registry.digest


class Partial(functools.partial[Any]):
    pass


class Property(property):
    pass


class Masked(np.ma.MaskedArray[Any, Any]):
    pass


class Float(np.float64):
    pass


class Frame(pl.DataFrame):
    pass


class Series(pl.Series):
    pass


class Sparse(scipy.sparse.csr_array):  # type: ignore[misc]
    pass


class Duration(pd.Timedelta):  # type: ignore[misc]
    pass


class PureFolder(pathlib.PurePosixPath):
    pass


class Folder(type(pathlib.Path())):  # type: ignore[misc]
    pass


#: How an instance is made, and one of the class that it derives from.
DERIVED: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "partial": (lambda: Partial(len, "a"), lambda: functools.partial(len, "a")),
    "masked array": (
        lambda: np.ma.masked_array([1, 2], [0, 1]).view(Masked),
        lambda: np.ma.masked_array([1, 2], [0, 1]),
    ),
    "numpy scalar": (lambda: Float(1), lambda: np.float64(1)),
    "polars frame": (lambda: Frame({"a": [1]}), lambda: pl.DataFrame({"a": [1]})),
    "polars series": (lambda: Series([1]), lambda: pl.Series([1])),
    "sparse array": (lambda: Sparse(np.eye(2)), lambda: scipy.sparse.csr_array(np.eye(2))),
    "pandas scalar": (lambda: Duration("1s"), lambda: pd.Timedelta("1s")),
    "pure path": (lambda: PureFolder("a/b"), lambda: pathlib.PurePosixPath("a/b")),
    "path": (lambda: Folder("a/b"), lambda: pathlib.Path("a/b")),
}


@pytest.mark.parametrize("makers", DERIVED.values(), ids=DERIVED)
def test_an_instance_says_its_class(makers: tuple[Callable[[], Any], Callable[[], Any]]) -> None:
    """Its methods may run, so an edit of them must give another key; and it is no instance of the base."""
    derived, base = makers[0](), makers[1]()
    assert default_registry.encode([derived]).classes == {type(derived)}
    assert digest(derived) == digest(makers[0]()) != digest(base)
    assert not default_registry.encode([base]).classes


@pytest.mark.parametrize("makers", DERIVED.values(), ids=DERIVED)
def test_attributes_that_a_class_adds_count(makers: tuple[Callable[[], Any], Callable[[], Any]]) -> None:
    one, other, same = makers[0](), makers[0](), makers[0]()
    one.note, other.note, same.note = "m", "s", "m"
    assert digest(one) == digest(same) != digest(other)


def test_a_property_of_a_class_of_the_users_says_its_class() -> None:
    assert default_registry.encode(Property(len)).classes == {Property}


def test_what_is_written_on_a_masked_array_counts() -> None:
    """numpy's own place for it goes along with the array, into what is computed from it too."""
    one, other = np.ma.masked_array([1, 2], [0, 1]), np.ma.masked_array([1, 2], [0, 1])
    one._optinfo["unit"] = "m"
    assert digest(one) != digest(other)
