"""Checks of values that hold no items: classes, None, literals, numbers; and typeguard for what is special."""

from __future__ import annotations

import enum
import functools
import importlib
import io
import typing
from collections.abc import Callable, Collection
from typing import Any, get_args, get_origin

from merkl._base.type_forms import format_type
from merkl.validation.checker import Check, Checker, has_class_test, of_class
from merkl.validation.problem import Problem, kind_of, misfit

__all__ = [
    "by_typeguard",
    "class_check",
    "class_checker",
    "file_check",
    "generic_class_check",
    "literal_checker",
    "none_check",
    "passes",
    "types_accepted_for",
]

_PROMOTED: dict[type, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}


def passes(value: object) -> Problem | None:
    """Accept anything."""
    return None


def none_check(value: object) -> Problem | None:
    """Accept None alone."""
    return None if value is None else misfit(value, "None")


def types_accepted_for(cls: type) -> tuple[type, ...]:
    """Give the classes whose instances type checkers accept for `cls`: an int is a float, both are complex.

    >>> types_accepted_for(float)
    (<class 'float'>, <class 'int'>)
    """
    return _PROMOTED.get(cls, (cls,))


def class_check(cls: type, expected: str | None = None) -> Check:
    """Compile an instance check; an `isinstance` that cannot be answered passes."""
    accepted = types_accepted_for(cls)

    def check(value: object) -> Problem | None:
        if type(value) is cls:
            return None
        try:
            fits = isinstance(value, accepted) or _is_anything(value)
        except Exception:  # noqa: BLE001  (a metaclass may refuse to answer)
            return None
        return None if fits else misfit(value, expected or cls)

    return check


def class_checker(cls: type, expected: str | None = None) -> Checker:
    """Compile an instance check that also judges many values by their classes."""
    accepted = types_accepted_for(cls)
    one = class_check(cls, expected)
    if not has_class_test(cls):
        return Checker(one)
    return of_class(one, lambda kind: issubclass(kind, accepted), accepted)


def generic_class_check(value: object) -> Problem | None:
    """Accept a class, with type arguments or without."""
    return (
        None if isinstance(get_origin(value) or value, type) or _is_anything(value) else misfit(value, type)
    )


def _is_anything(value: object) -> bool:
    """Whether type checkers take the value for anything, since its class derives from Any."""
    return Any in type(value).__mro__


def file_check(hint: Any) -> Check:
    """Compile the check of an open file: no class of `io` derives from the ones of `typing`, and tempfile wraps them."""
    origin = get_origin(hint) or hint
    kind: Any = {typing.TextIO: str, typing.BinaryIO: bytes}.get(origin, (*get_args(hint), Any)[0])
    wanted: Any = {str: io.TextIOBase, bytes: (io.RawIOBase, io.BufferedIOBase)}.get(kind, io.IOBase)

    def check(value: object) -> Problem | None:
        file = getattr(value, "file", value) if type(value).__module__ == "tempfile" else value
        is_ours = isinstance(file, io.IOBase)  # of another's file-like object nothing is known
        fits = isinstance(file, wanted) if is_ours else hasattr(file, "read") or hasattr(file, "write")
        return None if fits else misfit(value, format_type(hint))

    return check


def literal_checker(hint: Any, values: tuple[Any, ...]) -> Checker:
    """Compile the check that a value is one of the literals, type included (`True` is no `1`)."""
    pairs = frozenset((type(v), v) for v in values)
    expected = format_type(hint)
    kinds = {kind: frozenset(v for v in values if type(v) is kind) for kind, _ in pairs}

    def check(value: object) -> Problem | None:
        try:
            if (type(value), value) in pairs:
                return None
        except TypeError:  # unhashable, so no literal
            return Problem("", expected, kind_of(value))
        plain = isinstance(value, (int, str, bytes, enum.Enum)) and len(repr(value)) <= 60
        return Problem("", expected, repr(value) if plain else kind_of(value))

    def many(values: Collection[Any]) -> bool:
        found = set(map(type, values))
        if not found <= kinds.keys():
            return False
        if len(found) == 1:
            return kinds[found.pop()].issuperset(values)
        return pairs.issuperset(zip(map(type, values), values, strict=True))

    return Checker(check, many)


@functools.cache
def _typeguard() -> tuple[Callable[..., Any], type[Exception], Callable[[Any], Any]]:
    guard: Any = importlib.import_module("typeguard")
    checkers: Any = importlib.import_module("typeguard._checkers")

    def memo(items: str) -> Any:
        strategy = guard.CollectionCheckStrategy
        config = guard.TypeCheckConfiguration(
            forward_ref_policy=guard.ForwardRefPolicy.IGNORE,
            collection_check_strategy=strategy.ALL_ITEMS if items == "all" else strategy.FIRST_ITEM,
        )
        return guard.TypeCheckMemo({}, {}, config=config)

    return checkers.check_type_internal, guard.TypeCheckError, memo


def by_typeguard(hint: Any, items: str) -> Check:
    """Compile a check that asks typeguard (imported at the first value); what typeguard cannot judge passes."""

    def check(value: object) -> Problem | None:
        check_type, refusal, memo = _typeguard()
        try:
            check_type(value, hint, memo(items))
        except refusal as error:
            return Problem("", format_type(hint), f"{kind_of(value)}, which {error.args[0]}")
        except Exception:  # noqa: BLE001  (a hint that typeguard does not understand)
            return None
        return None

    return check
