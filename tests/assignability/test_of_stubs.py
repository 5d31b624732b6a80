"""The build-time relation on what stubs say of classes and the classes do not: members of object, bases, fields."""

from __future__ import annotations

import decimal
import unittest.mock
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Protocol, SupportsBytes, SupportsIndex

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from merkl.assignability import relate


class Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...


class HashedToo(Protocol):
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...


class Backwards(Protocol):
    def __reversed__(self) -> Iterator[int]: ...


class Formats(Protocol):
    def __format__(self, spec: str, /) -> str: ...


class Rate(Protocol):
    @property
    def rate(self) -> float: ...


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (list[int], Ordered, "yes"),
        (dict[str, int], Ordered, "no"),
        (list[int], HashedToo, "no"),
        (str, HashedToo, "yes"),
        (tuple[int, ...], Backwards, "yes"),
        (tuple[int, str], Backwards, "no"),
        (bytes, Backwards, "yes"),
        (str, Backwards, "no"),
        (int, Formats, "yes"),
        (type[int], Formats, "yes"),
        (type[unittest.mock.Mock], Rate, "yes"),
        (decimal.DecimalTuple, Sequence[str], "no"),
        (decimal.DecimalTuple, tuple[int, tuple[int, ...], Any], "yes"),
        (tuple[int, float], npt.ArrayLike, "yes"),
        (list[tuple[np.int8, np.float64]], npt.ArrayLike, "yes"),
        (npt.ArrayLike, npt.NDArray[np.float64], "no"),
        (npt.ArrayLike, Rate, "no"),
        (npt.NDArray[np.int64], SupportsBytes, "no"),
        (np.generic, SupportsIndex, "no"),
        (pd.DataFrame, Hashable, "no"),
        (pd.DataFrame, npt.ArrayLike, "yes"),
    ],
)
def test_as_mypy_judges(source: Any, target: Any, verdict: str) -> None:
    assert relate(source, target).verdict.value == verdict
