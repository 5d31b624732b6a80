"""Objects that hold fields: with "all" each field is looked at, and the error points into it."""

from __future__ import annotations

import dataclasses
import enum
import sys
import threading
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, NamedTuple, NotRequired, TypedDict, TypeVar

import attrs
import msgspec
import pydantic
import pytest
import typing_extensions

from merkl.validation import validate_value
from merkl.validation.fields import fields_of

T = TypeVar("T")


@dataclasses.dataclass
class Point:
    x: int
    tags: list[str] = dataclasses.field(default_factory=list)
    kind: typing.ClassVar[int] = 0
    given: dataclasses.InitVar[int] = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    ends: tuple[Point, Point]
    next: Line | None = None


@dataclasses.dataclass
class Labelled(Point):
    label: str = ""


@dataclasses.dataclass
class Box(Generic[T]):
    value: T


@dataclasses.dataclass
class Parent:
    children: list[Child] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Child:
    parent: Parent
    name: Any
    size: int = 0


@attrs.define
class Attrs:
    x: int
    y: str = ""


class Struct(msgspec.Struct):
    x: int
    items: dict[str, float] = {}


class Model(pydantic.BaseModel):
    x: int
    mail: pydantic.PastDate | None = None
    secret: pydantic.SecretStr | None = None


class Row(TypedDict, Generic[T]):
    a: T


class Pair(NamedTuple, Generic[T]):
    a: T
    b: Point


class Closed(typing_extensions.TypedDict, closed=True):
    a: int


class Extra(typing_extensions.TypedDict, extra_items=int):
    a: str


class _Column:
    """A descriptor, of which the annotation speaks, as an ORM has it."""

    def __get__(self, instance: object, owner: type) -> Any:
        return 3

    def __set__(self, instance: object, value: object) -> None: ...


class Shape: ...


@dataclasses.dataclass
class Circle(Shape):
    radius: float


class Squares(Mapping[str, int]):
    def __init__(self, wrong: Any = 1) -> None:
        self.wrong = wrong

    def __getitem__(self, key: str) -> int:
        return 1 if key == "a" else self.wrong  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[str]:
        return iter(["a", "b"])

    def __len__(self) -> int:
        return 2


def _wrong(value: Any, **fields: Any) -> Any:
    for name, content in fields.items():
        object.__setattr__(value, name, content)
    return value


def _held() -> Parent:
    parent = Parent()
    parent.children = [Child(parent, "a"), _wrong(Child(parent, "b"), size="b")]
    return parent


BAD: list[tuple[Any, Any, str]] = [
    (_wrong(Point(1), x="1"), Point, "field 'x' of 'v' is str, wanted int"),
    (Point(1, ["a", 2]), Point, "item 1 of field 'tags' of 'v' is int, wanted str"),  # type: ignore[list-item]
    ([Point(1), _wrong(Point(1), x=None)], list[Point], "field 'x' of item 1 of 'v' is None, wanted int"),
    (
        {"k": Line((Point(1), Point("2")))},  # type: ignore[arg-type]
        dict[str, Line],
        "field 'x' of item 1 of field 'ends' of key 'k' of 'v' is str, wanted int",
    ),
    (Line((Point(1), Point(1)), Line((Point(1), 2))), Line, "item 1 of field 'ends' of field 'next' of 'v' is int, wanted Point"),  # type: ignore[arg-type]
    (_wrong(Labelled(1), label=2), Point, "field 'label' of 'v' is int, wanted str"),
    ([Labelled(1), Point("x")], list[Point], "field 'x' of item 1 of 'v' is str, wanted int"),  # type: ignore[arg-type]
    (Box("a"), Box[int], "field 'value' of 'v' is str, wanted int"),
    ([Box(1), Box("a")], list[Box[int]], "field 'value' of item 1 of 'v' is str, wanted int"),
    (Attrs("x"), Attrs, "field 'x' of 'v' is str, wanted int"),  # type: ignore[arg-type]
    (Struct(1, {"a": "b"}), Struct, "key 'a' of field 'items' of 'v' is str, wanted float"),  # type: ignore[dict-item]
    (Model.model_construct(x="1"), Model, "field 'x' of 'v' is str, wanted int"),
    ({"a": "x"}, Row[int], "key 'a' of 'v' is str, wanted int"),
    (Pair(1, Point("x")), Pair[int], "field 'x' of field 'b' of 'v' is str, wanted int"),  # type: ignore[arg-type]
    (Pair("a", Point(1)), Pair[int], "field 'a' of 'v' is str, wanted int"),
    ([None, Point(1), _wrong(Point(1), x=1j)], list[Point | None], "field 'x' of item 2 of 'v' is complex, wanted int"),
    (Circle("wide"), Shape, "field 'radius' of 'v' is str, wanted float"),  # type: ignore[arg-type]
    ([Circle(1.0), Circle("w")], list[Shape], "field 'radius' of item 1 of 'v' is str, wanted float"),  # type: ignore[arg-type]
    ({"a": 1, "b": 2}, Closed, "'v' is a dict with the key 'b', wanted Closed"),
    ({"a": "", "b": "2"}, Extra, "key 'b' of 'v' is str, wanted int"),
    ({"a": 1, 2: 2}, Row[int], "'v' is a dict with the key 2, wanted Row[int]"),
    (Squares("x"), Mapping[str, int], "key 'b' of 'v' is str, wanted int"),
    (_held(), Parent, "field 'size' of item 1 of field 'children' of 'v' is str, wanted int"),
]  # fmt: skip

GOOD: list[tuple[Any, Any]] = [
    (Point(1, ["a"]), Point),
    ([Point(i) for i in range(3)], list[Point]),
    (Line((Point(1), Point(1)), Line((Point(1), Point(2)))), Line),
    (Labelled(1, ["x"], label="a"), Point),
    (Box("a"), Box),
    (Box([1]), Box[list[int]]),
    (Attrs(1, "a"), Attrs),
    (Struct(1, {"a": 1}), Struct),
    (Model(x=1, mail="2020-01-01", secret="s"), Model),  # type: ignore[arg-type]
    ({"a": 1}, Row[int]),
    (Pair("a", Point(1)), Pair[str]),
    ([None, Point(1)], list[Point | None]),
    (Circle(1.0), Shape),
    ([Shape(), Circle(1)], list[Shape]),
    ({"a": 1}, Closed),
    ({"a": "", "b": 2}, Extra),
    (Squares(), Mapping[str, int]),
    ((1, "a"), typing.Tuple),  # noqa: UP006
    (list[int], type),
    (True, typing_extensions.TypeIs[int]),
]


@pytest.mark.parametrize(("value", "hint", "message"), BAD, ids=[b[2][:40] for b in BAD])
def test_a_wrong_field_is_found_and_pointed_at(value: Any, hint: Any, message: str) -> None:
    """The path leads through objects and containers to the very value."""
    problem = validate_value(value, hint, items="all")
    assert problem is not None
    assert problem.message("v") == message


@pytest.mark.parametrize(("value", "hint"), GOOD)
def test_no_false_alarm(value: Any, hint: Any) -> None:
    """What fits passes, at the first item and in full."""
    assert validate_value(value, hint, items="all") is None
    assert validate_value(value, hint, items="first") is None


def test_a_hint_without_a_hash_is_compiled_too() -> None:
    """What `Annotated` carries may be a list."""
    assert validate_value(Box("a"), Box[typing.Annotated[int, []]], items="all") is not None


def test_the_first_item_looks_into_no_object() -> None:
    """Only `all` asks for the fields."""
    assert validate_value(_wrong(Point(1), x="1"), Point, items="first") is None


def test_objects_that_hold_each_other_are_looked_at_once() -> None:
    """A parent that its children know ends, and so does a diamond thirty levels high."""
    parent = Parent()
    parent.children = [Child(parent, "a") for _ in range(3)]
    assert validate_value(parent, Parent, items="all") is None
    box: Any = Box(1)
    for _ in range(30):
        box = Box([box, box])
    assert validate_value(box, Box[list[Any]], items="all") is None


def test_a_member_of_a_union_that_refused_does_not_silence_the_next() -> None:
    """An object is looked at anew for each member, since they may differ in what the fields may be."""
    assert validate_value(Box("a"), Box[int] | Box[float], items="all") is not None
    assert validate_value(Box("a"), Box[int] | Box[str], items="all") is None


def test_a_field_behind_a_descriptor_or_not_set_is_left_alone() -> None:
    """The annotation is that of the descriptor, and what is not there cannot be wrong."""

    @dataclasses.dataclass
    class Mapped:
        x: int
        y: int = dataclasses.field(init=False)

    Mapped.x = _Column()  # type: ignore[assignment]
    assert fields_of(Mapped) == [("y", int)]
    assert validate_value(Mapped(1), Mapped, items="all") is None


def test_a_class_that_derives_from_any_is_anything() -> None:
    """Type checkers take its instances everywhere."""
    loose: Any = type("Loose", (typing.Any,), {})
    assert validate_value([loose()], list[int], items="all") is None


def test_threads_do_not_see_each_others_walks() -> None:
    """The same object is looked at in full in each of several threads at once."""
    value = [_wrong(Point(1), x=None)] * 200
    found: list[object] = []

    def look() -> None:
        found.extend(validate_value(value, list[Point], items="all") for _ in range(20))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert all(found)


class Level(enum.Enum):
    LOW = 1


_Keys = TypedDict("_Keys", {"{}": int, "it's": NotRequired[str]})


@pytest.mark.parametrize(
    ("hint", "right", "wrong"),
    [
        (list[list[float]], [1.5, 2], [1.5, "x"]),
        (list[Point], Point(1), Point("x")),  # type: ignore[arg-type]
        (list[tuple[int, str]], (1, "a"), (1, 2)),
        (list[dict[str, int]], {"a": 1}, {"a": None}),
        (Sequence[Row[int]], {"a": 1}, {"a": "x"}),
        (list[Pair[int]], Pair(1, Point(1)), Pair(1, Point("x"))),  # type: ignore[arg-type]
        (list[int | list[str] | None], ["a"], [1]),
        (list[Level | list[Level]], Level.LOW, [1]),
        (list[Literal[1, "a", None]], 1, True),
        (list[Literal["a", "b"]], "a", ["a"]),
        (list[Literal["a"] | None], None, "b"),
        (list[_Keys], {"{}": 1, "it's": "x"}, {"{}": 1, "it's": 2}),
        (list[_Keys], {"{}": True}, {"it's": "x"}),
        (list[_Keys], {"{}": 1, "more": 2}, {"{}": 1, 2: 3}),
        (list[_Keys], {"{}": 1}, {"more": 1}),
    ],
)
def test_many_values_at_once_are_judged_as_one_by_one(hint: Any, right: Any, wrong: Any) -> None:
    """The bulk check finds one wrong value among a thousand, at whatever place, and nothing where all is right."""
    values = [right] * 1000
    assert validate_value(values, hint, items="all") is None
    for place in (0, 500, 999):
        spoiled = list(values)
        spoiled[place] = wrong
        problem = validate_value(spoiled, hint, items="all")
        assert problem is not None
        assert f"item {place}" in problem.path


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax of type parameters")
def test_type_parameters_in_the_new_notation() -> None:
    """A class with type parameters knows its fields' types."""
    names: dict[str, Any] = {"__name__": "made_here"}
    source = "import dataclasses\n@dataclasses.dataclass\nclass New[T]:\n    v: T\n"
    exec(compile(source, "made_here", "exec", dont_inherit=True), names)
    assert validate_value(names["New"]("a"), names["New"][int], items="all") is not None
    assert validate_value(names["New"]("a"), names["New"][str], items="all") is None
