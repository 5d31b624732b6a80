"""The build-time relation on pairs that random types rarely make."""

from __future__ import annotations

import enum
import subprocess
import sys
import typing
import unittest.mock
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Concatenate,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    TypeVarTuple,
    Union,
    overload,
)

import pytest
from typing_extensions import TypeAliasType
from typing_extensions import TypedDict as ClosableTypedDict

from merkl._base.hints import resolve_hints
from merkl.assignability import Verdict, relate

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")
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


class Job(Generic[P, T_co]):
    def run(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        raise NotImplementedError


class Many(Generic[T, *Ts]):
    value: T


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (bool, int, "yes"),
        (int, complex, "yes"),
        (float, int, "no"),
        (list[int], list[float], "no"),
        (tuple[Any, ...], tuple[int, str], "yes"),
        (tuple[tuple[Any, ...], ...], tuple[int, str], "no"),
        (list[int], Sequence[float], "yes"),
        (Row, Mapping[str, object], "yes"),
        (Row, dict[str, int], "no"),
        (UserId, int, "yes"),
        (Callable[[float, typing.Unpack[Any]], int], Callable[[float, str], int], "yes"),  # type: ignore[misc]
        (Callable[[float, typing.Unpack[Any]], int], Callable[[str], int], "no"),  # type: ignore[misc]
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
        (Job[[object], bool], Job[[int], int], "yes"),
        (Job[[int], bool], Job[[str], int], "no"),
        (Job[..., int], Job[[str], int], "yes"),
        (Job[Concatenate[int, ...], int], Job[[int, str], int], "yes"),
        (Job[Concatenate[int, ...], int], Job[[str], int], "no"),
        (Callable[Concatenate[int, ...], int], Callable[[int, str], int], "yes"),
        (Many[int, str, bool], Many[int, object, int], "yes"),
        (Many[int, str], Many[int, str, bool], "no"),
        (Many[int], Many[int], "yes"),
        (tuple[int, *tuple[bool, ...]], tuple[int, *tuple[int, ...]], "yes"),
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
    """Nonsense in an annotation raises nothing and refuses nothing, in either place."""
    for target in (int, Closes, list[int], Row):
        assert relate(form, target).verdict is not Verdict.NO
        assert relate(target, form).verdict is not Verdict.NO


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


def test_a_verdict_is_remembered() -> None:
    """The same pair is worked out once, hashable or written anew."""
    first = relate(dict[str, list[bool]], Mapping[str, Sequence[int]])
    assert relate(dict[str, list[bool]], Mapping[str, Sequence[int]]) is first


def test_a_class_that_misbehaves_when_looked_at_is_no_error() -> None:
    """A metaclass may raise anything; the verdict is then at worst unknown."""

    class Meta(type):
        def __getattr__(cls, name: str) -> Any:
            raise RuntimeError(name)

        def __instancecheck__(cls, instance: object) -> bool:
            raise RuntimeError

        def __subclasscheck__(cls, subclass: type) -> bool:
            raise RuntimeError

        def __eq__(cls, other: object) -> bool:
            raise RuntimeError

        def __hash__(cls) -> int:
            return 1

    class Odd(metaclass=Meta): ...

    for other in (int, Closes, Row, list[int], Callable[[], int], Union[int, None]):  # noqa: UP007
        relate(Odd, other)
        relate(other, Odd)
        relate(list[Odd], Sequence[other])  # type: ignore[valid-type]


class _Letter(enum.StrEnum):
    A = "a"


@pytest.mark.parametrize("wanted", [Iterable[_Letter], Iterable[str], Collection[_Letter]])
def test_an_enumeration_may_be_iterated_over(wanted: Any) -> None:
    """What a metaclass gives to some classes only is in doubt, and what is in doubt is not refused."""
    assert relate(type[_Letter], wanted).verdict is not Verdict.NO


def test_a_class_that_no_metaclass_makes_iterable_is_refused() -> None:
    """A class with the usual metaclass has no items."""
    assert relate(type[int], Iterable[int]).verdict is Verdict.NO


FwdId = NewType("FwdId", "int")  # type: ignore[valid-newtype]


class SelfList(list["SelfList"]): ...


class RecursiveTuple(tuple[int, "RecursiveTuple | None"]): ...


class Link(NamedTuple):
    value: int
    next: Link | None


class Twice(tuple[T, T]): ...


class TwiceListed(Twice[list[T]]): ...


class Packed(tuple[*Ts]): ...


class Runs(Protocol[P]):
    def go(self, a: int, /, *args: P.args, **kwargs: P.kwargs) -> int: ...


class Runner:
    def go(self, a: int, b: str) -> int:
        return a


class Keyed(TypedDict, Generic[T]):
    a: T


class KeyedMore(Keyed[list[T]], Generic[T]):
    b: T


class ClosedRow(ClosableTypedDict, closed=True):
    a: int


class StillClosed(ClosedRow): ...


class Overloads(Protocol):
    @overload
    def make(self, a: int) -> int: ...
    @overload
    def make(self, a: str) -> str: ...


class MakesBytes:
    @overload
    def make(self, a: int) -> int: ...
    @overload
    def make(self, a: bytes) -> str: ...
    def make(self, a: Any) -> Any: ...


class Positional(Protocol):
    def __call__(self, __a: int) -> str: ...


class Called:
    def __call__(self, other: int) -> str:
        return ""


class NamedFunction(Protocol):
    __name__: str

    def __call__(self, a: int, /) -> object: ...


Listed = TypeAliasType("Listed", Callable[P, T], type_params=(P, T))
Spread = TypeAliasType("Spread", tuple[int, *Ts], type_params=(Ts,))


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (FwdId, int, "yes"),
        (FwdId, str, "no"),
        (SelfList, list[SelfList], "yes"),
        (SelfList, list[int], "no"),
        (RecursiveTuple, tuple[int, object], "yes"),
        (RecursiveTuple, tuple[int, int], "no"),
        (Link, tuple[int, Union[Link, None]], "yes"),  # noqa: UP007
        (Link, tuple[int, str], "no"),
        (typing.Tuple, tuple[int, str], "yes"),  # noqa: UP006
        (tuple[int, str], typing.Tuple, "yes"),  # noqa: UP006
        (TwiceListed[int], tuple[list[int], list[int]], "yes"),
        (TwiceListed[int], Twice[object], "no"),
        (Packed[int, str], tuple[int, str], "yes"),
        (Packed[int, str], Packed[int, int], "no"),
        (Many[int], Many[int, str], "no"),
        (Runner, Runs[[str]], "yes"),
        (Runner, Runs[[]], "no"),
        (Runner, Runs[...], "yes"),
        (KeyedMore[int], Keyed[list[int]], "yes"),
        (KeyedMore[int], Keyed[int], "no"),
        (Row, StillClosed, "no"),
        (StillClosed, Row, "yes"),
        (MakesBytes, Overloads, "no"),
        (Called, Positional, "yes"),
        (Callable[[int], str], NamedFunction, "yes"),
        (Callable[[str], str], NamedFunction, "no"),
        (Callable[..., Any], NamedFunction, "yes"),
        (unittest.mock.Mock, int, "yes"),
        (unittest.mock.Mock, FwdId, "yes"),
        (unittest.mock.Mock, None, "no"),
        (type, NamedFunction, "no"),
        (Listed[[int], str], Callable[[int], object], "yes"),
        (Listed[[int], str], Callable[[str], object], "no"),
        (Spread[str], tuple[int, str], "yes"),
        (Spread[str], tuple[int, int], "no"),
        (list[Spread[()]], list[tuple[int]], "yes"),
    ],
)
def test_what_other_projects_write(source: Any, target: Any, verdict: str) -> None:
    """Forms met in mypy's own tests and the conformance suite of typing, judged as mypy judges them."""
    assert relate(source, target).verdict.value == verdict
