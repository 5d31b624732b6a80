"""Classes of which type checkers know more than the running program: the build-time check never refuses them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, SupportsIndex

import numpy as np
import numpy.typing as npt
import pytest
from typing_extensions import Buffer

from merkl._base.hints import resolve_hints
from merkl.assignability import relate

SOURCE = """\
from __future__ import annotations
from typing import TYPE_CHECKING, Any, Generic, Protocol
from typing_extensions import TypeVar
if TYPE_CHECKING:
    from shapes import Shape as Base
    class Ghost(Protocol):
        def area(self) -> int: ...
else:
    Base = object
    class Ghost: ...
class HasArea(Protocol):
    def area(self) -> int: ...
class Square(Base): ...
class SmallSquare(Square): ...
class Declared:
    if TYPE_CHECKING:
        def area(self) -> int: ...
class Answering:
    if not TYPE_CHECKING:
        def __getattr__(self, name: str) -> Any: ...
class Plain: ...
Same = TypeVar("Same", default="Tree[Any]")
class Tree(Generic[Same]):
    inner: Same
def places(
    square: Square, small: SmallSquare, declared: Declared, answering: Answering, plain: Plain,
    tree: Tree, tree_of_trees: Tree[Tree[int]], area: HasArea, ghost: Ghost, listed: list[Square], areas: list[HasArea],
) -> None: ...
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module above, imported from a file, since what only type checkers see is read from the source."""
    (tmp_path / "checked_shapes.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("checked_shapes")
    del sys.modules["checked_shapes"]


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        ("square", "area", "unknown"),
        ("small", "area", "unknown"),
        ("listed", "areas", "unknown"),
        ("square", "plain", "unknown"),
        ("declared", "area", "unknown"),
        ("declared", "plain", "no"),
        ("plain", "ghost", "unknown"),
        ("plain", "area", "no"),
        ("answering", "area", "no"),
        ("tree_of_trees", "tree", "yes"),
        ("tree", "tree_of_trees", "yes"),
    ],
)
def test_what_stands_under_type_checking(places: Any, source: str, target: str, verdict: str) -> None:
    """What mypy accepts by a base or a member that is not there at run time is not refused."""
    hints = resolve_hints(places.places).parameters
    assert relate(hints[source], hints[target]).verdict.value == verdict


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (np.floating[Any], np.float32, "unknown"),
        (npt.NDArray[np.floating[Any]], npt.NDArray[np.float32], "unknown"),
        (npt.NDArray[np.floating[Any]], npt.NDArray[np.int32], "no"),
        (np.number[Any], np.float32, "no"),
        (np.float32, np.floating[Any], "yes"),
    ],
)
def test_scalars_that_numpy_names_twice(source: Any, target: Any, verdict: str) -> None:
    """In numpy's stubs `float32` is `floating` of one precision, so `floating[Any]` fits; at run time it is a subclass."""
    assert relate(source, target).verdict.value == verdict


class _Named(Protocol):
    name: str


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (np.integer[Any], SupportsIndex, "yes"),
        (np.int64, SupportsIndex, "yes"),
        (np.floating[Any], SupportsIndex, "no"),
        (np.integer[Any], _Named, "no"),
    ],
)
def test_members_that_numpy_leaves_to_scalars(source: Any, target: Any, verdict: str) -> None:
    """numpy's stubs give `integer` an `__index__`, which at run time only the classes below it have."""
    assert relate(source, target).verdict.value == verdict


def test_arrays_are_buffers() -> None:
    """Before Python 3.12 no class written in C says so, and mypy takes them on every version; a class in Python would say it."""
    assert relate(npt.NDArray[np.float64], Buffer).verdict.value != "no"
    assert relate(np.float64, Buffer).verdict.value != "no"
    assert relate(_Named, Buffer).verdict.value == "no"


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (npt.NDArray[np.str_], npt.NDArray[np.floating[Any]], "no"),
        (npt.NDArray[np.datetime64], npt.NDArray[np.float64], "no"),
        (npt.NDArray[np.int64], npt.NDArray[np.number[Any]], "yes"),
        (npt.NDArray[np.str_], npt.NDArray[Any], "yes"),
        (np.ndarray, npt.NDArray[np.float64], "yes"),
        (
            np.ndarray[tuple[int], np.dtype[np.float64]],
            np.ndarray[tuple[int, int], np.dtype[np.float64]],
            "no",
        ),
        (npt.NDArray[np.float64], np.ndarray[tuple[int, int], np.dtype[np.float64]], "yes"),
        (np.dtype[np.str_], np.dtype[np.generic], "yes"),
        (list[npt.NDArray[np.str_]], list[npt.NDArray[np.int64]], "no"),
    ],
)
def test_arrays_by_their_dtype_and_shape(source: Any, target: Any, verdict: str) -> None:
    """As in numpy's stubs, an array and a dtype fit where what they hold fits."""
    assert relate(source, target).verdict.value == verdict
