"""Run-time checks of values against hints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Protocol, TypedDict

import numpy as np
import numpy.typing as npt
import pytest

from merkl.validation import compile_validator, validate_value

UserId = NewType("UserId", int)


class Row(TypedDict):
    a: int
    b: NotRequired[str]


class Pair(NamedTuple):
    x: int
    ys: list[str]


class Closes(Protocol):
    def close(self) -> None: ...


class Door:
    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (1, int), (True, int), (1, float), (1.0, complex), (None, int | None), ([1, 2.5], list[float]),
        ({"a": 1}, Row), ({"a": 1, "c": 2}, Row), (Pair(1, ["a"]), Pair), (Door(), Closes), (1, UserId),
        ("abc", Sequence[str]), (iter([1]), Iterable[str]), (1, Annotated[int, "note"]), ("a", Literal["a"]),
        (print, Callable[[int], None]), (int, type[int]), (np.zeros(2), npt.NDArray[np.float64]),
        ((1, "a"), tuple[int, str]),
        (object(), Any), ([], list[int]),
    ],
)  # fmt: skip
def test_what_fits_passes(value: object, hint: Any) -> None:
    """No false alarm, at the first item nor at all."""
    assert validate_value(value, hint, items="first") is None
    assert validate_value(value, hint, items="all") is None


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        ([1.0, 2.0, 3.0, "4"], list[float], "item 3 of 'x' is str, wanted float"),
        ({"a": "1"}, Row, "key 'a' of 'x' is str, wanted int"),
        ({}, Row, "'x' is a dict without the key 'a', wanted Row"),
        ({"k": [1, None]}, dict[str, list[int]], "item 1 of key 'k' of 'x' is None, wanted int"),
        (Pair(1, [2]), Pair, "item 0 of field 'ys' of 'x' is int, wanted str"),  # type: ignore[list-item]
        ((1, 2, 3), tuple[int, str], "'x' is a tuple of 3, wanted tuple[int, str]"),
        ("c", Literal["a", "b"], "'x' is 'c', wanted Literal['a', 'b']"),
        (True, Literal[1], "'x' is True, wanted Literal[1]"),
        (1.5, int, "'x' is float, wanted int"),
        (
            np.zeros(2, dtype=np.int32),
            npt.NDArray[np.float64],
            "'x' is an array of int32, wanted an array of float64",
        ),
    ],
)
def test_what_does_not_fit_says_where(value: object, hint: Any, message: str) -> None:
    """The message points inside the value."""
    problem = validate_value(value, hint, items="all")
    assert problem is not None
    assert problem.message("x") == message


def test_how_far_it_looks() -> None:
    """`first` looks at the first item, `all` at each, `off` at nothing."""
    assert validate_value([1, "a"], list[int], items="first") is None
    assert validate_value([1, "a"], list[int], items="all") is not None
    assert validate_value("a", int, items="off") is None


def test_a_value_that_holds_itself_ends() -> None:
    """A cyclic list is no endless loop."""
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    assert compile_validator(list[list[Any]], items="all")(cyclic) is None
