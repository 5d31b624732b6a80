"""Many values with the same parts, such as tuples and objects: part by part, those of a settled class by one loop."""

from __future__ import annotations

import functools
import keyword
from collections.abc import Callable, Collection
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any

from merkl.validation.checker import Checker, Many

__all__ = ["Part", "Test", "by_columns", "field_part", "item_part", "key_test", "loop_of", "quoted"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of such values: what reads it, how a read of it from `v` is written, and its check."""

    read: Callable[[Any], Any]
    source: str
    checker: Checker


def item_part(index: int, checker: Checker) -> Part:
    """An item of tuples."""
    return Part(itemgetter(index), f"v[{index}]", checker)


def field_part(name: str, checker: Checker) -> Part:
    """A field of objects."""
    return Part(attrgetter(name), f"v.{name}", checker)


def by_columns(cls: type, parts: Callable[[], list[Part]], *, length: int | None = None) -> Many:
    """Values of exactly this class (and this length): the same part of all of them at once."""

    @functools.cache
    def prepared() -> tuple[Many, list[Part], list[Part]]:
        every = parts()
        quick = [part for part in every if part.checker.settled and _is_source(part.source)]
        tests = [part_test(part.source, part.checker) for part in quick]
        if length is not None:
            tests.insert(0, Test(f"len(v) != {length}", ()))
        return loop_of(cls, tests), quick, [part for part in every if part not in quick]

    def many(values: Collection[Any]) -> bool:
        loop, quick, others = prepared()
        try:
            if loop(values):
                return all(_fits(part, values) for part in others)
            if set(map(type, values)) - {cls} or (length is not None and set(map(len, values)) - {length}):
                return False
            return all(_fits(part, values) for part in (*quick, *others))
        except (AttributeError, LookupError):  # a part that not all have
            return False

    return many


def _fits(part: Part, values: Collection[Any]) -> bool:
    return part.checker.many is not None and part.checker.many(list(map(part.read, values)))


def _is_source(text: str) -> bool:
    name = text.removeprefix("v.")
    return text.startswith("v[") or (name.isidentifier() and not keyword.iskeyword(name))


@dataclass(frozen=True, slots=True)
class Test:
    """An expression that is true of a value `v` that needs a closer look; `{}` in it stands for the classes."""

    source: str
    classes: tuple[type, ...]


def part_test(read: str, checker: Checker) -> Test:
    """Whether a part is of another class than those that are known to fit."""
    return Test(
        f"type({read}) " + ("is not {}" if len(checker.settled) == 1 else "not in {}"), checker.settled
    )


def key_test(name: str, checker: Checker, *, required: bool) -> Test:
    """The same for what a dict holds under a key."""
    test = part_test(f"v[{quoted(name)}]", checker)
    return test if required else Test(f"{quoted(name)} in v and {test.source}", test.classes)


def quoted(name: str) -> str:
    """A string as it is written in a test."""
    return repr(name).replace("{", "{{").replace("}", "}}")


def loop_of(cls: type, tests: Collection[Test]) -> Many:
    """A loop that says whether all values are of exactly this class and pass all tests.

    It is made as source, as dataclasses make their methods: a look at an attribute by its name in the source takes
    a third of the time of one by `attrgetter`.
    """
    known: dict[str, Any] = {"cls": cls}
    conditions = ["type(v) is not cls"]
    for index, test in enumerate(tests):
        name = f"c{index}"
        known[name] = test.classes[0] if len(test.classes) == 1 else test.classes
        conditions.append(f"({test.source.format(name)})")
    lines = ["def fits(values):", "    for v in values:", f"        if {' or '.join(conditions)}:"]
    exec("\n".join([*lines, "            return False", "    return True"]), known)
    made: Many = known["fits"]
    return made
