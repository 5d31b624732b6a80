"""Containers of values and Futures, which mypy joins to `object`, are checked by what they would hold if all were values."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

TASKS = """
from typing import Mapping, Sequence, TypeVar
from merkl import Future, task
T = TypeVar("T")
@task
def inc(x: int) -> int: return x
@task
def text(x: int) -> str: return "a"
@task
def total(xs: Sequence[int]) -> int: return 1
@task
def stars(*xs: int) -> int: return 1
@task
def words(**xs: int) -> int: return 1
@task
def table(xs: Mapping[str, int]) -> int: return 1
@task
def first(xs: list[T]) -> T: return xs[0]
@task
def row(x: int) -> list[int]: return [x]
@task
def deep(xs: Sequence[Sequence[int]]) -> int: return 1
f = inc(1)
kept = [1, f]
wrong = ["a", f]
class Holder:
    shared = [1, f]
    def __init__(self) -> None:
        self.own = {"a": 1, "b": f}
        self.wrong = ["a", f]
"""

VARIABLES = """
from merkl import Future
from tasks import *
xs = [1, f]
by_name = {"a": 1, "b": f}
reveal_type(xs)  # T: list[int | Future[int]]
reveal_type(total(xs))  # T: Future[int]
reveal_type(stars(*xs))  # T: Future[int]
reveal_type(stars(*[2, *xs]))  # T: Future[int]
reveal_type(words(**by_name))  # T: Future[int]
reveal_type(table(by_name))  # T: Future[int]
def use(flag: bool) -> None:
    ys = [f, 2]
    reveal_type(total(ys))  # T: Future[int]
    wrong = ["a", f]
    total(wrong)  # E: arg-type
    stars(*wrong)  # E: arg-type
    other = ["a", text(1)]
    total(other)  # E: arg-type
    opened = (*tuple([1]), f)
    reveal_type(total(opened))  # T: Future[int]
    total((*tuple(["a"]), f)); misfit = (*tuple(["a"]), f); total(misfit)  # E: arg-type
    twice = [1, f]
    twice = [object()]  # E: list-item
    declared: list[int | Future[int]] = [1, f]
    reveal_type(total(declared))  # T: Future[int]
    objects: list[object] = [1, f]
    total(objects)  # E: arg-type
    chosen = [1, f] if flag else [f, f]
    reveal_type(total(chosen))  # T: Future[int]
    together = [1, f] + [f]
    reveal_type(total(together))  # T: Future[int]
    copied = list((1, f))
    reveal_type(first(copied))  # T: Future[int]
    a, b = [1, f], ["a", f]
    reveal_type(total(a))  # T: Future[int]
    total(b)  # E: arg-type
    if (walrus := [1, f]):
        reveal_type(total(walrus))  # T: Future[int]
    xs.append(f)
    xs.append(text(1))  # E: arg-type
    if xs[0]: pass  # E: merkl-future-bool
"""

PLACES = """
from enum import Enum
from tasks import *
import tasks
class Level(Enum):
    LOW = [1, 2]
    HIGH = [3, "a"]
reveal_type(Level.LOW.value)  # T: list[int]
held = Holder()
reveal_type(total(kept))  # T: Future[int]
total(tasks.wrong)  # E: arg-type
reveal_type(total(Holder.shared))  # T: Future[int]
reveal_type(table(held.own))  # T: Future[int]
reveal_type(inc(held.own["a"]))  # T: Future[int]
total(held.wrong)  # E: arg-type
reveal_type(inc(kept[0]))  # T: Future[int]
inc(tasks.wrong[0])  # E: arg-type
reveal_type(total(kept[1:]))  # T: Future[int]
reveal_type(total(sorted(kept, key=id)))  # T: Future[int]
reveal_type(total([x for x in kept]))  # T: Future[int]
nested = {"k": [1, f], "j": [f]}
reveal_type(total(nested["k"]))  # T: Future[int]
reveal_type(deep(list(nested.values())))  # T: Future[int]
pair = ([1, f], "a")
reveal_type(total(pair[0]))  # T: Future[int]
matrix = [[1, f], [f], [2]]
reveal_type(deep(matrix))  # T: Future[int]
reveal_type(first(matrix))  # T: Future[list[int]]
for x in [1, f]: reveal_type(inc(x))  # T: Future[int]
for key, y in {"a": 1, "b": f}.items(): reveal_type(inc(y))  # T: Future[int]
for n, z in zip([1, 2], [1, f]): reveal_type(inc(z))  # T: Future[int]
for v in ["a", f]: inc(v)  # E: arg-type
reveal_type([inc(x) for x in [1, f]])  # T: list[Future[int]]
"""

READ = """
import copy
import itertools
from typing import Callable
from tasks import *
matrix = [[1, f], [f], [2]]
rows = [[1], row(f), [f]]
twos, futures = [2, 2], [f]
reveal_type(total([1, f][1:]))  # T: Future[int]
reveal_type(total([1, f].copy()))  # T: Future[int]
reveal_type(inc([1, f][0]))  # T: Future[int]
reveal_type(total(list({"a": 1, "b": f}.values())))  # T: Future[int]
reveal_type(total(list(reversed([1, f]))))  # T: Future[int]
reveal_type(total(list(itertools.chain([f], [1, f]))))  # T: Future[int]
reveal_type(table(dict(zip("ab", [1, f]))))  # T: Future[int]
reveal_type(deep([[1, f][:1], [f]]))  # T: Future[int]
reveal_type(total(sum([[f], [1]], [])))  # T: Future[int]
reveal_type(total(list(itertools.chain.from_iterable([[1, f], [f]]))))  # T: Future[int]
total(sum([[f], ["a"]], []))  # E: type-var # E: arg-type
total(sum([f, 1], 1))  # E: arg-type # E: merkl-future-iter
total(list(itertools.chain([1, f], ["a"])))  # E: list-item
total(list(itertools.chain.from_iterable([[1, f], [text(1)]])))  # E: list-item # E: arg-type
table(dict(zip("ab", ["a", f])))  # E: list-item
reveal_type(inc(([1, f]).pop()))  # T: Future[int]
reveal_type(inc(list((1, f))[0]))  # T: Future[int]
reveal_type(inc(dict(a=1, b=f)["a"]))  # T: Future[int]
reveal_type(inc(([1, f] if f else [2])[0]))  # T: Future[int] # E: merkl-future-bool
reveal_type(inc(next(iter([1, f]))))  # T: Future[int]
reveal_type([inc(x) for x in list((1, f))])  # T: list[Future[int]]
reveal_type([inc(x) for x in itertools.chain(kept, [1, f])])  # T: list[Future[int]]
reveal_type([inc(x) for x in itertools.chain(twos, futures)])  # T: list[Future[int]]
reveal_type(total(copy.copy([1, f])))  # T: Future[int]
reveal_type(total(list(itertools.islice([1, f], 2))))  # T: Future[int]
inc([1, f] \\
    [0])
inc([1, f]  # a comment
    [0])
made = [inc(x) for x in  # a comment
        [1, f]]
reveal_type([inc(x) for row in [[1], [f]] for x in row])  # T: list[Future[int]]
reveal_type(inc(matrix[0][0]))  # T: Future[int]
[inc(x) for x in rows[0]]  # E: merkl-future-iter
def deco(x: object) -> Callable[[T], T]: raise NotImplementedError
@deco([inc(x) for x in [1, f]])
class Kept:
    def __init_subclass__(cls, made: object = None) -> None: ...
class Under(Kept, made=[inc(x) for x in [1, f]]): ...
late = lambda made=[inc(x) for x in [1, f]]: made
total(["a", f][1:])  # E: arg-type
inc(["a", f][0])  # E: arg-type
"""

NESTED = """
from tasks import *
word, number = "a", 1
word, [number, word] = text(1).v, [2, "b"]
[word, (number, word)] = ["a", [2, "b"]]
word, [number, word] = word, [word, number]  # E: assignment
one, [two, three] = [1, f], [[2, f], 3]
reveal_type(total(one))  # T: Future[int]
reveal_type(total(two))  # T: Future[int]
inc(two)  # E: arg-type
[four, (five, *rest)] = [["a", f], ([2, f], [3])]
total(four)  # E: arg-type
reveal_type(total(five))  # T: Future[int]
*rests, [six] = [1], [2], [[3, f]]
reveal_type(total(six))  # T: Future[int]
whole = seven, [eight] = [1, f], [[2, f]]
reveal_type(total(seven))  # T: Future[int]
reveal_type(total(whole[0]))  # T: Future[int]
total(eight[0])  # E: arg-type
"""


def test_displays_that_are_assigned_to_several_targets_in_targets(tmp_path: Path) -> None:
    """Each target gets its own item, at any depth, as mypy goes through them, and plain values as without MerkL."""
    checked.check(tmp_path, {"tasks.py": TASKS, "nested.py": NESTED})


def test_variables_that_hold_values_and_futures(tmp_path: Path) -> None:
    """A display that is assigned has a value or a Future as its items, if the values alone would be of one type."""
    checked.check(tmp_path, {"tasks.py": TASKS, "variables.py": VARIABLES})


def test_places_that_hold_values_and_futures(tmp_path: Path) -> None:
    """So have attributes, items, what other modules made, and what a loop goes through."""
    checked.check(tmp_path, {"tasks.py": TASKS, "places.py": PLACES})


def test_displays_that_are_read_on_the_spot(tmp_path: Path) -> None:
    """So have slices, copies and views of displays, and what `zip` and the like make of them."""
    checked.check(tmp_path, {"tasks.py": TASKS, "read.py": READ})
