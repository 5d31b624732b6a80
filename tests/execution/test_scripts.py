"""Scripts: their classes, and what their functions use, in the next run, in other processes, and imported as a module."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

SCRIPT = dedent(
    """
    import contextvars, enum, functools, json, sys, threading, warnings, weakref
    from dataclasses import dataclass
    from typing import Any, NamedTuple

    from merkl import TaskFailedError, evaluate, task

    FACTOR = 2

    class Plain:
        def __init__(self, v): self.v = v
        def scaled(self): return self.v * FACTOR

    class Slots:
        __slots__ = ("__hidden", "v")
        def __init__(self, v): self.v, self.__hidden = v, v

    class Colour(enum.Enum):
        RED = 1

    @dataclass
    class Pair:
        a: Any

    class Row(NamedTuple):
        a: int

    class Oops(Exception):
        def __init__(self, where): super().__init__(where); self.where = where

    KINDS = {kind.__name__: kind for kind in (Plain, Slots, Colour, Pair, Row)}

    @task
    def make(name: str) -> Any:
        print("made", name)
        return {"Plain": Plain, "Slots": Slots, "Colour": Colour, "Pair": Pair, "Row": Row}[name](1)

    @task
    def kind_of(x: Any) -> str:
        return type(x).__name__ if type(x) is KINDS[type(x).__name__] else "another " + type(x).__name__

    @task
    def again(x: Any) -> Any:
        return [x]

    @task
    def fail() -> int:
        raise Oops("here")

    @functools.lru_cache(maxsize=None)
    def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)

    twice = functools.lru_cache(lambda x: 2 * x)

    @functools.singledispatch
    def called(x): return "object"

    @called.register
    def _(x: int): return "int"

    class Square:
        @functools.cached_property
        def area(self): return 9

    LOCK, AGAIN, LOCAL = threading.Lock(), threading.RLock(), threading.local()
    DEPTH = contextvars.ContextVar("depth", default=4)
    SEEN = weakref.WeakKeyDictionary()

    @task
    def uses(n: int) -> Any:
        with LOCK, AGAIN:
            LOCAL.x = 1
            s = Square()
            SEEN[s] = 5
            return [fib(n), twice(n), called(n), called("a"), s.area, DEPTH.get(), SEEN[s], LOCAL.x]

    def main():
        return [kind_of(make(name)) for name in KINDS]

    if __name__ == "__main__":
        warnings.simplefilter("error")
        target = int(sys.argv[1]) if len(sys.argv) > 1 else None
        methods = {name: dict(vars(kind)) for name, kind in KINDS.items()}
        told = {}
        made = {name: make(name) for name in KINDS}
        told["results"] = {name: type(evaluate(future)) is KINDS[name] for name, future in made.items()}
        told["in bodies"] = evaluate([kind_of(future) for future in made.values()], target=target)
        values = [evaluate(again(future), target=target)[0] for future in made.values()]
        told["from bodies"] = [type(v).__name__ for v in values if type(v) is KINDS[type(v).__name__]]
        told["untouched"] = all(vars(KINDS[k])[name] is held for k in ("Plain", "Slots") for name, held in methods[k].items())
        FACTOR = 3
        told["sees globals"] = values[0].scaled()
        told["uses"] = evaluate(uses(10), target=target)
        try:
            evaluate(fail(), target=target)
        except TaskFailedError as error:
            told["error"] = [type(error.__cause__) is Oops, error.__cause__.where]
        print(json.dumps(told), file=sys.stderr)
    """
)
KINDS = dedent(
    """
    import abc, enum, functools, sys, warnings
    from dataclasses import dataclass
    from typing import Any, Generic, NamedTuple, TypeVar

    import attrs, msgspec, pydantic
    from merkl import evaluate, task

    T = TypeVar("T")

    class Model(pydantic.BaseModel):
        x: int
        inner: list["Model"] = []

    class Typed(pydantic.BaseModel, Generic[T]):
        v: T

    @attrs.define
    class Attrs:
        x: int

    class Struct(msgspec.Struct, frozen=True, tag="s", rename="camel"):
        first_field: int
        more: list[int] = msgspec.field(default_factory=list)
        def total(self): return self.first_field + sum(self.more)

    class Named(Struct, kw_only=True):
        other: "Struct | None" = None

    @dataclass(slots=True)
    class Slotted:
        x: int

    class Outer:
        class Colour(enum.Enum):
            RED = 1
        @dataclass
        class Inner:
            x: int

    class Planet(enum.Enum):
        EARTH = 2
        def __init__(self, mass):
            self.mass = 2 * mass
    Planet.EARTH.label = "home"

    class Bits(enum.Flag):
        A = 1
        B = 2

    class Row(NamedTuple, Generic[T]):
        a: T

    class Items(list):
        extra = 1

    class Base(abc.ABC):
        @abc.abstractmethod
        def m(self): ...

    class Impl(Base):
        def m(self): return 1
        @functools.cached_property
        def big(self): return 2
        def __eq__(self, other): return type(other) is Impl

    MAKE = {
        "model": lambda: Model(x=1, inner=[Model(x=2)]),
        "generic model": lambda: Typed[int](v=1),
        "attrs": lambda: Attrs(1),
        "struct": lambda: Struct(1, [2]),
        "struct of a struct": lambda: Named(1, other=Struct(2)),
        "slots": lambda: Slotted(1),
        "inner enum": lambda: Outer.Colour.RED,
        "inner": lambda: Outer.Inner(1),
        "flag": lambda: Bits.A | Bits.B,
        "enum with attributes": lambda: Planet.EARTH,
        "generic named tuple": lambda: Row(1),
        "list": lambda: Items([1]),
        "abstract": lambda: Impl(),
        "nested": lambda: {"a": [Struct(1), Attrs(1)], "b": Outer.Colour.RED},
    }

    @task
    def make(name: str) -> Any:
        return MAKE[name]()

    @task
    def is_right(x: Any, name: str) -> bool:
        is_held = not isinstance(x, Planet) or (x.mass, x.label) == (4, "home")
        return type(x) is type(MAKE[name]()) and x == MAKE[name]() and is_held

    @task
    def again(x: Any) -> Any:
        return x

    if __name__ == "__main__":
        warnings.simplefilter("error")
        target = int(sys.argv[1]) if len(sys.argv) > 1 else None
        made = {name: make(name) for name in MAKE}
        values = {name: [value] for name, value in evaluate(made).items()}
        asked = {
            name: [again(future), again(MAKE[name]()), is_right(future, name), is_right(MAKE[name](), name)]
            for name, future in made.items()
        }
        for name, (*more, one, other) in evaluate(asked, target=target).items():
            wanted = MAKE[name]()
            is_same = [type(v) is type(wanted) and v == wanted for v in [*values[name], *more]]
            if not all([*is_same, one, other]):
                print(name, is_same, one, other)
        print(msgspec.json.encode(Named(1, other=Struct(2))).decode(), Struct(1, [2]).total())
    """
)
NAMES = ["Plain", "Slots", "Colour", "Pair", "Row"]
RIGHT = {
    "results": dict.fromkeys(NAMES, True),
    "in bodies": NAMES,
    "from bodies": NAMES,
    "untouched": True,
    "sees globals": 3,
    "uses": [55, 20, "int", "object", 9, 4, 5, 1],
    "error": [True, "here"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MERKL_ROOT", raising=False)
    (tmp_path / "pyproject.toml").write_text("[tool.merkl]\n")
    (tmp_path / "flow.py").write_text(SCRIPT)
    return tmp_path


def told_by(folder: Path, *arguments: str) -> tuple[dict[str, Any], int]:
    """Run the script; return what it tells, and how many objects were made."""
    command = [sys.executable, "flow.py", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    made = sum("made" in line for line in (*lines, *done.stdout.splitlines()))
    return json.loads(lines[-1]), made


def run_as_module(folder: Path) -> tuple[list[str], int]:
    """Run the same tasks from the command line; return the result, and how many objects were made."""
    command = [sys.executable, "-m", "merkl", "run", "flow.main", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"], done.stderr.count("made")


def test_the_next_run_of_a_script_gets_objects_of_its_own_classes(folder: Path) -> None:
    """Warm equals cold, type included, and loading them leaves the classes as they are."""
    assert told_by(folder) == (RIGHT, 5)
    assert told_by(folder) == (RIGHT, 0)


def test_other_processes_give_and_take_objects_of_a_scripts_classes(folder: Path) -> None:
    """What this process has stored is read there, and the other way round; caches, locks and the like are there anew."""
    assert told_by(folder, "2") == (RIGHT, 5)
    assert told_by(folder) == (RIGHT, 0)


def test_a_script_and_its_import_share_results(folder: Path) -> None:
    """The file has one name, and results that one way has stored have the other's classes when it reads them."""
    assert told_by(folder) == (RIGHT, 5)
    assert run_as_module(folder) == (NAMES, 0)


def test_results_of_an_imported_module_are_the_scripts_own(folder: Path) -> None:
    """The script is not imported a second time for them."""
    assert run_as_module(folder) == (NAMES, 5)
    assert told_by(folder) == (RIGHT, 0)


@pytest.mark.parametrize("target", ["", "2"])
def test_objects_of_all_kinds_of_classes_come_back(folder: Path, target: str) -> None:
    """Of each kind that a script may define, on this process and on others, cold and warm."""
    (folder / "kinds.py").write_text(KINDS)
    for words in (target.split(), []):
        command = [sys.executable, "kinds.py", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
        struct = '{"type":"s","firstField":1,"more":[],"other":{"type":"s","firstField":2,"more":[]}} 3'
        assert done.stdout.splitlines() == [struct], done.stderr


ENDING = dedent(
    """
    import os, threading
    from merkl import TaskFailedError, evaluate, task

    @task
    def ends(how: str) -> int:
        os._exit(0) if how == "exit" else os.execlp("true", "true")
        return 1

    for how in ("exit", "exec"):
        try:
            evaluate([ends(how)])
        except TaskFailedError as error:
            print(type(error.__cause__).__name__, flush=True)

    @task
    def waits(n: int) -> int:
        threading.Thread(target=os._exit, args=(5,)).start()
        threading.Event().wait(60)
        return n

    waits(1).v
    """
)


def test_a_body_of_a_script_that_would_end_its_process_fails(folder: Path) -> None:
    """What follows in the script runs; code outside of bodies, such as that of threads, ends it as ever."""
    (folder / "ending.py").write_text(ENDING)
    done = subprocess.run(
        [sys.executable, "ending.py"], cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (5, "ProcessExit\nProcessExit\n"), done.stderr
