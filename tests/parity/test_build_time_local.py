"""The build-time relation against mypy for types that live inside a function, some named before they are defined."""

from __future__ import annotations

import importlib.util
import random
import re
import sys
from pathlib import Path
from typing import Any

from mypy import api

from merkl._base.hints import resolve_hints
from merkl.assignability import Verdict, relate

HEAD = """\
from __future__ import annotations
import dataclasses, enum, typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Literal, NamedTuple, NewType, Optional, Protocol, TypedDict, TypeVar, Union
from merkl._base.hints import capture_scope
F = TypeVar("F"); T = TypeVar("T"); T_co = TypeVar("T_co", covariant=True)
KEPT: dict[str, Any] = {}
def keep(fn: F) -> F:
    KEPT[getattr(fn, "__name__")] = fn, capture_scope(fn)  # type: ignore[arg-type]
    return fn
class Outside: ...
"""
LOCAL = """\
class A: ...
class B(A, Outside): ...
class HasX(Protocol):
    @property
    def x(self) -> int: ...
class Point:
    x: int
@dataclasses.dataclass
class Row:
    x: bool
    later: Later
class Late(TypedDict):
    a: int
class Later(TypedDict):
    a: int
    b: Later
class Pair(NamedTuple):
    one: A
    two: int
class Box(Generic[T]):
    v: T
class Src(Generic[T_co]):
    def get(self) -> T_co: raise NotImplementedError
class Sub(Box[int]): ...
class Color(enum.Enum):
    RED = 1
    BLUE = 2
Id = NewType("Id", int)
""".splitlines()
ATOMS = [
    "A",
    "B",
    "HasX",
    "Point",
    "Row",
    "Late",
    "Later",
    "Pair",
    "Sub",
    "Color",
    "Id",
    "int",
    "str",
    "bool",
    "object",
    "Any",
    "None",
    "Outside",
    "Literal[Color.RED]",
]


def _type(rng: random.Random, depth: int) -> str:
    if depth == 0:
        return rng.choice(ATOMS)
    one, two = _type(rng, depth - 1), _type(rng, depth - 1)
    forms = [
        f"Box[{one}]",
        f"Src[{one}]",
        f"list[{one}]",
        f"Sequence[{one}]",
        f"Iterable[{one}]",
        f"Mapping[str, {one}]",
        f"tuple[{one}, {two}]",
        f"Optional[{one}]",
        f"Union[{one}, {two}]",
        f"Callable[[{one}], {two}]",
        f"type[{rng.choice(['A', 'B', 'Point', 'Sub'])}]",
    ]
    return rng.choice(forms)


def _pairs(seed: int, count: int) -> list[tuple[str, str]]:
    """A type and the same with one name in it changed."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        source = _type(rng, rng.choice([0, 1, 2, 3]))
        names = list(re.finditer(r"\b(A|B|int|bool|object|Point|HasX|Row|Late|Later|Src|Box)\b", source))
        target = source
        if names:
            name = rng.choice(names)
            other = rng.choice(["Src", "Box"] if name[0] in ("Src", "Box") else ATOMS)
            target = source[: name.start()] + other + source[name.end() :]
        found.append((source, target) if rng.random() < 0.5 else (target, source))
    return found


def test_types_inside_functions_are_judged_as_by_mypy(tmp_path: Path) -> None:
    """Eight hundred pairs of types that only the function around them can name."""
    pairs = _pairs(5, 800)
    lines = [*HEAD.splitlines(), "def around() -> None:", *(f"    {line}" for line in LOCAL)]
    line_of: dict[int, int] = {}
    for index, (source, target) in enumerate(pairs):
        lines += [
            "    @keep",
            f"    def f{index}(x: {source}, t: {target}) -> None:",
            f"        y: {target} = x",
        ]
        line_of[len(lines)] = index
        line_of[len(lines) - 1] = -1 - index
    path = tmp_path / "local_type_pairs.py"
    path.write_text("\n".join([*lines, "around()", ""]))
    printed, errors, _ = api.run([str(path), "--config-file=", "--cache-dir=/dev/null", "--no-error-summary"])
    assert not errors
    refused, invalid = set(), set()
    for found in re.finditer(r"^.*?:(\d+): error: (.*)$", printed, re.MULTILINE):
        index = line_of.get(int(found[1]))
        if index is not None:
            (refused if index >= 0 and found[2].endswith("[assignment]") else invalid).add(
                max(index, -1 - index)
            )
    wrong = []
    for index, pair in enumerate(pairs):
        function, scope = _load(path).KEPT[f"f{index}"]
        hints = resolve_hints(function, scope=scope)
        assert not hints.problems
        relation = relate(hints.parameters["x"], hints.parameters["t"])
        if index not in invalid and (relation.verdict is Verdict.NO) != (index in refused):
            wrong.append((*pair, relation))
    assert 100 < len(refused) < 700
    assert not wrong


def _load(path: Path) -> Any:
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    return sys.modules[path.stem]
