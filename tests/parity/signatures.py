"""Random functions and random calls of them: each argument is made for its parameter, so that most calls are nearly right."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

PRELUDE = """
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Any, Concatenate, Generic, Literal, NamedTuple, NewType, NotRequired, ParamSpec, Protocol, TypedDict, TypeVar,
    TypeVarTuple, Unpack, overload,
)
from merkl import Future, task

T = TypeVar("T")
S = TypeVar("S")
N = TypeVar("N", bound=float)
X = TypeVar("X", int, str)
Made = TypeVar("Made", covariant=True)
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")
UserId = NewType("UserId", int)
class Color(enum.Enum):
    RED = 1
    BLUE = 2
class Base:
    size: int = 1
    def area(self) -> float: return 1.0
class Derived(Base): ...
class HasArea(Protocol):
    def area(self) -> float: ...
class Maker(Protocol[Made]):
    def __call__(self, x: int, /) -> Made: ...
class Row(TypedDict):
    size: int
    name: NotRequired[str]
class Point(NamedTuple):
    x: int
    y: float = 0.0
@dataclass
class Box(Generic[T]):
    item: T
def flag() -> bool: ...
@task
def fut(x: T) -> T: ...
"""

# Types without parameters, each with expressions of it; what stands in `Future` below is a variable of it.
PLAIN = {
    "int": ["1", "len('ab')", "flag()", "1 + 2"],
    "str": ["'a'", "'a'.upper()", "'' or 'b'"],
    "float": ["2.5", "1", "abs(-1.0)"],
    "bool": ["True", "flag()", "not 1"],
    "bytes": ["b'a'"],
    "None": ["None"],
    "object": ["object()", "[1]", "None"],
    "Literal['a', 'b']": ["'a'", "'b'"],
    "Literal[1, 2]": ["1"],
    "UserId": ["UserId(1)"],
    "Color": ["Color.RED"],
    "Base": ["Base()", "Derived()"],
    "Derived": ["Derived()"],
    "HasArea": ["Base()"],
    "Row": ["{'size': 1}", "dict(size=1, name='a')", "Row(size=1)"],
    "Point": ["Point(1)", "Point(1, 2.0)"],
    "type[Base]": ["Base", "Derived"],
    "Iterable[str]": ["'ab'", "['a']", "('a',)", "{'a': 1}"],
}
VARIABLES = {f"v{number}": typ for number, typ in enumerate(PLAIN)}
VARIABLES |= {
    f"w{number}": typ
    for number, typ in enumerate(
        ["list[int]", "list[str]", "dict[str, int]", "tuple[int, str]", "tuple[int, ...]", "int | None", "list[Base]",
         "int | str", "set[str]", "Box[int]", "Sequence[float]", "list[int] | None", "Mapping[str, list[int]]"]
    )
}  # fmt: skip
_BY_TYPE: dict[str, list[str]] = {}
for _name, _type in VARIABLES.items():
    _BY_TYPE.setdefault(_type, []).append(_name)
_ITEMS = (
    "int",
    "str",
    "float",
    "bytes",
    "Base",
    "Derived",
    "Literal['a', 'b']",
    "UserId",
    "bool",
    "Row",
    "None",
)

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: how it is written, the name and the type that arguments are made for, and how it takes them."""

    text: str
    name: str
    typ: str
    kind: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function under `# task` or `@task`, with the call that fits it."""

    text: str
    name: str
    parameters: tuple[Parameter, ...]


class Types:
    """Draws types, and values for them: each value is written plain, and with Futures in some places."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._names = 0
        self.is_lazy = True  # whether what is being written may have Futures

    def draw(self, depth: int = 0, variables: tuple[str, ...] = ()) -> str:
        """A type, three deep at most."""
        if variables and self.random.random() < 0.35:
            return self.random.choice(variables)
        if depth > 2 or self.random.random() < 0.45:
            return self.random.choice(list(PLAIN) if depth == 0 else _ITEMS)
        shape = self.random.choice(
            ["list[{}]", "list[{}]", "dict[str, {}]", "tuple[{}, {}]", "tuple[{}, ...]", "set[str]", "Sequence[{}]",
             "Mapping[str, {}]", "Iterable[{}]", "{} | None", "{} | {}", "Box[{}]", "Callable[[{}], {}]", "Maker[{}]"]
        )  # fmt: skip
        parts = [self.draw(depth + 1, variables) for _ in range(shape.count("{}"))]
        return shape.format(*parts)

    def value(self, typ: str, depth: int = 0) -> Pair:
        """An expression for a parameter of that type; one in twelve is of another."""
        if self.random.random() < 0.04:
            typ = self.draw(depth)
        roll = self.random.random()
        if depth < 3 and roll < 0.12:
            return self._composed(typ, depth + 1)
        if roll < 0.45 and typ in _BY_TYPE:
            return self._lazily(self.random.choice(_BY_TYPE[typ]))
        made = self._made(typ, depth + 1)
        if self.is_lazy and self.random.random() < 0.15 and not made[0].startswith("(lambda"):
            return f"fut({made[0]})", f"fut({made[1]})"
        return made

    def _lazily(self, name: str) -> Pair:
        if not self.is_lazy:
            return name, name
        if self.random.random() < 0.15:
            return f"fut({name})", f"fut({name})"
        return name, self.random.choice((name, f"f_{name}", f"f_{name}"))

    def _composed(self, typ: str, depth: int) -> Pair:
        """The value behind a condition, a walrus or a list that is indexed."""
        one, other = self.value(typ, depth), self.value(typ, depth)
        shape = self.random.choice(
            ["({0} if flag() else {1})", "({0} if w5 is None else {1})", "(flag() and {0} or {1})", "({name} := {0})",
             "[{0}, {1}][0]", "({0}, {1})[1]"]
        )  # fmt: skip
        if " and " in shape and (one[0] != one[1] or "fut(" in one[1]):
            return one  # a Future behind a test for truth is misuse
        self._names += 1
        return (
            shape.format(one[0], other[0], name=f"n{self._names}"),
            shape.format(one[1], other[1], name=f"n{self._names}"),
        )

    def _made(self, typ: str, depth: int) -> Pair:
        if typ in PLAIN:
            text = self.random.choice(PLAIN[typ])
            return text, text
        if typ in ("T", "S", "N", "X"):
            settled = {"N": ("int", "float", "bool"), "X": ("int", "str")}.get(typ, _ITEMS)
            return self.value(self.random.choice(settled), depth)
        options = split(typ, " | ")
        if len(options) > 1:
            return self.value(self.random.choice(options), depth)
        name, _, inside = typ.partition("[")
        return self._container(name, split(inside[:-1], ", "), depth)

    def _container(self, name: str, parts: list[str], depth: int) -> Pair:
        item = parts[-1]
        if name in ("Callable", "Maker"):
            return self._function(parts, depth)
        if name == "tuple" and item != "...":
            return join("({},)", [self.value(part, depth) for part in parts])
        if name == "Box":
            return join("Box({})", [self.value(item, depth)])
        if name in ("dict", "Mapping"):
            return self._dict(item, depth)
        if name == "tuple":
            item = parts[0]
        values = [self.value(item, depth) for _ in range(self.random.randint(0, 3))]
        shapes = {"set": ["{{{}}}"], "tuple": ["({},)", "tuple([{}])"], "list": ["[{}]"] * 3}
        shapes["list"] += ["[{}] + [{}]", "list([{}])", "[*[{}]]"]
        shape = self.random.choice(shapes.get(name, ["[{}]", "({},)", "[*({},)]"]))
        if not values:
            empty = {"set": "set()", "tuple": "()"}.get(name, "[]")
            return empty, empty
        if self.random.random() < 0.2:
            return self._comprehension(name, values[0], depth)
        return join(shape, values)

    def _comprehension(self, name: str, value: Pair, depth: int) -> Pair:
        shape = {"set": "{{{} for _ in 'ab'}}", "tuple": "tuple([{} for _ in 'ab'])"}.get(
            name, "[{} for _ in 'ab']"
        )
        return shape.format(value[0]), shape.format(value[1])

    def _dict(self, item: str, depth: int) -> Pair:
        values = [self.value(item, depth) for _ in range(self.random.randint(0, 2))]
        shape = self.random.choice(["{{{}}}", "{{**{{{}}}}}", "dict({})"]) if values else "{{{}}}"
        form = "k{}={}" if shape == "dict({})" else "'k{}': {}"
        sides = [", ".join(form.format(i, value[side]) for i, value in enumerate(values)) for side in (0, 1)]
        return shape.format(sides[0]), shape.format(sides[1])

    def _function(self, parts: list[str], depth: int) -> Pair:
        """A function from context; its body has no Futures, for nothing looks into functions."""
        self._names += 1
        was_lazy, self.is_lazy = self.is_lazy, False
        name, result = f"p{self._names}", self.value(parts[-1], max(depth, 2))[0]
        self.is_lazy = was_lazy
        body = self.random.choice([result, result, name, f"{name}.missing", f"str({name})", f"[{name}]"])
        text = self.random.choice(
            [f"lambda {name}: {body}"] * 4 + ["lambda: 1", "len", "str", "Box", f"lambda {name}, q: 1"]
        )
        return f"({text})", f"({text})"


def split(text: str, by: str) -> list[str]:
    """The parts of a type that stand side by side."""
    parts, level, start = [], 0, 0
    for index, letter in enumerate(text):
        level += (letter == "[") - (letter == "]")
        if not level and text.startswith(by, index):
            parts.append(text[start:index])
            start = index + len(by)
    return [*parts, text[start:]]


def join(shape: str, values: list[Pair]) -> Pair:
    """The values between the brackets of a display, plain and lazy."""
    count = shape.count("{}")
    sides = [", ".join(value[side] for value in values) for side in (0, 1)]
    return shape.format(*[sides[0]] * count), shape.format(*[sides[1]] * count)


class Signatures:
    """Draws functions, and calls of them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.types = Types(self.random)

    def function(self, name: str) -> Function:
        """A function with parameters of all kinds, generic or not."""
        shape = self.random.random()
        if shape < 0.08:
            return self._passing_on(name)
        variables = self.random.choice([(), (), ("T",), ("T", "S"), ("N",), ("X", "T")])
        parameters = self._parameters(variables)
        inner = ", ".join(parameter.text for parameter in parameters)
        used = tuple(one for one in variables if any(one in words(each.text) for each in parameters))
        result = self.types.draw(1, used)
        if result.startswith(("tuple", "Row")):  # these become several Futures, which other tests compare
            result = f"list[{result}]"
        return Function(f"def {name}({strip_separators(inner)}) -> {result}: ...", name, tuple(parameters))

    def _parameters(self, variables: tuple[str, ...]) -> list[Parameter]:
        made: list[Parameter] = []
        optional = False
        positional_only = self.random.random() < 0.2
        for number in range(self.random.choice([1, 1, 2, 2, 3])):
            typ = self.types.draw(0, variables)
            optional = optional or self.random.random() < 0.25
            default = " = ..." if optional else ""
            kind = "posonly" if positional_only else "any"
            made.append(Parameter(f"a{number}: {typ}{default}", f"a{number}", typ, kind + default))
        if positional_only:
            made.append(Parameter("/", "", "", "separator"))
        roll = self.random.random()
        if roll < 0.2:
            typ = self.types.draw(1, variables)
            made.append(Parameter(f"*rest: {typ}", "", typ, "star"))
        elif roll < 0.28 and "X" not in variables:  # a constrained variable there makes mypy itself crash
            made.append(Parameter("*rest: Unpack[tuple[int, Unpack[tuple[str, ...]]]]", "", "int", "star"))
        elif roll < 0.4:
            made.append(Parameter("*", "", "", "separator"))
        if roll < 0.4:
            typ = self.types.draw(0, variables)
            default = self.random.choice(["", " = ..."])
            made.append(Parameter(f"k: {typ}{default}", "k", typ, "named" + default))
        roll = self.random.random()
        if roll < 0.12:
            typ = self.types.draw(1, variables)
            made.append(Parameter(f"**more: {typ}", "", typ, "star2"))
        elif roll < 0.2:
            made.append(Parameter("**more: Unpack[Row]", "size", "int", "named"))
        return made

    def _passing_on(self, name: str) -> Function:
        """Functions that hand their arguments to another, or give them all back."""
        if self.random.random() < 0.5:
            text = f"def {name}(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> list[T]: ..."
            return Function(
                text,
                name,
                (Parameter("", "fn", "Callable[[int], str]", "any"), Parameter("", "", "int", "star")),
            )
        text = f"def {name}(first: T, *args: Unpack[Ts]) -> list[tuple[T, Unpack[Ts]]]: ..."
        return Function(text, name, (Parameter("", "first", "T", "any"), Parameter("", "", "T", "star")))

    def call(self, function: Function) -> Pair:
        """A call with an argument for each parameter, more often than not."""
        positional: list[Pair] = []
        named: list[Pair] = []
        for one in function.parameters:
            if one.kind == "separator" or self.random.random() < (0.4 if one.kind.endswith("...") else 0.02):
                continue
            if one.kind.startswith("star"):
                self._rest(one, positional, named)
                continue
            value = self.types.value(one.typ)
            if (
                one.kind.startswith("named")
                or named
                or (one.kind.startswith("any") and self.random.random() < 0.2)
            ):
                named.append((f"{one.name}={value[0]}", f"{one.name}={value[1]}"))
            else:
                positional.append(value)
        if self.random.random() < 0.03:
            named.append(("nope=1", "nope=1"))
        sides = [", ".join(part[side] for part in [*positional, *named]) for side in (0, 1)]
        return f"{function.name}({sides[0]})", f"{function.name}({sides[1]})"

    def _rest(self, one: Parameter, positional: list[Pair], named: list[Pair]) -> None:
        values = [self.types.value(one.typ) for _ in range(self.random.randint(0, 3))]
        if one.kind == "star2":
            named += [(f"z{i}={plain}", f"z{i}={lazy}") for i, (plain, lazy) in enumerate(values)]
        elif self.random.random() < 0.3 and values and not named:
            positional.append(join("*[{}]" if self.random.random() < 0.5 else "*({},)", values))
        elif not named:
            positional += values


def words(text: str) -> set[str]:
    """The names in a piece of source."""
    return set("".join(letter if letter.isalnum() else " " for letter in text).split())


def strip_separators(text: str) -> str:
    """A bare `*` at the end of the parameters is no Python."""
    return text.removesuffix(", *")


def modules(seed: int, functions: int, calls: int) -> tuple[str, str, list[Pair]]:
    """The plain module, the lazy one, and the calls that their last lines make."""
    made = Signatures(seed)
    written: list[str] = []
    called: list[Pair] = []
    for number in range(functions):
        function = made.function(f"g{number}")
        written += ["@task", function.text]
        for _ in range(calls):
            pair = made.call(function)
            if _is_valid(pair[1]):
                called.append(pair)
    values = [f"{name}: {typ}" for name, typ in VARIABLES.items()]
    futures = [f"f_{name}: Future[{typ}]" for name, typ in VARIABLES.items()]
    sources = []
    for side in (0, 1):
        lines = [f"def _{number}() -> None: reveal_type({pair[side]})" for number, pair in enumerate(called)]
        text = "\n".join([*written, *values, *(futures if side else ["#"] * len(futures)), *lines]) + "\n"
        sources.append(PRELUDE + text if side else (PRELUDE + text).replace("@task\n", "# task\n"))
    return sources[0], sources[1], called


def _is_valid(call: str) -> bool:
    try:
        compile(call, "call", "eval")
    except SyntaxError:
        return False
    return True
