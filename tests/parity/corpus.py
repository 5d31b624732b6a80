"""The functions and the values that the differential test of the plugin draws its calls from."""

from __future__ import annotations

PRELUDE = """
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Any, AnyStr, Concatenate, Generic, Literal, NamedTuple, NewType, NotRequired, Optional, ParamSpec, Protocol, Self,
    TypedDict, TypeVar, TypeVarTuple, Union, Unpack, overload,
)
{imports}

T = TypeVar("T")
S = TypeVar("S")
N = TypeVar("N", bound=float)
X = TypeVar("X", int, str)
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")
UserId = NewType("UserId", int)
Json = Union[int, str, None, list["Json"], dict[str, "Json"]]


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Base:
    size: int = 1

    def area(self) -> float:
        return 1.0


class Derived(Base):
    name: str = ""


class HasArea(Protocol):
    def area(self) -> float: ...


class SizedThing(Protocol):
    @property
    def size(self) -> int: ...


class Box(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item


@dataclass
class Point:
    x: int
    y: float = 0.0


@dataclass
class Pair(Generic[T]):
    left: T
    right: T


class Row(NamedTuple):
    key: str
    count: int


class Options(TypedDict):
    size: int
    name: str


class Partial(TypedDict):
    size: int
    name: NotRequired[str]


def key_of(value: int) -> str:
    return str(value)


def twice(value: T) -> T:
    return value
"""

# name of a variable -> its declared type (an expression of that type stands behind it)
VALUES = {
    "int_": "int",
    "str_": "str",
    "float_": "float",
    "bool_": "bool",
    "bytes_": "bytes",
    "none_": "None",
    "opt_int": "Optional[int]",
    "int_or_str": "Union[int, str]",
    "ints": "list[int]",
    "floats": "list[float]",
    "strs": "list[str]",
    "nested": "list[list[int]]",
    "by_name": "dict[str, int]",
    "lists_by_name": "dict[str, list[int]]",
    "pair": "tuple[int, str]",
    "many": "tuple[int, ...]",
    "int_set": "set[int]",
    "lit_a": "Literal['a']",
    "lit_ab": "Literal['a', 'b']",
    "lit_1": "Literal[1]",
    "color": "Color",
    "user": "UserId",
    "row": "Row",
    "options": "Options",
    "partial_": "Partial",
    "point": "Point",
    "pair_int": "Pair[int]",
    "box_int": "Box[int]",
    "base": "Base",
    "derived": "Derived",
    "anything": "Any",
    "obj": "object",
    "seq": "Sequence[int]",
    "mapping": "Mapping[str, float]",
    "iterable": "Iterable[str]",
    "fn_int_str": "Callable[[int], str]",
    "type_int": "type[int]",
    "type_base": "type[Base]",
    "json": "Json",
    "opt_list": "Optional[list[int]]",
    "bases": "list[Base]",
    "deriveds": "list[Derived]",
}

# Containers whose items may be Futures: name of the variable of Futures -> (name of the plain one, type).
FUTURE_CONTAINERS = {
    "ints": "list[Future[int]]",
    "strs": "list[Future[str]]",
    "nested": "list[list[Future[int]]]",
    "by_name": "dict[str, Future[int]]",
    "pair": "tuple[Future[int], Future[str]]",
    "many": "tuple[Future[int], ...]",
    "int_set": "set[Future[int]]",
    "seq": "Sequence[Future[int]]",
    "mapping": "Mapping[str, Future[float]]",
    "pair_int": "Pair[Future[int]]",
    "lists_by_name": "dict[str, Future[list[int]]]",
    "opt_int": "Optional[Future[int]]",
    "int_or_str": "Union[Future[int], Future[str]]",
}

# Containers that mypy would join to `object`: name of the plain variable -> what is assigned to the one of values and Futures.
JOINED = {
    "ints": "[int_, f_int_]",
    "floats": "[f_float_, float_, f_float_]",
    "strs": "[str_, f_str_]",
    "nested": "[[int_, f_int_], [f_int_], [int_]]",
    "by_name": "{str_: int_, 'b': f_int_}",
    "lists_by_name": "{'a': [int_, f_int_], 'b': ints}",
    "int_set": "{int_, f_int_}",
    "bases": "[base, f_base]",
    "deriveds": "[f_derived, derived]",
}

FUNCTIONS = """
@task
def one(x: int) -> int: ...
@task
def two(x: int, y: str) -> float: ...
@task
def defaults(x: int, y: str = "", *, z: float = 0.0) -> str: ...
@task
def pos_only(x: int, y: str, /, z: float = 0.0) -> int: ...
@task
def kw_only(*, x: int, y: str = "") -> int: ...
@task
def stars(*xs: int) -> list[int]: ...
@task
def double_stars(**xs: float) -> dict[str, float]: ...
@task
def all_kinds(x: int, /, y: str, *xs: float, z: bool = False, **rest: str) -> None: ...
@task
def typed_kwargs(**options: Unpack[Options]) -> int: ...
@task
def typed_kwargs_and(x: int, **options: Unpack[Partial]) -> int: ...
@task
def variadic(*xs: Unpack[Ts]) -> tuple[int, Unpack[Ts]]: ...
@task
def variadic_fn(fn: Callable[[Unpack[Ts]], S], *xs: Unpack[Ts]) -> S: ...
@task
def apply(fn: Callable[P, S], *args: P.args, **kwargs: P.kwargs) -> S: ...
@task
def apply_first(fn: Callable[Concatenate[int, P], S], *args: P.args, **kwargs: P.kwargs) -> S: ...
@task
def identity(x: T) -> T: ...
@task
def same(x: T, y: T) -> T: ...
@task
def both(x: T, y: S) -> dict[str, T | S]: ...
@task
def bounded(x: N) -> N: ...
@task
def bounded_list(xs: list[N]) -> N: ...
@task
def constrained(x: X, y: X) -> X: ...
@task
def joined(x: AnyStr, y: AnyStr) -> AnyStr: ...
@task
def first(xs: list[T]) -> T: ...
@task
def first_or(xs: Sequence[T], default: S) -> T | S: ...
@task
def lookup(table: dict[str, T], key: str) -> T: ...
@task
def look(table: Mapping[str, T], default: T | None = None) -> T: ...
@task
def optional(x: Optional[int] = None) -> int: ...
@task
def opt_generic(x: Optional[T]) -> T: ...
@task
def union(x: int | str | list[int]) -> int: ...
@task
def union_generic(x: T | list[T]) -> T: ...
@task
def list_int(xs: list[int]) -> int: ...
@task
def list_float(xs: list[float]) -> float: ...
@task
def seq_float(xs: Sequence[float]) -> float: ...
@task
def iter_float(xs: Iterable[float]) -> float: ...
@task
def list_list(xs: list[list[float]]) -> float: ...
@task
def list_union(xs: list[int | str]) -> int: ...
@task
def list_optional(xs: list[int | None]) -> int: ...
@task
def list_any(xs: list[Any]) -> int: ...
@task
def bare_list(xs: list) -> int: ...  # type: ignore[type-arg]
@task
def set_int(xs: set[int]) -> int: ...
@task
def frozen(xs: frozenset[int]) -> int: ...
@task
def dict_float(xs: dict[str, float]) -> float: ...
@task
def dict_list(xs: dict[str, list[float]]) -> float: ...
@task
def mapping_obj(xs: Mapping[str, object]) -> int: ...
@task
def fixed(x: tuple[int, str]) -> int: ...
@task
def fixed_float(x: tuple[float, str]) -> int: ...
@task
def homogeneous(x: tuple[float, ...]) -> int: ...
@task
def tuple_generic(x: tuple[T, S]) -> dict[str, T]: ...
@task
def nested_tuple(x: tuple[int, list[tuple[str, float]]]) -> int: ...
@task
def literal(x: Literal["a", "b"]) -> int: ...
@task
def literal_list(xs: list[Literal["a", "b"]]) -> int: ...
@task
def color_of(x: Color) -> int: ...
@task
def red_only(x: Literal[Color.RED]) -> int: ...
@task
def user_of(x: UserId) -> UserId: ...
@task
def users(xs: list[UserId]) -> int: ...
@task
def typed_dict(x: Options) -> int: ...
@task
def typed_dict_list(xs: list[Options]) -> int: ...
@task
def typed_dict_partial(x: Partial) -> int: ...
@task
def named_tuple(x: Row) -> str: ...
@task
def dataclass_of(x: Point) -> float: ...
@task
def generic_dataclass(x: Pair[T]) -> T: ...
@task
def pair_float(x: Pair[float]) -> float: ...
@task
def box_generic(x: Box[T]) -> T: ...
@task
def protocol(x: HasArea) -> float: ...
@task
def protocol_prop(x: SizedThing) -> float: ...
@task
def protocols(xs: Sequence[HasArea]) -> float: ...
@task
def a_class(x: type[Base]) -> Base: ...
@task
def a_class_generic(x: type[T]) -> T: ...
@task
def callback(fn: Callable[[int], str]) -> int: ...
@task
def callback_generic(fn: Callable[[T], S], x: T) -> S: ...
@task
def callback_list(fn: Callable[[T], S], xs: list[T]) -> list[S]: ...
@task
def callback_kw(x: int, fn: Callable[[int, str], float] = ...) -> int: ...
@task
def an_object(x: object) -> int: ...
@task
def an_any(x: Any) -> int: ...
@task
def unannotated(x, y=1):  # type: ignore[no-untyped-def]
    ...
@task
def recursive(x: Json) -> Json: ...
@task
def list_base(xs: list[Base]) -> int: ...
@task
def seq_base(xs: Sequence[Base]) -> int: ...
@task
def dict_union(xs: dict[str, int | list[int]]) -> int: ...
@task
def kw_dict(x: int, table: dict[str, Any] | None = None) -> int: ...
@task
def fl(x: float, y: complex = 0) -> float: ...
@task
def by(b: bytes) -> str: ...
@task
def empty_list() -> list[T]: ...
@task
def key_fn(xs: Iterable[T], key: Callable[[T], int]) -> list[T]: ...


class Holder(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item

    @task
    def plain(self, x: int, y: str = "") -> float: ...
    @task
    def of_item(self, x: T) -> T: ...
    @task
    def of_items(self, xs: list[T], other: S) -> dict[str, T | S]: ...
    @task
    def chain(self: Self, other: Self) -> int: ...
    @staticmethod
    @task
    def static(x: int, *xs: str) -> str: ...
    @classmethod
    @task
    def made(cls, x: int) -> float: ...


class SubHolder(Holder[int]):
    pass


holder = Holder("")
sub = SubHolder(1)
"""

CALLABLES = [
    *(line[4 : line.index("(")] for line in FUNCTIONS.splitlines() if line.startswith("def ")),
    "holder.plain", "holder.of_item", "holder.of_items", "holder.static", "holder.made", "Holder.made",
    "Holder.static", "sub.of_item", "sub.of_items", "sub.plain", "sub.chain", "Holder.plain",
]  # fmt: skip
