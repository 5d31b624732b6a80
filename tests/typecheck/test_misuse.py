"""Misuse of Futures, wherever it stands: each is reported once, under a code of MerkL's own."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

LIBRARY = """
from merkl import Future, task
@task
def inc(x: int) -> int: return x
@task
def as_text(x: int) -> str: return "a"
shared = inc(1)
class Holder:
    f: Future[int] = inc(2)
"""

USES = """
import json
import logging
import math
from typing import Any, Sized
from collections.abc import Iterator
from lib import as_text, inc
from merkl import Future
text = as_text(1)
f = inc(1)
g = inc(2)
many = [f, g]
1 < f  # E: merkl-future-compare
f < 1  # E: merkl-future-compare
f < g  # E: merkl-future-compare
f == 1  # E: merkl-future-compare
f == g
1 + f  # E: merkl-future-value
f + 1  # E: merkl-future-value
f + g  # E: merkl-future-value
-f  # E: merkl-future-value
"a" + f  # E: merkl-future-value
f()  # E: merkl-future-value
f[0]  # E: merkl-future-iter
1 in f  # E: merkl-future-iter
f in many
len(f)  # E: merkl-future-iter
list(f)  # E: merkl-future-iter
[*f]  # E: merkl-future-iter
a, b = f  # E: merkl-future-iter
sum([f, g])  # E: merkl-future-iter
max(f, g)  # E: merkl-future-iter
sum([f, 1])  # E: merkl-future-iter
sum(many)  # E: merkl-future-iter
sum(each for each in many)  # E: merkl-future-iter
sorted(many)  # E: merkl-future-iter
max(many)  # E: merkl-future-iter
math.fsum(many)  # E: merkl-future-value
json.dumps(many)  # E: merkl-future-value
json.dumps({"a": f})  # E: merkl-future-value
" ".join([text, text])  # E: merkl-future-value
" ".join(map(str, many))  # E: merkl-future-format
filter(None, many)  # E: merkl-future-bool
filter(None, [f])  # E: merkl-future-bool
print(many)
f is None  # E: merkl-future-compare
f is not True  # E: merkl-future-compare
None is f  # E: merkl-future-compare
f is g
f is many[0]
f in [1]  # E: merkl-future-compare
f not in {1: "a"}  # E: merkl-future-compare
text in "abc"  # E: merkl-future-compare
1 in many  # E: merkl-future-compare
many == [1]  # E: merkl-future-compare
many == [f]
(f, 1) == (1, 2)  # E: merkl-future-compare
isinstance(f, int)  # E: merkl-future-value
isinstance(f, (int, str))  # E: merkl-future-value
isinstance(f, (int, Future))
isinstance(f, object)
[1, 2][f]  # E: merkl-future-value
[1, 2][f:]  # E: merkl-future-value
{"a": 1}[text]  # E: merkl-future-value
{**f}  # E: merkl-future-iter
dict(**f)  # E: merkl-future-iter
print(*f)  # E: merkl-future-iter
f.shape = 1  # E: merkl-future-attr
del f[0]  # E: merkl-future-iter
not (many and f)  # E: merkl-future-bool
while f: break  # E: merkl-future-bool
bytes(f)  # E: merkl-future-value
class InBody:
    if f: pass  # E: merkl-future-bool
    here = f is None  # E: merkl-future-compare
    def method(self) -> None:
        def inner() -> None:
            if f: pass  # E: merkl-future-bool
            f in [1]  # E: merkl-future-compare
def adds(f: Future[int]) -> None:
    f += 1  # E: merkl-future-value
def raises() -> None:
    raise ValueError(f)  # E: merkl-future-format
def may_be(x: Future[int] | None, y: Future[int] | int, z: object) -> None:
    if x is None: pass
    if x: pass  # E: merkl-future-bool
    while y: pass  # E: merkl-future-bool
    f"{x}"  # E: merkl-future-format
    if isinstance(y, int): pass
    f is z
    f == z  # E: merkl-future-compare
    f == x
    x = inc(1)
    if x is None: pass
class Kept:
    f: Future[int] | None = None
    def get(self) -> None:
        self.f = inc(1)
        if self.f is None: pass
        if isinstance(self.f, int): pass
        match f:  # E: merkl-future-value
            case 1: pass
def gives() -> Iterator[int]:
    yield from f  # E: merkl-future-iter
for _ in f: pass  # E: merkl-future-iter
range(f)  # E: merkl-future-value
math.sqrt(f)  # E: merkl-future-value
float(f)  # E: merkl-future-value
json.dumps(f)  # E: merkl-future-value
logging.info("%s", f)  # E: merkl-future-value
str(f)  # E: merkl-future-format
f"{f}"  # E: merkl-future-format
f"{f!r}"
"%s" % f  # E: merkl-future-format
"{}".format(f)  # E: merkl-future-format
print(f)  # E: merkl-future-format
print(repr(f), id(f), hash(f), type(f), callable(f), isinstance(f, Future))
f.shape  # E: merkl-future-attr
if f: pass  # E: merkl-future-bool
not f  # E: merkl-future-bool
f or g  # E: merkl-future-bool
1 if f else 2  # E: merkl-future-bool
[1 for _ in range(3) if f]  # E: merkl-future-bool
assert f  # E: merkl-future-bool
bool(f)  # E: merkl-future-bool
any(many)  # E: merkl-future-bool
all([f, g])  # E: merkl-future-bool
(lambda: 1 if f else 2)  # E: merkl-future-bool
with f: pass  # E: merkl-future-value
sized: Sized = f  # E: assignment
def plain(x: int, *rest: str) -> None: ...
def takes(x: Any, y: object) -> None: ...
def wants(x: Future[int]) -> None: ...
class K:
    def __init__(self, x: int) -> None: ...
plain(f)  # E: merkl-future-value
plain(x=f)  # E: merkl-future-value
plain(1, f)  # E: merkl-future-value
takes(1, f)  # E: merkl-future-value
takes(f, 1)  # E: merkl-future-value
wants(f)
wants(inc(f))
K(f)  # E: merkl-future-value
async def waits() -> None:
    await f  # E: merkl-future-value
"""

BODIES = """
from merkl import Eval, Future, evaluate, task
from lib import inc
@task
def returned(x: int) -> int:
    return inc(x)  # E: merkl-future-return
@task
def in_list(x: int) -> list[int]:
    return [inc(x)]  # E: merkl-future-return
@task
def forgotten(x: int) -> int:
    inc(x)  # E: merkl-task-in-task
    y = inc(x)  # E: merkl-task-in-task
    return 1
@task
def right(x: int) -> int:
    y = inc(x)
    z = [inc(i) for i in range(x)]
    with Eval():
        inc(x)
        a = inc(x)
    return inc(x).v + inc(x).eval() + evaluate(y) + sum(evaluate(z)) + inc.run(x) + inc.fn(x)
@task
def helper(x: int) -> int:
    def inner() -> Future[int]:
        return inc(1)
    return inner().v
def plain(x: int) -> Future[int]:
    inc(x)
    return inc(x)
"""

ELSEWHERE = """
from lib import Holder, shared
if shared: pass  # E: merkl-future-bool
f"{shared}"  # E: merkl-future-format
"""

ELSEWHERE_IN_FUNCTIONS = """
from lib import Holder, shared
def use() -> str:
    if Holder.f: pass  # E: merkl-future-bool
    while shared: pass  # E: merkl-future-bool
    return "%s" % shared  # E: merkl-future-format
"""


def test_a_future_used_as_its_value(tmp_path: Path) -> None:
    """One error for each mistake, and none for what a Future can do."""
    checked.check(tmp_path, {"lib.py": LIBRARY, "uses.py": USES}, "uses.py")


def test_futures_in_the_bodies_of_tasks(tmp_path: Path) -> None:
    """Calls that nothing evaluates, and Futures that are returned."""
    checked.check(tmp_path, {"lib.py": LIBRARY, "bodies.py": BODIES}, "bodies.py")


def test_modules_that_call_no_task_are_reviewed(tmp_path: Path) -> None:
    """A Future that is only imported is watched too, at the top level and in functions."""
    files = {"lib.py": LIBRARY, "top.py": ELSEWHERE, "functions.py": ELSEWHERE_IN_FUNCTIONS}
    checked.check(tmp_path, files)


OPTIONAL_CODES = """
from merkl import Future, task
@task
def one(x: int) -> int: return x
async def use(f: Future[int]) -> None:
    one(1)
    f
    reveal_type(one(f))  # T: Future[int]
    if f: pass  # E: merkl-future-bool
    assert not one(1)  # E: merkl-future-bool
    await f  # E: merkl-future-value
    print([await one(i) for i in range(2)])  # E: merkl-future-value
"""


def test_codes_that_mypy_has_off_by_default(tmp_path: Path) -> None:
    """A Future that nobody waits for is no mistake, and its truth is one mistake only."""
    wanted = "unused-awaitable", "truthy-bool"
    checked.check(
        tmp_path,
        {"optional.py": OPTIONAL_CODES},
        "optional.py",
        config=f"enable_error_code = {', '.join(wanted)}\n",
    )


def test_what_is_found_does_not_depend_on_the_cache(tmp_path: Path) -> None:
    """A module that is checked again because another has changed gets the same reports."""
    files = {"lib.py": LIBRARY, "both.py": ELSEWHERE + ELSEWHERE_IN_FUNCTIONS}
    checked.check(tmp_path, files)
    checked.check(tmp_path, {**files, "lib.py": LIBRARY + "more = 1\n"})
