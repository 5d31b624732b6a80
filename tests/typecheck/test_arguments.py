"""Arguments that choose, name or unpack: Futures in them are judged as the values in the same plain call."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

SOURCE = """
from typing import TypedDict, TypeVar, TypeVarTuple
from merkl import Future, task
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
class Row(TypedDict):
    size: int
class Base: ...
def flag() -> bool: return True
@task
def same(x: T) -> T: return x
@task
def row(x: Row) -> int: return 1
@task
def base(x: Base | None) -> int: return 1
@task
def pair(x: object) -> int: return 1
@task
def spread(*xs: *Ts) -> list[tuple[*Ts]]: return []
@task
def fixed(x: int, *xs: *tuple[int, *tuple[str, ...], int]) -> int: return 1
names = task(sorted)
kinds: list[type | None]
text: str | None
fr: Future[Row]
fi: Future[int]
fs: Future[str]
fb: Future[bytes]

row(dict(size=1) or fr)
row(flag() and Row(size=1) or fr)
row(flag() and fr)  # E: arg-type
base(flag() and Base() or same(Base()))  # E: arg-type
base(Base() if flag() else same(None))
reveal_type(names(kind and kind.__name__ or "" for kind in kinds))  # T: Future[list[str]]
reveal_type(names([text is None or text.upper(), fs]))  # T: Future[list[Literal[True] | str]]
names([text is None and text.upper()])  # E: attr-defined
pair(text or [text.upper(), fs])  # E: union-attr
pair((found := same([])))  # E: var-annotated
reveal_type(spread(fi, *(1, 2), *(fs, fi)))  # T: Future[list[tuple[int, Literal[1]?, Literal[2]?, str, int]]]
fixed(fi, *(1, "a"), *(fs, fi))
fixed(fi, *(1, "a"), *(fb, fi))  # E: arg-type
fixed(fs, *(1, "a"), *("b", 3))  # E: arg-type
"""

OBJECTS = """
import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, NewType, TypedDict, TypeVar
from merkl import Future, task
T = TypeVar("T")
@dataclass
class Box(Generic[T]):
    item: T
class Row(NamedTuple):
    size: int
    names: list[str] = []
class Keys(TypedDict):
    size: int
IntBox = Box[int]
Ints = list[int]
RowAlias = Row
KeysAlias = Keys
UserId = NewType("UserId", int)
class Holder:
    Kind = Row
    def own(self, f: Future[int]) -> None:
        row(self.Kind(f))
@task
def box(x: Box[int]) -> int: return 1
@task
def row(x: Row) -> int: return 1
@task
def keys(x: Keys) -> int: return 1
@task
def total(xs: list[int]) -> int: return 1
@task
def table(xs: typing.OrderedDict[str, int]) -> int: return 1
@task
def user(x: UserId) -> int: return 1
f: Future[int]
fs: Future[str]
box(IntBox(f)); row(RowAlias(f, [fs])); keys(KeysAlias(size=f)); row(Holder.Kind(f)); user(UserId(f))
total(Ints([1, f])); total(typing.List([1, f])); table(typing.OrderedDict([("a", f), ("b", 1)]))
box(IntBox(fs))  # E: arg-type
row(RowAlias(fs))  # E: arg-type
keys(KeysAlias(size=fs))  # E: typeddict-item
total(Ints([1, fs]))  # E: list-item
user(UserId(fs))  # E: arg-type
def of_class(kind: type[Row], boxes: type[Box[int]]) -> None:
    row(kind(f)); box(boxes(f))
    row(kind(fs))  # E: arg-type
def value_of(fn: Callable[[], T]) -> T: return fn()
@value_of
def made() -> Future[int]: return f
user(made)  # E: arg-type
total([made, 1]); box(Box(made))
def deleted(gone: Future[int]) -> None:
    total([gone]); user(UserId(gone))
    del gone
    total([gone])  # E: misc
def changed(old: Row, kept: Box[int]) -> None:
    row(old._replace(size=f)); box(replace(kept, item=f))
    row(old._replace(size=fs))  # E: arg-type
    box(replace(kept, item=fs))  # E: arg-type
"""


def test_arguments_that_choose_name_or_unpack(tmp_path: Path) -> None:
    """What `and`, `or`, `:=`, a condition or several stars hand on is checked, narrowed as mypy narrows it."""
    checked.check(tmp_path, {"calls.py": SOURCE})


INSIDE = """
from typing import Generic, TypeVar
from merkl import Future, task
T = TypeVar("T")
@task
def one(x: int) -> int: return x
@task
def word(x: str) -> str: return x
@task
def many(xs: list[int], by_name: dict[str, int]) -> int: return 1
@task
def table(rows: dict[int, list[int]]) -> int: return 1
class Model:
    @task
    def fit(self, xs: list[int], y: int = 0) -> int: return y
    @task
    @staticmethod
    def load(name: str) -> int: return 1
class Box(Generic[T]):
    def __init__(self, x: T) -> None: ...
    @task
    def put(self, x: T) -> T: return x
fi: Future[int]
fs: Future[str]
model = Model()

many([one(1), fi, 3], {"a": one(2), "b": 1})
many([one("x"), fi], {})  # E: arg-type
many([word("x"), 1], {})  # E: list-item
many([1], {"a": one("x")})  # E: arg-type
many([1], {word("x"): 1, word("y"): fi})
many([1], {word(1): 1})  # E: arg-type
many([1], {one(1): 1})  # E: dict-item
many([1], {fi: 1})  # E: dict-item
table({1: [one(1), fi], 2: [fs]})  # E: list-item
reveal_type(model.fit([one(1), fi], y=model.load("a")))  # T: Future[int]
model.fit([fs])  # E: list-item
model.fit([1], fs)  # E: arg-type
model.fit([one("x")], y=model.load("a"))  # E: arg-type
model.fit([one(1)], y=model.load(1))  # E: arg-type
reveal_type(Box(1).put(fi))  # T: Future[int]
reveal_type(Box("a").put(fs))  # T: Future[str]
Box("a").put(fi)  # E: arg-type
Box(1).put(fs)  # E: arg-type
reveal_type([one(x) for x in (  # T: list[Future[int]]
    [1, fi])])
[word(x) for x in (  # E: arg-type
    [1, fi])]
"""


def test_calls_inside_of_displays_and_methods(tmp_path: Path) -> None:
    """What is wrong inside of a display is said, on whichever line it stands, and of methods what their own class says."""
    checked.check(tmp_path, {"inside.py": INSIDE})


def test_objects_made_by_another_name(tmp_path: Path) -> None:
    """Futures in what an alias of a class makes, or a class that is a value, or a copy that replaces fields."""
    checked.check(tmp_path, {"module.py": OBJECTS})


ROWS = """\
from collections.abc import Callable, Iterable, Sequence
from typing import NotRequired, TypedDict, overload
from merkl import task
class Row(TypedDict):
    size: int
    name: NotRequired[str]
def flag() -> bool:
    return True
@task
def shown(rows: Iterable[Sequence[int] | Row]) -> Callable[[str], None]:
    return print
@overload
def either(rows: int) -> int: ...
@overload
def either(rows: Iterable[Sequence[int] | Row]) -> str: ...
@task
def either(rows: object) -> int | str:
    return 1
f = either(1)
reveal_type(shown([flag() and {"size": 1} or dict(size=1, name="a")]))  # T: Future[def (str)]
shown([flag() and {"size": 1} or dict(size="1", name="a")])  # E: list-item
shown([{"size": f}])
shown(rows=[f])  # E: list-item
reveal_type(either([{"size": f}]))  # T: Future[str]
either([{"size": "a"}])  # E: list-item
"""


def test_arguments_are_looked_at_in_the_context_of_their_parameters_alone(tmp_path: Path) -> None:
    """Without it mypy reads `{"size": 1} or dict(...)` as no Row: of calls that give a function, and of overloads."""
    checked.check(tmp_path, {"rows.py": ROWS})
