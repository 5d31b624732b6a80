"""Random calls, each written twice: with plain values, and with Futures in some places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from tests.parity import modern
from tests.parity.corpus import CALLABLES, FUNCTIONS, FUTURE_CONTAINERS, JOINED, PRELUDE, VALUES

CONSTANTS = ["1", "2.5", "'a'", "''", "None", "True", "b''", "[]", "{}", "()", "Color.RED", "int", "Base", "Derived",
             "lambda v: v", "lambda v: str(v)", "lambda v: v.missing", "lambda: 1", "lambda a, b: 1.0", "key_of", "twice",
             "len", "Base()", "Derived()", "set()", "Box(1)", "UserId(3)", "-1", "1 + 1", "'a' 'b'"]  # fmt: skip
KEYWORDS = ["x", "y", "z", "xs", "key", "fn", "default", "size", "name", "table", "other", "nope", "a", "b"]
SHORT = [
    "int_",
    "str_",
    "float_",
    "bool_",
    "ints",
    "strs",
    "lit_a",
    "user",
    "derived",
    "color",
    "options",
    "row",
]


@dataclass(frozen=True, slots=True)
class Call:
    """One call, written for plain functions and for tasks."""

    plain: str
    lazy: str


class Generator:
    """Draws calls from a seeded source of randomness."""

    def __init__(self, seed: int, *, is_modern: bool = False) -> None:
        self.random = Random(seed)
        self.callables = modern.CALLABLES if is_modern else CALLABLES
        self.constants = CONSTANTS + modern.CONSTANTS if is_modern else CONSTANTS

    def call(self) -> Call:
        """A call of a random function with random arguments, more often than not nearly right."""
        name = self.random.choice(self.callables)
        plain, lazy = zip(
            *[self._argument() for _ in range(self.random.choice([1, 1, 1, 2, 2, 2, 3, 3, 4]))], strict=True
        )
        order = sorted(
            range(len(plain)), key=lambda i: ("=" in plain[i].split("(")[0].split("[")[0].split("{")[0], 0)
        )
        order = [i for i in order if not plain[i].startswith("**")] + [
            i for i in order if plain[i].startswith("**")
        ]
        return Call(
            f"{name}({', '.join(plain[i] for i in order)})", f"{name}({', '.join(lazy[i] for i in order)})"
        )

    def _argument(self) -> tuple[str, str]:
        plain, lazy = self._expression(0)
        roll = self.random.random()
        if roll < 0.25:
            key = self.random.choice(KEYWORDS)
            return f"{key}={plain}", f"{key}={lazy}"
        if roll < 0.33 and (lazy.startswith(("[", "fs_")) or (plain == lazy and "(" not in plain)):
            return f"*{plain}", f"*{lazy}"
        if roll < 0.36 and lazy.startswith("{"):
            return f"**{plain}", f"**{lazy}"
        return plain, lazy

    def _expression(self, depth: int) -> tuple[str, str]:
        roll = self.random.random()
        if depth < 3 and roll < 0.4:
            return self._container(depth + 1)
        if roll < 0.55:
            constant = self.random.choice(self.constants)
            return constant, constant
        return self._variable()

    def _variable(self) -> tuple[str, str]:
        name = self.random.choice(SHORT if self.random.random() < 0.5 else list(VALUES))
        roll = self.random.random()
        if roll < 0.15 and name in FUTURE_CONTAINERS:
            return name, f"fs_{name}"
        if roll < 0.3 and name in JOINED:
            return name, f"joined_{name}"
        if roll < 0.75:
            return name, f"f_{name}"
        return name, name

    def _container(self, depth: int) -> tuple[str, str]:
        kind = self.random.randrange(14)
        parts = [self._expression(depth) for _ in range(self.random.choice([1, 2, 2, 3]))]
        if kind == 13 or self.random.random() < 0.5:  # homogeneous containers are the usual ones
            name = self.random.choice(SHORT)
            parts = [(name, f"f_{name}" if self.random.random() < 0.6 else name) for _ in parts]
        plain, lazy = [list(side) for side in zip(*parts, strict=True)]
        if kind in (0, 1, 2, 13):
            return tuple(f"[{', '.join(side)}]" for side in (plain, lazy))  # type: ignore[return-value]
        if kind in (3, 4):
            return tuple(f"({', '.join(side)},)" for side in (plain, lazy))  # type: ignore[return-value]
        if kind == 5:
            return tuple(f"{{{', '.join(side)}}}" for side in (plain, lazy))  # type: ignore[return-value]
        if kind in (6, 7):
            keys = self.random.choice([["size", "name", "extra"], ["a", "b", "c"]])
            return tuple(
                f"{{{', '.join(f'{k!r}: {v}' for k, v in zip(keys, side, strict=False))}}}"
                for side in (plain, lazy)
            )  # type: ignore[return-value]
        if kind == 8:
            keys = ["size", "name", "extra"]
            return tuple(
                f"dict({', '.join(f'{k}={v}' for k, v in zip(keys, side, strict=False))})"
                for side in (plain, lazy)
            )  # type: ignore[return-value]
        if kind == 9:
            return tuple(f"[{side[0]} for _ in range(3)]" for side in (plain, lazy))  # type: ignore[return-value]
        if kind == 10:
            return f"({plain[0]} if flag else {plain[-1]})", f"({lazy[0]} if flag else {lazy[-1]})"
        if kind == 11:
            ctor = self.random.choice(["Row", "Point", "Pair", "list", "tuple", "Options"])
            if ctor == "Options":
                return tuple(f"Options(size={side[0]}, name={side[-1]})" for side in (plain, lazy))  # type: ignore[return-value]
            if ctor in ("list", "tuple"):
                return tuple(f"{ctor}([{', '.join(side)}])" for side in (plain, lazy))  # type: ignore[return-value]
            return tuple(f"{ctor}({side[0]}, {side[-1]})" for side in (plain, lazy))  # type: ignore[return-value]
        name = self.random.choice(
            ["one", "identity", "first", "same", "list_float", "stars", "empty_list", "fixed"]
        )
        arguments = {"same": 2, "empty_list": 0}.get(name, 1)
        return tuple(f"{name}({', '.join((side * 2)[:arguments])})" for side in (plain, lazy))  # type: ignore[return-value]


def draw(seed: int, count: int, *, is_modern: bool = False) -> list[Call]:
    """`count` different calls that are valid Python."""
    generator = Generator(seed, is_modern=is_modern)
    calls: dict[str, Call] = {}
    while len(calls) < count:
        call = generator.call()
        try:
            compile(call.lazy, "call", "eval")
        except SyntaxError:  # the same keyword twice, a positional after a keyword
            continue
        calls[call.lazy] = call
    return list(calls.values())


def modules(calls: list[Call], *, is_modern: bool = False) -> tuple[str, str]:
    """The two modules that mypy is to agree on, call by call on equal lines."""
    prelude = PRELUDE.format(imports="from merkl import Future, task") + (modern.PRELUDE if is_modern else "")
    functions = FUNCTIONS + (modern.FUNCTIONS if is_modern else "")
    plain_functions = re.sub(r"^( *)@task$", r"\1# task", functions, flags=re.M)
    values = [f"{name}: {typ}" for name, typ in VALUES.items()] + ["flag: bool"]
    futures = [f"f_{name}: Future[{typ}]" for name, typ in VALUES.items()]
    futures += [f"fs_{name}: {typ}" for name, typ in FUTURE_CONTAINERS.items()]
    futures += [f"joined_{name} = {display}" for name, display in JOINED.items()]
    padding = ["#"] * len(futures)
    plain = [*values, *padding, *(_line(i, call.plain) for i, call in enumerate(calls))]
    lazy = [*values, *futures, *(_line(i, call.lazy) for i, call in enumerate(calls))]
    return (
        prelude + plain_functions + "\n" + "\n".join(plain) + "\n",
        prelude + functions + "\n" + "\n".join(lazy) + "\n",
    )


def _line(index: int, call: str) -> str:
    """A function of its own for each call: plain calls that never return would hide the lines after them."""
    return f"def _{index}() -> None: reveal_type({call})"
