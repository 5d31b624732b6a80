"""Code that changes in a process that goes on: the fingerprint held before does not hold any more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from merkl_serializers import default_registry
from sample import Project

from merkl import Workspace
from merkl._base.errors import MerklWarning

SOURCE = """
import contextvars, enum, functools, sys, types
import mod
def helper(x, y=1, *, z=1):
    return x + y + z + getattr(helper, "w", 0)
helper.w = 1
class Known:
    size = 1
    def value(self):
        return 1
Made = type("Made", (), {"size": 1, "value": lambda self: 1})
class Holder:
    def __init__(self):
        self.x = 1
        self.xs = [1]
    def __twice(self):
        return 2 * self.x
    def twice(self):
        return self.__twice()
    def helper(self):
        return 0
    del helper
class Slotted:
    __slots__ = ("x",)
class Named(dict):
    pass
class Base:
    size = 1
    def value(self):
        return 1
class Other:
    def value(self):
        return 2
class Derived(Base):
    pass
class Remembering:
    size = 1
    @functools.cached_property
    def doubled(self):
        return 2 * self.size
class Color(enum.Enum):
    RED = 1
@functools.singledispatch
def dispatched(x):
    return 0
def multiplied(x, by):
    return x * by
BY = functools.partial(multiplied, by=1)
VARIABLE = contextvars.ContextVar("VARIABLE", default=1)
REMEMBERING = Remembering()
def uses_what_may_come(x):
    import mod as late
    return (
        Derived().value(), Derived.size, REMEMBERING.doubled, getattr(Color.RED, "label", 0), dispatched(x), BY(x),
        VARIABLE.get(), getattr(helper, "v", 0), late.K, hasattr(mod, "Q"), getattr(mod, "late", 0), vars(mod)["K"],
    )
HOLDER, SLOTTED, NAMED = Holder(), Slotted(), Named(a=1)
SLOTTED.x = 1
TABLE = {"a": [1, {"b": 2}]}
NAMES = {1, 2}
PAIR = (1, [2])
MIXED = [HOLDER, 1]
ROW = bytearray(b"abc")
def uses_constants(x):
    return HOLDER.x, HOLDER.twice(), HOLDER.xs, SLOTTED.x, NAMED, TABLE, NAMES, PAIR, MIXED, ROW
def task(x):
    uses_what_may_come(x)
    return helper(x) + Known().value() + Known.size + Made().value() + Made.size, uses_constants(x)
"""


def replaced_module(_: object) -> None:
    made = ModuleType("mod")
    vars(made)["K"] = 2
    sys.modules["mod"] = made


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "default": lambda m: setattr(m["helper"], "__defaults__", (2,)),
    "keyword default": lambda m: setattr(m["helper"], "__kwdefaults__", {"z": 2}),
    "keyword default in place": lambda m: m["helper"].__kwdefaults__.update(z=2),
    "attribute of a function": lambda m: setattr(m["helper"], "w", 2),
    "attribute of a class": lambda m: setattr(m["Known"], "size", 2),
    "method": lambda m: setattr(m["Known"], "value", lambda self: 2),
    "private method": lambda m: setattr(m["Holder"], "_Holder__twice", lambda self: 3),
    "attribute of a class without source": lambda m: setattr(m["Made"], "size", 2),
    "attribute of an object": lambda m: setattr(m["HOLDER"], "x", 2),
    "new attribute of an object": lambda m: setattr(m["HOLDER"], "y", 2),
    "list in an object": lambda m: m["HOLDER"].xs.append(2),
    "slot": lambda m: setattr(m["SLOTTED"], "x", 2),
    "item of a subclass of dict": lambda m: m["NAMED"].update(a=2),
    "item of a dict": lambda m: m["TABLE"].update(a=2),
    "order of a dict": lambda m: m["TABLE"].update(c=m["TABLE"].pop("a")),
    "nested list": lambda m: m["TABLE"]["a"].append(2),
    "nested dict": lambda m: m["TABLE"]["a"][1].update(b=3),
    "set": lambda m: m["NAMES"].add(3),
    "list in a tuple": lambda m: m["PAIR"][1].append(3),
    "list with an object": lambda m: m["MIXED"].append(3),
    "object of a library": lambda m: m["ROW"].append(3),
    "attribute that hides an inherited one": lambda m: setattr(m["Derived"], "size", 2),
    "method that hides an inherited one": lambda m: setattr(m["Derived"], "value", lambda self: 2),
    "other bases": lambda m: setattr(m["Derived"], "__bases__", (m["Other"],)),
    "attribute beside a cached property": lambda m: setattr(m["REMEMBERING"], "size", 2),
    "attribute of a member of an enum": lambda m: setattr(m["Color"].RED, "label", 2),
    "case of a singledispatch function": lambda m: m["dispatched"].register(int, lambda x: 1),
    "keyword of a partial": lambda m: m["BY"].keywords.update(by=2),
    "context variable": lambda m: m["VARIABLE"].set(2),
    "new attribute of a function": lambda m: setattr(m["helper"], "v", 2),
    "new attribute of a module": lambda m: setattr(m["mod"], "Q", 2),
    "attribute of a module that counts as a whole": lambda m: setattr(m["mod"], "K", 2),
    "module that gives attributes on demand": lambda m: setattr(m["mod"], "__getattr__", lambda name: 2),
    "another module under a name": replaced_module,
    "method of a class without source": lambda m: setattr(m["Made"], "value", lambda self: 2),
}


def encode(value: object) -> bytes:
    return default_registry.encode(value).data


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(change: str, tmp_path: Path) -> None:
    """As in a notebook: what is put in the place of something counts at the next call."""
    project = Project(tmp_path / "project", encode=encode).write({"main.py": SOURCE, "mod.py": "K = 1\n"})
    fn = project.load()
    assert isinstance(fn, FunctionType)
    fingerprinter = project.fingerprinter()
    before = fingerprinter.fingerprint(fn)
    assert before.is_current()
    CHANGES[change](fn.__globals__)
    assert not before.is_current()
    assert fingerprinter.fingerprint(fn).digest != before.digest
    project.forget()


HIDDEN = """
import functools
K = 1
class A:
    @functools.lru_cache
    def m(self):
        return K
def task():
    return A().m()
"""


def test_a_method_inside_a_wrapper_is_looked_at_again(tmp_path: Path) -> None:
    """Each value of a global that it uses has its own digest, which comes back with the value."""
    project = Project(tmp_path / "project").write({"main.py": HIDDEN})
    task = project.load()
    fingerprinter = project.fingerprinter()
    digests = []
    for k in (1, 2, 3, 1):
        task.__globals__["K"] = k
        digests.append(fingerprinter.fingerprint(task).digest)
    assert len(set(digests)) == 3
    assert digests[0] == digests[3] == project.fingerprint().digest
    project.forget()


def test_a_cached_property_that_was_read_changes_nothing(tmp_path: Path) -> None:
    """What an object remembers follows from its other attributes, which still count."""
    source = """
        import functools
        class Config:
            def __init__(self):
                self.x = 1
            @functools.cached_property
            def twice(self):
                return self.x * 2
        CONFIG = Config()
        def task():
            return CONFIG.twice
        """
    project = Project(tmp_path / "project").write({"main.py": source})
    task = project.load()
    fingerprinter = project.fingerprinter()
    before = fingerprinter.fingerprint(task)
    task()
    assert before.is_current()
    assert project.fingerprinter().fingerprint(task).digest == before.digest
    task.__globals__["CONFIG"].x = 2
    assert not before.is_current()
    assert fingerprinter.fingerprint(task).digest != before.digest
    project.forget()


MUTABLE = """
from merkl import task
class Config:
    rate = 1
    def __init__(self):
        self.scale = 1
CONFIG = Config()
SEEN = {}
@task
def scaled(x: int) -> int:
    return x * CONFIG.scale
@task
def remembered(x: int) -> int:
    SEEN[x] = len(SEEN)
    return x + len(SEEN)
"""


def modules(tmp_path: Path) -> Project:
    return Project(tmp_path / "project").write({"main.py": MUTABLE})


def test_an_object_that_was_changed_gives_later_calls_another_key(tmp_path: Path) -> None:
    """What a module-level object holds counts as it is when the call is made."""
    project = modules(tmp_path)
    with Workspace(tmp_path):
        scaled = project.load("main.scaled")
        assert scaled(3).eval() == 3
        scaled.fn.__globals__["CONFIG"].scale = 2
        assert scaled(3).eval() == 6
    project.forget()


def test_a_result_made_with_what_came_after_the_call_is_not_stored(tmp_path: Path) -> None:
    """Between the call and its run the object was changed: the result is not that of the key."""
    project = modules(tmp_path)
    with Workspace(tmp_path):
        scaled = project.load("main.scaled")
        config = scaled.fn.__globals__["CONFIG"]
        future = scaled(3)
        config.scale = 2
        with pytest.warns(MerklWarning, match="was changed after the call was made"):
            assert future.eval() == 6
        config.scale = 1
        assert not scaled(3).in_cache()
        assert scaled(3).eval() == 3
    project.forget()


def test_a_table_that_bodies_fill_leaves_keys_alone(tmp_path: Path) -> None:
    """Else the keys of later calls would depend on which calls ran and which were found."""
    project = modules(tmp_path)
    with Workspace(tmp_path):
        remembered = project.load("main.remembered")
        first = [remembered(x).eval() for x in range(3)]
        keys = [remembered(x).hash for x in range(3)]
        again = project.load("main.remembered")
        assert [again(x).hash for x in range(3)] == keys
        assert [again(x).eval() for x in range(3)] == first
    project.forget()
