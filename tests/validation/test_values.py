"""Values against annotations at run time: what passes, and what an error points at."""

from __future__ import annotations

import collections
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import (
    IO,
    Annotated,
    Any,
    BinaryIO,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Protocol,
    Self,
    TextIO,
    TypedDict,
    TypeVar,
)

import numpy as np
import pytest
from numpy.typing import NDArray

from merkl.validation import validate_value


class Row(TypedDict):
    a: int
    b: NotRequired[str]


class Pair(NamedTuple):
    a: int
    b: str


@dataclass
class Point:
    x: int


class HasName(Protocol):
    name: str


class Named:
    name = "x"


class Tree(TypedDict):
    size: int
    inner: Tree | None


class Link(NamedTuple):
    value: int
    next: Link | None


UserId = NewType("UserId", int)
Bound = TypeVar("Bound", bound="Point")
OneOf = TypeVar("OneOf", "Point", "Named")

GOOD: list[tuple[Any, Any]] = [
    (1, int),
    (True, int),
    (1, float),
    (1, complex),
    (1.5, complex),
    ("a", str),
    (None, None),
    (None, int | None),
    ([1, 2], list[int]),
    ([], list[int]),
    ((1, "a"), tuple[int, str]),
    ((1, 2, 3), tuple[int, ...]),
    ({"a": 1}, dict[str, int]),
    ({"a": 1}, Mapping[str, float]),
    ([1], Sequence[int]),
    ({1}, set[int]),
    ("a", Literal["a", "b"]),
    ({"a": 1}, Row),
    ({"a": 1, "b": "x"}, Row),
    (Pair(1, "a"), Pair),
    (Point(1), Point),
    (len, Callable[..., int]),
    (Named(), HasName),
    (3, UserId),
    (3, Annotated[int, "anything"]),
    (np.zeros(2), NDArray[np.float64]),
    (object(), Any),
    (io.StringIO(), IO[str]),
    (io.StringIO(), TextIO),
    (io.BytesIO(), BinaryIO),
    ((1, "a", "b"), tuple[int, *tuple[str, ...]]),
    ((1,), tuple[int, *tuple[str, ...]]),
    (("a", "b", 1), tuple[*tuple[str, ...], int]),
    ({"size": 1, "inner": {"size": 2, "inner": None}}, Tree),
    (Link(1, Link(2, None)), Link),
    (collections.ChainMap({"a": 1}), Mapping[str, int]),
]
BAD: list[tuple[Any, Any, str]] = [
    ("1", int, ""),
    (1.5, int, ""),
    (None, int, ""),
    (b"a", str, ""),
    ([1, "a"], list[int], "item 1"),
    ((1, 2), tuple[int, str], "item 1"),
    ((1,), tuple[int, str], ""),
    ({"a": "x"}, dict[str, int], "a"),
    ({1: 1}, dict[str, int], ""),
    ("c", Literal["a", "b"], ""),
    ({"b": "x"}, Row, ""),
    ({"a": "x"}, Row, "a"),
    ([[1], ["x"]], list[list[int]], "item 1"),
    (5, Point, ""),
    (5, Callable[..., int], ""),
    (np.zeros(2, int), NDArray[np.float64], ""),
    ("x", int | None, ""),
    (io.BytesIO(), IO[str], ""),
    ((1, "a", 2), tuple[int, *tuple[str, ...]], "item 2"),
    ((), tuple[int, *tuple[str, ...]], ""),
    ({"size": 1, "inner": {"size": "x", "inner": None}}, Tree, "key 'size' of key 'inner'"),
    (Link(1, Link("x", None)), Link, "field 'value' of field 'next'"),  # type: ignore[arg-type]
    (collections.ChainMap({"a": "x"}), Mapping[str, int], "key 'a'"),
]


@pytest.mark.parametrize("items", ["first", "all"])
@pytest.mark.parametrize(("value", "hint"), GOOD, ids=lambda x: type(x).__name__)
def test_what_fits_passes(value: Any, hint: Any, items: Any) -> None:
    assert validate_value(value, hint, items=items) is None


@pytest.mark.parametrize(("value", "hint", "path"), BAD, ids=lambda x: type(x).__name__)
def test_what_does_not_fit_is_found_and_pointed_at(value: Any, hint: Any, path: str) -> None:
    problem = validate_value(value, hint, items="all")
    assert problem is not None
    assert path in problem.path
    assert problem.expected
    assert problem.actual


def test_first_looks_at_the_first_item_only_and_all_at_every_one() -> None:
    assert validate_value([1, "x"], list[int], items="first") is None
    assert validate_value([1, "x"], list[int], items="all") is not None
    assert validate_value(["x"], list[int], items="off") is None


def test_the_message_reads_as_a_sentence() -> None:
    problem = validate_value([1.0, 2.0, 3.0, "x"], list[float], items="all")
    assert problem is not None
    assert problem.message("xs") == "item 3 of 'xs' is str, wanted float"


def test_a_hint_that_makes_no_sense_passes() -> None:
    assert validate_value(1, "no type", items="all") is None


def test_open_files_are_told_apart_by_what_they_give(tmp_path: Path) -> None:
    """No class of `io` derives from the types that `typing` has for files; text is not bytes all the same."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with open(path, "rb") as binary, open(path) as text, tempfile.NamedTemporaryFile() as temporary:
        for file in (binary, temporary, io.BytesIO()):
            for hint in (BinaryIO, IO[bytes], IO):
                assert validate_value(file, hint) is None
            assert validate_value(file, TextIO) is not None
        assert validate_value(text, TextIO) is None
        assert validate_value(text, IO[bytes]) is not None
        assert validate_value("x", BinaryIO) is not None


@pytest.mark.parametrize("hint", [Bound, OneOf, list[Bound], Bound | None, type[Bound], type[OneOf]])
def test_type_variables_that_name_their_bounds_by_text(hint: Any) -> None:
    """The text that bounds a type variable is looked up in the module of that variable."""
    is_class, is_list = str(hint).startswith("type["), str(hint).startswith("list[")
    good, bad = (Point, Pair) if is_class else (Point(1), Pair(1, "a"))
    assert validate_value([good] if is_list else good, hint) is None
    assert validate_value([bad] if is_list else bad, hint) is not None


@pytest.mark.parametrize(
    ("hint", "wrong"),
    [
        (type[Annotated[int, "years"]], str),
        (type[int | Point], str),
        (type[UserId], 3),
        (type[list[int]], set),
        (type[Any | str], 3),
        (type[Self], 3),
    ],
)
def test_classes_of_all_kinds_of_types(hint: Any, wrong: Any) -> None:
    """`type[...]` takes classes of what stands in it; what cannot be told of a class passes."""
    right = list if "list" in str(hint) else int
    assert validate_value(right, hint) is None
    assert validate_value(wrong, hint) is not None
