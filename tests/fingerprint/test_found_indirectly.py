"""Code that no name leads to: found by a text, by its class, in a weak container, by annotations, or put in another's place."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest
from sample import Project
from test_reached import observe

CASES = {
    "a module imported by a relative name": (
        """
        from pkg import task
        ## pkg/__init__.py
        import importlib
        def task():
            return importlib.import_module(".part", __package__).f()
        ## pkg/part.py
        def f():
            return 1
        """,
        "return 1",
        "return 2",
    ),
    "a module imported relative to a named package": (
        """
        from importlib import import_module
        def task():
            return import_module(".part", package="pkg").f()
        ## pkg/__init__.py
        ## pkg/part.py
        def f():
            return 1
        """,
        "return 1",
        "return 2",
    ),
    "an entry point": (
        """
        import pkgutil
        def task():
            return pkgutil.resolve_name("part:C.f")()
        ## part.py
        class C:
            @staticmethod
            def f():
                return 1
        """,
        "return 1",
        "return 2",
    ),
    "an object in the place of a module": (
        """
        import part
        def task():
            return part.f()
        ## part.py
        import sys
        class Part:
            def f(self):
                return 1
        sys.modules[__name__] = Part()
        """,
        "return 1",
        "return 2",
    ),
    "an object in the place of a module, imported inside": (
        """
        def task():
            import part
            return part.f()
        ## part.py
        import sys
        class Part:
            def f(self):
                return 1
        sys.modules[__name__] = Part()
        """,
        "return 1",
        "return 2",
    ),
    "a module that is called like one of Python's": (
        """
        def task():
            from trace import f
            return f()
        ## trace.py
        def f():
            return 1
        """,
        "return 1",
        "return 2",
    ),
    "a function among the builtins": (
        """
        import builtins
        builtins.of_mine = lambda: 1
        def task():
            return of_mine()
        """,
        "lambda: 1",
        "lambda: 2",
    ),
    "subclasses": (
        """
        import base, plugin
        def task():
            return [cls().f() for cls in base.Base.__subclasses__()]
        ## base.py
        class Base:
            pass
        ## plugin.py
        from base import Base
        class Middle(Base):
            def f(self):
                return [cls().g() for cls in type(self).__subclasses__()]
        class Low(Middle):
            def g(self):
                return 1
        """,
        "return 1",
        "return 2",
    ),
    "a reducer": (
        """
        import copy, copyreg
        class C:
            pass
        def make():
            return 1
        copyreg.pickle(C, lambda c: (make, ()))
        def task():
            return copy.copy(C())
        """,
        "return 1",
        "return 2",
    ),
    "a container of a class that was made by a call": (
        """
        C = type("C", (), {"table": [1]})
        def task():
            return C().table
        """,
        "[1]",
        "[2]",
    ),
    "a class with a metaclass that answers to every name": (
        """
        class Meta(type):
            def __getattr__(cls, name):
                return 1
        class C(metaclass=Meta):
            pass
        def task():
            return C.anything
        """,
        "return 1",
        "return 2",
    ),
    "the class of an object in a weak dictionary": (
        """
        import weakref, part
        TABLE, KEPT = weakref.WeakValueDictionary(), part.C()
        TABLE["a"] = KEPT
        def task():
            return TABLE["a"].f()
        ## part.py
        class C:
            def f(self):
                return 1
        """,
        "return 1",
        "return 2",
    ),
    "a class in a weak dictionary": (
        """
        import weakref, part
        TABLE = weakref.WeakValueDictionary(a=part.A, b=part.B)
        def task():
            return TABLE["a"]().f()
        ## part.py
        class A:
            def f(self):
                return 1
        class B:
            def f(self):
                return 2
        """,
        "a=part.A, b=part.B",
        "a=part.B, b=part.A",
    ),
    "the class of a key in a weak dictionary": (
        """
        import weakref, part
        TABLE, KEPT = weakref.WeakKeyDictionary(), part.C()
        TABLE[KEPT] = 1
        def task():
            return [key.f() for key in TABLE]
        ## part.py
        class C:
            def f(self):
                return 1
        """,
        "return 1",
        "return 2",
    ),
    "the class of an object in a weak set": (
        """
        import weakref, part
        TABLE, KEPT = weakref.WeakSet(), part.C()
        TABLE.add(KEPT)
        def task():
            return [item.f() for item in TABLE]
        ## part.py
        class C:
            def f(self):
                return 1
        """,
        "return 1",
        "return 2",
    ),
    "annotations of a function that are read": (
        """
        import typing
        def make(x: int):
            return repr(x)
        def call(f):
            return f(**{name: hint() for name, hint in typing.get_type_hints(f).items()})
        def task():
            return call(make)
        """,
        "x: int",
        "x: str",
    ),
    "a class named in an annotation that is read": (
        """
        import inspect
        from part import Service
        def make(x: Service):
            return x.f()
        def call(f):
            return f(*[p.annotation() for p in inspect.signature(f).parameters.values()])
        def task():
            return call(make)
        ## part.py
        class Service:
            def f(self):
                return 1
        """,
        "return 1",
        "return 2",
    ),
    "annotations of a class that are read": (
        """
        class C:
            x: int
            def __init__(self):
                for name, hint in self.__annotations__.items():
                    setattr(self, name, hint())
        def task():
            return repr(C().x)
        """,
        "x: int",
        "x: str",
    ),
    "annotations of a function that a library wraps": (
        """
        import pydantic
        def f(x: int):
            return x
        checked = pydantic.validate_call(f)
        def task():
            try:
                return checked(1)
            except pydantic.ValidationError:
                return None
        """,
        "x: int",
        "x: str",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_edit_behind_it_changes_the_fingerprint(case: str, tmp_path: Path) -> None:
    """The output and the fingerprint change together."""
    source, old, new = CASES[case]
    assert source.count(old) >= 1
    (one, before), (other, after) = (
        observe(tmp_path / str(number), text)
        for number, text in enumerate([source, source.replace(old, new, 1)])
    )
    assert before != after
    assert one != other


@pytest.mark.parametrize(
    ("old", "new"),
    [("x: int", "x: str"), ("class Other(Base)", "class Unused"), ("x: int", "x: 'int | None'")],
)
def test_what_nobody_asks_for_does_not_count(tmp_path: Path, old: str, new: str) -> None:
    """Subclasses and annotations stay out of a fingerprint where no code reads them."""
    source = """
        def helper(x: int):
            return x
        class Base:
            pass
        class Other(Base):
            pass
        def task():
            return Base() and helper(1)
        """
    one, _ = observe(tmp_path / "one", source)
    other, _ = observe(tmp_path / "other", source.replace(old, new))
    assert one == other


def test_how_an_annotation_that_is_read_is_spelled_does_not_count(tmp_path: Path) -> None:
    """`Optional[int]` and `int | None` are the same annotation."""
    source = """
        import typing
        from typing import Optional
        def helper(x: Optional[int]):
            return x
        def task():
            return len(typing.get_type_hints(helper))
        """
    one, _ = observe(tmp_path / "one", source)
    other, _ = observe(tmp_path / "other", source.replace("x: Optional[int]", "x: int | None"))
    assert one == other


def test_a_weak_container_stays_weak(tmp_path: Path) -> None:
    """To fingerprint what it holds keeps nothing of it alive."""
    project = Project(tmp_path).write(
        {
            "main.py": """
            import weakref
            class C:
                pass
            TABLE, KEPT = weakref.WeakValueDictionary(), [C()]
            TABLE["a"] = KEPT[0]
            def task():
                return list(TABLE)
            """
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        task = project.load()
        project.fingerprinter().fingerprint(task)
        held = weakref.ref(task.__globals__["TABLE"]["a"])
        task.__globals__["KEPT"].clear()
        gc.collect()
        project.forget()
    assert held() is None


@pytest.mark.parametrize(
    "call", ['runpy.run_path("x.py")', 'importlib.util.spec_from_file_location("x", "x.py")']
)
def test_loading_a_file_is_noticed(tmp_path: Path, call: str) -> None:
    """What it holds cannot be followed, so a warning says what to do."""
    source = f"import runpy, importlib.util\ndef task():\n    return {call}\n"
    project = Project(tmp_path).write({"main.py": source})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        task = project.load()
        with pytest.warns(match="which MerkL cannot follow. Declare"):
            project.fingerprinter().fingerprint(task)
        project.forget()
