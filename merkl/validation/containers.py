"""Checks of the items of containers, by the first item or by all; all of one plain kind go in bulk."""

from __future__ import annotations

import collections
import types
from collections.abc import Callable, Collection, Iterable
from typing import Any

from merkl.validation.leaves import Check, class_check
from merkl.validation.problem import Problem, misfit, within

__all__ = [
    "TypeTest",
    "fixed_tuple_check",
    "items_check",
    "mapping_check",
    "named_tuple_check",
    "open_tuple_check",
    "typed_dict_check",
]

TypeTest = Callable[[type], bool]
"""Says whether every instance of a class fits; only hints that a value's class alone decides have one."""

# Only containers whose iteration changes nothing and costs nothing strange are looked into.
_ITERABLE = (list, tuple, set, frozenset, collections.deque, dict, range, str, bytes, bytearray)
_MAPPINGS = (dict, types.MappingProxyType, collections.ChainMap)
_ITERABLE += (type({}.keys()), type({}.values()), *_MAPPINGS)  # type: ignore[assignment]


def _all_fit(values: Iterable[object], test: TypeTest | None) -> bool:
    """Whether the classes of the values settle it, without a Python-level step per value."""
    return test is not None and all(map(test, set(map(type, values))))


def items_check(cls: type, expected: str, item: Check, test: TypeTest | None, *, every: bool) -> Check:
    """Compile the check of `cls[item]` for a container of like items."""
    outer = class_check(cls, expected)

    def check(value: object) -> Problem | None:
        problem = outer(value)
        if problem is not None or not isinstance(value, _ITERABLE):
            return problem
        if every:
            return None if _all_fit(value, test) else _first_problem(value, item)
        for first in value:
            found = item(first)
            return found and within(_step(value, 0), found)
        return None

    return check


def _first_problem(values: Iterable[object], item: Check) -> Problem | None:
    for index, value in enumerate(values):
        found = item(value)
        if found is not None:
            return within(_step(values, index), found)
    return None


def _step(container: object, index: int) -> str:
    return "an item" if isinstance(container, (set, frozenset)) else f"item {index}"


def mapping_check(
    cls: type,
    expected: str,
    key: Check,
    value: Check,
    tests: tuple[TypeTest | None, TypeTest | None],
    *,
    every: bool,
) -> Check:
    """Compile the check of `cls[key, value]`."""
    outer = class_check(cls, expected)

    def one(name: object, content: object) -> Problem | None:
        found = key(name)
        if found is not None:
            return within(f"the key {_short(name)}", found)
        found = value(content)
        return found and within(f"key {_short(name)}", found)

    def check(mapping: object) -> Problem | None:
        problem = outer(mapping)
        if problem is not None or not isinstance(mapping, _MAPPINGS):
            return problem
        if every and _all_fit(mapping, tests[0]) and _all_fit(mapping.values(), tests[1]):
            return None
        for name, content in mapping.items():
            found = one(name, content)
            if found is not None or not every:
                return found
        return None

    return check


def _short(key: object) -> str:
    text = repr(key) if isinstance(key, (str, int, float, bytes)) else type(key).__name__
    return text if len(text) <= 40 else text[:37] + "..."


def fixed_tuple_check(hint: str, items: tuple[Check, ...]) -> Check:
    """Compile the check of a tuple of fixed length, each item with its own check."""
    wanted = len(items)

    def check(value: object) -> Problem | None:
        if not isinstance(value, tuple):
            return misfit(value, hint)
        if len(value) != wanted:
            return Problem("", hint, f"a tuple of {len(value)}")
        for index, (each, item) in enumerate(zip(value, items, strict=True)):
            found = item(each)
            if found is not None:
                return within(f"item {index}", found)
        return None

    return check


def open_tuple_check(
    hint: str, first: tuple[Check, ...], rest: Check, last: tuple[Check, ...], *, every: bool
) -> Check:
    """Compile the check of `tuple[A, *tuple[B, ...], C]`: fixed ends, and any number of like items between them."""

    def check(value: object) -> Problem | None:
        if not isinstance(value, tuple):
            return misfit(value, hint)
        between = len(value) - len(first) - len(last)
        if between < 0:
            return Problem("", hint, f"a tuple of {len(value)}")
        looked_at = between if every else min(between, 1)
        checks = [*enumerate(first)]
        checks += [(len(first) + index, rest) for index in range(looked_at)]
        checks += [(len(value) - len(last) + index, item) for index, item in enumerate(last)]
        for index, item in checks:
            found = item(value[index])
            if found is not None:
                return within(f"item {index}", found)
        return None

    return check


def named_tuple_check(cls: type, expected: str, fields: Collection[tuple[str, Check]]) -> Check:
    """Compile the check of a NamedTuple and of its fields."""
    outer = class_check(cls, expected)

    def check(value: Any) -> Problem | None:
        problem = outer(value)
        if problem is not None or not isinstance(value, tuple):
            return problem
        for each, (name, field) in zip(value, fields, strict=False):
            found = field(each)
            if found is not None:
                return within(f".{name}", found)
        return None

    return check


def typed_dict_check(expected: str, fields: dict[str, Check], required: frozenset[str]) -> Check:
    """Compile the check of a TypedDict; more keys are fine, a wider TypedDict is one too."""

    def check(value: object) -> Problem | None:
        if not isinstance(value, dict):
            return misfit(value, expected)
        missing = sorted(required - value.keys())
        if missing:
            return Problem("", expected, f"a dict without the key {missing[0]!r}")
        for name, field in fields.items():
            if name in value:
                found = field(value[name])
                if found is not None:
                    return within(f"key {name!r}", found)
        return None

    return check
