"""A compiled hint: what is wrong with one value, and whether many values fit all at once."""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import chain
from typing import Any

from merkl.validation.problem import Problem

__all__ = [
    "Check",
    "Checker",
    "Many",
    "TypeTest",
    "by_items",
    "by_mappings",
    "has_class_test",
    "of_class",
]

Check = Callable[[object], "Problem | None"]

Many = Callable[[Collection[Any]], bool]
"""Says whether all of the values fit, in few steps of Python; False means that they must be looked at one by one."""

TypeTest = Callable[[type], bool]
"""Says whether every instance of a class fits."""


@dataclass(frozen=True, slots=True)
class Checker:
    """Both ways to check; without `many` each value is looked at by itself.

    `of_class` is there where the class of a value settles it, and `settled` are classes of which that is known already.
    """

    one: Check
    many: Many | None = None
    of_class: TypeTest | None = None
    settled: tuple[type, ...] = ()

    def all_fit(self, values: Collection[Any]) -> bool:
        """Whether the values are known to fit without a look at each."""
        return self.many is not None and self.many(values)


def has_class_test(cls: type) -> bool:
    """Say whether a class is known by what derives from it, and asks no metaclass of the user about it."""
    return type(cls) in (type, abc.ABCMeta, enum.EnumType)


def of_class(one: Check, test: TypeTest, settled: tuple[type, ...] = ()) -> Checker:
    """The checker of what a value's class alone settles."""
    return Checker(one, lambda values: all(map(test, set(map(type, values)))), test, settled)


def by_items(kinds: tuple[type, ...], item: Checker) -> Many | None:
    """Containers of one of the kinds, whose items fit, all of them in one go."""
    inner = item.many
    if inner is None:
        return None
    return lambda values: (
        all(issubclass(kind, kinds) for kind in set(map(type, values)))
        and inner(list(chain.from_iterable(values)))
    )


def by_mappings(kinds: tuple[type, ...], key: Checker, value: Checker) -> Many | None:
    """Mappings of one of the kinds, whose keys and values fit."""
    keys, contents = key.many, value.many
    if keys is None or contents is None:
        return None
    return lambda values: (
        all(issubclass(kind, kinds) for kind in set(map(type, values)))
        and keys(list(chain.from_iterable(values)))
        and contents(list(chain.from_iterable(each.values() for each in values)))
    )
