"""Which annotations promise that no object of a user's class is in a value."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import numpy as np
import numpy.typing as npt
import pytest

from merkl import FileRef
from merkl._base.plain_data import is_plain_data


class Row(TypedDict):
    name: str
    scores: NotRequired[list[float]]


class Loose(TypedDict):
    item: object


PLAIN = [
    None, int, str | None, tuple[int, ...], dict[str, list[bytes]], Literal["a", 1], Annotated[int, "unit"],
    npt.NDArray[np.float64], np.float32, FileRef, Row,
]  # fmt: skip
OPEN = [Any, object, list, list[Any], type, Exception, np.ndarray, npt.NDArray[np.object_], Loose, "int"]


@pytest.mark.parametrize("hint", PLAIN, ids=repr)
def test_plain(hint: Any) -> None:
    """Scalars, containers of them, arrays of numbers, and files."""
    assert is_plain_data(hint)


@pytest.mark.parametrize("hint", OPEN, ids=repr)
def test_open(hint: Any) -> None:
    """Whatever may be, or hold, an object of any class."""
    assert not is_plain_data(hint)
