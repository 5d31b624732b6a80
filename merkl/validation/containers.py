"""Checks of the items of containers, by the first item or by all; all of them go in bulk where their hint allows it."""

from __future__ import annotations

import collections
import functools
import types
from collections import abc
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from merkl.validation.checker import Checker, Many, by_items, by_mappings
from merkl.validation.columns import Test, by_columns, item_part, key_test, loop_of, quoted
from merkl.validation.leaves import class_check
from merkl.validation.problem import Problem, misfit, within

__all__ = [
    "fixed_tuple_checker",
    "items_checker",
    "mapping_checker",
    "named_tuple_checker",
    "open_tuple_checker",
    "typed_dict_checker",
]

# Only containers whose iteration changes nothing and costs nothing strange are looked into at the first item;
# where all items are asked for, also what calls itself a sequence, set or mapping.
_ITERABLE = (list, tuple, set, frozenset, collections.deque, dict, range, str, bytes, bytearray)
_MAPPINGS = (dict, types.MappingProxyType, collections.ChainMap)
_ITERABLE += (type({}.keys()), type({}.values()), *_MAPPINGS)  # type: ignore[assignment]
_ALL_ITERABLE = (*_ITERABLE, abc.Sequence, abc.Set, abc.Mapping)
_ALL_MAPPINGS = (*_MAPPINGS, abc.Mapping)


def items_checker(cls: type, expected: str, item: Checker, *, every: bool) -> Checker:
    """Compile the check of `cls[item]` for a container of like items."""
    outer = class_check(cls, expected)
    looked_into = _ALL_ITERABLE if every else _ITERABLE

    def check(value: object) -> Problem | None:
        problem = outer(value)
        if problem is not None or not isinstance(value, looked_into):
            return problem
        if every:
            return None if item.all_fit(value) else _first_problem(value, item)
        for first in value:
            found = item.one(first)
            return found and within(_step(value, 0), found)
        return None

    return Checker(check, by_items(_kinds(cls, _ITERABLE), item) if every else None)


def _kinds(cls: type, known: tuple[type, ...]) -> tuple[type, ...]:
    """The kinds of containers that fit `cls` and may be looked into."""
    return tuple(kind for kind in known if issubclass(kind, cls))


def _first_problem(values: Iterable[object], item: Checker) -> Problem | None:
    for index, value in enumerate(values):
        found = item.one(value)
        if found is not None:
            return within(_step(values, index), found)
    return None


def _step(container: object, index: int) -> str:
    return "an item" if isinstance(container, abc.Set) else f"item {index}"


def mapping_checker(cls: type, expected: str, key: Checker, value: Checker, *, every: bool) -> Checker:
    """Compile the check of `cls[key, value]`."""
    outer = class_check(cls, expected)
    looked_into = _ALL_MAPPINGS if every else _MAPPINGS

    def one(name: object, content: object) -> Problem | None:
        found = key.one(name)
        if found is not None:
            return within(f"the key {_short(name)}", found)
        found = value.one(content)
        return found and within(f"key {_short(name)}", found)

    def check(mapping: object) -> Problem | None:
        problem = outer(mapping)
        if problem is not None or not isinstance(mapping, looked_into):
            return problem
        if every and key.all_fit(mapping) and value.all_fit(mapping.values()):
            return None
        for name, content in mapping.items():
            found = one(name, content)
            if found is not None or not every:
                return found
        return None

    return Checker(check, by_mappings(_kinds(cls, _MAPPINGS), key, value) if every else None)


def _short(key: object) -> str:
    text = repr(key) if isinstance(key, (str, int, float, bytes)) else type(key).__name__
    return text if len(text) <= 40 else text[:37] + "..."


def fixed_tuple_checker(hint: str, items: tuple[Checker, ...]) -> Checker:
    """Compile the check of a tuple of fixed length, each item with its own check."""
    wanted = len(items)
    many = by_columns(tuple, lambda: [item_part(*each) for each in enumerate(items)], length=wanted)

    def check(value: object) -> Problem | None:
        if not isinstance(value, tuple):
            return misfit(value, hint)
        if len(value) != wanted:
            return Problem("", hint, f"a tuple of {len(value)}")
        for index, (each, item) in enumerate(zip(value, items, strict=True)):
            found = item.one(each)
            if found is not None:
                return within(f"item {index}", found)
        return None

    return Checker(check, many)


def open_tuple_checker(
    hint: str, first: tuple[Checker, ...], rest: Checker, last: tuple[Checker, ...], *, every: bool
) -> Checker:
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
            found = item.one(value[index])
            if found is not None:
                return within(f"item {index}", found)
        return None

    return Checker(check)


def named_tuple_checker(cls: type, expected: str, fields: Collection[tuple[str, Checker]]) -> Checker:
    """Compile the check of a NamedTuple and of its fields."""
    outer = class_check(cls, expected)

    def check(value: Any) -> Problem | None:
        problem = outer(value)
        if problem is not None or not isinstance(value, tuple):
            return problem
        for each, (name, field) in zip(value, fields, strict=False):
            found = field.one(each)
            if found is not None:
                return within(f"field {name!r}", found)
        return None

    parts = [item_part(index, field) for index, (_, field) in enumerate(fields)]
    return Checker(check, by_columns(cls, lambda: parts))


def typed_dict_checker(
    expected: str,
    fields: dict[str, Checker],
    required: frozenset[str],
    *,
    others: Checker | None,
    closed: bool,
) -> Checker:
    """Compile the check of a TypedDict; more keys are fine unless it is closed: a wider TypedDict is one too.

    `others` is the check of the values of those keys.
    """

    def check(value: object) -> Problem | None:
        if not isinstance(value, dict):
            return misfit(value, expected)
        missing = sorted(required - value.keys())
        if missing:
            return Problem("", expected, f"a dict without the key {missing[0]!r}")
        for name, field in fields.items():
            if name in value:
                found = field.one(value[name])
                if found is not None:
                    return within(f"key {name!r}", found)
        return more(value) if len(value) > len(required) else None

    def more(value: Mapping[Any, object]) -> Problem | None:
        for name, content in value.items():
            if name in fields:
                continue
            if closed or not isinstance(name, str):
                return Problem("", expected, f"a dict with the key {_short(name)}")
            found = others and others.one(content)
            if found:
                return within(f"key {name!r}", found)
        return None

    @functools.cache
    def loop() -> Many:
        optional = [f"({quoted(name)} in v)" for name in fields if name not in required]
        tests = [Test(f"len(v) != {' + '.join([str(len(required)), *optional])}", ())]
        quick = {name: field for name, field in fields.items() if field.settled}
        tests += [key_test(name, field, required=name in required) for name, field in quick.items()]
        return loop_of(dict, tests)

    def many(values: Collection[Any]) -> bool:
        try:
            is_quick = loop()(values)
        except KeyError:  # a required key that one of them does not have
            return False
        if not is_quick and (set(map(type, values)) - {dict} or others is not None):
            return False
        for name, field in fields.items():
            if is_quick and field.settled:
                continue
            held = [each[name] for each in values if name in each]
            if (name in required and len(held) < len(values)) or not field.all_fit(held):
                return False
        return is_quick or all(len(each) <= len(required) or more(each) is None for each in values)

    return Checker(check, many)
