"""The build-time relation on pairs that random types rarely make."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, NewType, Protocol, TypedDict, TypeVar, Union

import pytest

from merkl._base.hints import resolve_hints
from merkl.assignability import Verdict, relate

T = TypeVar("T")
Bound = TypeVar("Bound", bound=int)
Picked = TypeVar("Picked", int, str)
UserId = NewType("UserId", int)
Tree = Union[int, "list[Tree]"]


class Row(TypedDict):
    a: int


class Closes(Protocol):
    def close(self) -> None: ...


class Door:
    def close(self) -> None: ...


class Box(Generic[T]):
    value: T


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (bool, int, "yes"),
        (int, complex, "yes"),
        (float, int, "no"),
        (list[int], list[float], "no"),
        (list[int], Sequence[float], "yes"),
        (Row, Mapping[str, object], "yes"),
        (Row, dict[str, int], "no"),
        (UserId, int, "yes"),
        (int, UserId, "no"),
        (Literal[True], Literal[1], "no"),
        (bool, Literal[True, False], "yes"),
        (Door, Closes, "yes"),
        (Box[Any], Box[int], "yes"),
        (Box[bool], Box[int], "no"),
        (bytearray, bytes, "no"),
        (Callable[[object], bool], Callable[[int], int], "yes"),
        (Callable[[int], int], Callable[[int, int], int], "no"),
        (Annotated[int, []], Annotated[float, {}], "yes"),
        (int, T, "yes"),
        (int, Bound, "yes"),
        (str, Bound, "no"),
        (bytes, Picked, "no"),
        (T, int, "unknown"),
        (Bound, int, "yes"),
        (Picked, bytes, "no"),
    ],
)
def test_verdicts(source: Any, target: Any, verdict: str) -> None:
    """Each pair has the verdict that the typing rules give it."""
    assert relate(source, target).verdict.value == verdict


def test_classes_inside_functions_and_forward_references() -> None:
    """A class local to a function relates as any other, named by a string or not."""

    class Local: ...

    class Sub(Local): ...

    def use(x: list[Local], y: Sequence[Local], z: list[Sub]) -> None: ...

    hints = resolve_hints(use).parameters
    assert relate(hints["x"], hints["y"]).verdict is Verdict.YES
    assert relate(hints["z"], hints["y"]).verdict is Verdict.YES
    assert relate(hints["z"], hints["x"]).verdict is Verdict.NO


def test_recursive_aliases_end() -> None:
    """An alias that refers to itself is compared with itself and with what it holds."""

    def use(x: Tree, y: list[Tree], z: list[list[str]]) -> None: ...

    hints = resolve_hints(use).parameters
    assert relate(hints["y"], hints["x"]).verdict is Verdict.YES
    assert relate(hints["x"], hints["y"]).verdict is Verdict.NO
    assert relate(hints["z"], hints["x"]).verdict is Verdict.NO


def test_a_refusal_says_why() -> None:
    """The reason names both sides and the remedy for an invariant container."""
    assert "Sequence would take it" in relate(list[int], list[float]).reason


@pytest.mark.parametrize("form", ["text", 3, [], {}, ..., object(), lambda: None])
def test_what_is_no_type_is_never_an_error(form: Any) -> None:
    """Nonsense relates to nothing, and raises nothing."""
    for target in (int, Closes, list[int], Row):
        relate(form, target)
        relate(target, form)


def test_the_usual_pairs_load_no_rules() -> None:
    """Classes, numbers and unions are settled without the engine, typeshed and pycroscope."""
    code = (
        "import sys; from merkl.assignability import relate; relate(bool, int); relate(int, float);"
        "relate(str, str | None); relate(int, object);"
        "print([m for m in sys.modules if 'assignability.rules' in m or 'typeshed' in m or 'pycroscope' in m])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
