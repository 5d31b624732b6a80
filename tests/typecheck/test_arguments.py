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


def test_arguments_that_choose_name_or_unpack(tmp_path: Path) -> None:
    """What `and`, `or`, `:=`, a condition or several stars hand on is checked, narrowed as mypy narrows it."""
    checked.check(tmp_path, {"calls.py": SOURCE})
