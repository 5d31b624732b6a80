"""Hints compiled to checks: `compile_validator` reads the hint once, the check then touches only the value."""

from __future__ import annotations

import collections
import collections.abc
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typing_extensions

from merkl._base.hints import resolve_class_hints, supertype_of
from merkl._base.type_forms import alias_value, format_type, is_named, is_typed_dict, is_union, union_members
from merkl._base.typed_dicts import typed_dict_keys
from merkl.validation.arrays import array_check, is_array_class
from merkl.validation.containers import (
    TypeTest,
    fixed_tuple_check,
    items_check,
    mapping_check,
    named_tuple_check,
    open_tuple_check,
    typed_dict_check,
)
from merkl.validation.leaves import (
    Check,
    by_typeguard,
    class_check,
    file_check,
    literal_check,
    none_check,
    passes,
    types_accepted_for,
)
from merkl.validation.problem import Problem, kind_of

__all__ = ["Items", "compile_validator", "validate_value"]

Items = Literal["first", "all", "off"]

_abc = collections.abc
_SEQUENCES: frozenset[Any] = frozenset(
    {list, set, frozenset, collections.deque, _abc.Sequence, _abc.MutableSequence, _abc.Set, _abc.MutableSet}
    | {_abc.Collection, _abc.Iterable, _abc.Container, _abc.Reversible, _abc.KeysView, _abc.ValuesView}
)
_MAPPINGS: frozenset[Any] = frozenset(
    {dict, collections.OrderedDict, collections.defaultdict, collections.ChainMap}
    | {_abc.Mapping, _abc.MutableMapping}
)


def validate_value(value: object, hint: Any, *, items: Items = "first") -> Problem | None:
    """Say what is wrong with `value` for `hint`, or None; what cannot be checked passes.

    `items` says how far to look into containers: at the "first" item, at "all", or not at anything ("off").

    >>> validate_value([1.0, 2.0, 3.0, "4"], list[float], items="all").message("xs")
    "item 3 of 'xs' is str, wanted float"
    """
    return compile_validator(hint, items=items)(value)


def compile_validator(hint: Any, *, items: Items = "first") -> Check:
    """Compile `hint` to a check `(value) -> Problem | None`; neither ever raises.

    >>> check = compile_validator(dict[str, int], items="all")
    >>> check({"a": 1}) is None, check({"a": "x"}).path
    (True, "key 'a'")
    """
    if items == "off":
        return passes
    try:
        check = _Compiler(items).check(hint)
    except Exception:  # noqa: BLE001  (a hint that makes no sense is no reason to stop a run)
        return passes
    if isinstance(hint, type) and get_origin(hint) is None and type(hint) is type:
        return check

    def guarded(value: object) -> Problem | None:
        try:
            return check(value)
        except Exception:  # noqa: BLE001  (a value that raises when looked at, or holds itself)
            return None

    return guarded


class _Compiler:
    """Compiles the hints of one tree; those that refer to themselves are compiled once."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self.every = items == "all"
        self.recursive: dict[int, tuple[Any, Check]] = {}

    def check(self, hint: Any) -> Check:
        if hint is Any or hint is object:
            return passes
        if hint is None or hint is type(None):
            return none_check
        origin = get_origin(hint)
        if (origin or hint) in (typing.IO, typing.TextIO, typing.BinaryIO):
            return file_check(hint)
        if origin is None:
            return self._plain(hint)
        if origin in (Literal, typing_extensions.Literal):
            return literal_check(hint, get_args(hint))
        if origin is Annotated or any(
            is_named(origin, n) for n in ("Required", "NotRequired", "ReadOnly", "Final")
        ):
            return self.check(get_args(hint)[0])
        if is_union(hint):
            return self._union(hint)
        if alias_value(origin) is not None:
            return self._alias(hint)
        if hasattr(origin, "__merkl_check__"):
            return _own_check(origin, hint)
        return self._generic(hint, origin, get_args(hint))

    def _plain(self, hint: Any) -> Check:
        if isinstance(hint, TypeVar):
            return self._type_variable(hint)
        if hasattr(hint, "__supertype__"):
            return self.check(supertype_of(hint))
        if alias_value(hint) is not None:
            return self._alias(hint)
        if is_named(hint, "LiteralString"):
            return class_check(str)
        if is_named(hint, "Never") or is_named(hint, "NoReturn"):
            return by_typeguard(hint, self.items)
        if not isinstance(hint, type):
            return passes
        if hasattr(hint, "__merkl_check__"):
            return _own_check(hint, hint)
        if is_typed_dict(hint):
            return self._once(hint, lambda: self._typed_dict(hint, hint))
        if getattr(hint, "_is_protocol", False):
            return by_typeguard(hint, self.items)
        if issubclass(hint, tuple) and hasattr(hint, "_fields"):
            return self._once(hint, lambda: self._named_tuple(hint))
        return class_check(hint)

    def _type_variable(self, hint: Any) -> Check:
        if hint.__constraints__:
            return self._any_of([self.check(c) for c in hint.__constraints__], format_type(hint))
        return passes if hint.__bound__ is None else self.check(hint.__bound__)

    def _alias(self, hint: Any) -> Check:
        return self._once(hint, lambda: self.check(alias_value(hint)))

    def _once(self, hint: Any, compile_it: Callable[[], Check]) -> Check:
        """Compile a hint that may mention itself: inside of itself it is the check that is being made."""
        known = self.recursive.get(id(hint))
        if known is not None:
            return known[1]
        made: list[Check] = []
        # The hint is kept: the id of one that is gone may be given to another.
        self.recursive[id(hint)] = hint, lambda value: made[0](value)
        made.append(compile_it())
        return made[0]

    def _union(self, hint: Any) -> Check:
        test = self.type_test(hint)
        members = self._any_of([self.check(member) for member in union_members(hint)], format_type(hint))
        if test is None:
            return members

        def check(value: object) -> Problem | None:
            return None if test(type(value)) else members(value)

        return check

    def _any_of(self, checks: list[Check], expected: str) -> Check:
        def check(value: object) -> Problem | None:
            deepest: Problem | None = None
            for member in checks:
                found = member(value)
                if found is None:
                    return None
                if found.path and (deepest is None or len(found.path) > len(deepest.path)):
                    deepest = found
            return deepest or Problem("", expected, kind_of(value))

        return check

    def _named_tuple(self, hint: Any) -> Check:
        hints = resolve_class_hints(hint)
        fields = [(name, self.check(hints.get(name, Any))) for name in hint._fields]
        return named_tuple_check(hint, format_type(hint), fields)

    def _typed_dict(self, hint: Any, origin: Any) -> Check:
        keys = typed_dict_keys(origin)
        fields = {name: self.check(key.hint) for name, key in keys.items()}
        return typed_dict_check(
            format_type(hint), fields, frozenset(name for name, key in keys.items() if key.required)
        )

    def _generic(self, hint: Any, origin: Any, args: tuple[Any, ...]) -> Check:
        if origin is tuple:
            return self._tuple(hint, args)
        if origin in _SEQUENCES and len(args) == 1:
            return items_check(
                origin, format_type(hint), self.check(args[0]), self.type_test(args[0]), every=self.every
            )
        if origin is collections.Counter and len(args) == 1:
            args = (args[0], int)
        if (origin in _MAPPINGS or origin is collections.Counter) and len(args) == 2:
            tests = (self.type_test(args[0]), self.type_test(args[1]))
            return mapping_check(
                origin, format_type(hint), self.check(args[0]), self.check(args[1]), tests, every=self.every
            )
        if is_array_class(origin):
            return array_check(origin, hint)
        if origin is type or origin is _abc.Callable or getattr(origin, "_is_protocol", False):
            return by_typeguard(hint if origin in (type, _abc.Callable) else origin, self.items)
        if is_typed_dict(origin):
            return self._once(hint, lambda: self._typed_dict(hint, origin))
        return class_check(origin, format_type(hint)) if isinstance(origin, type) else passes

    def _tuple(self, hint: Any, args: tuple[Any, ...]) -> Check:
        if len(args) == 2 and args[1] is Ellipsis:
            return items_check(
                tuple, format_type(hint), self.check(args[0]), self.type_test(args[0]), every=self.every
            )
        rest = [index for index, each in enumerate(args) if _is_unpacked(each)]
        if not rest:
            return fixed_tuple_check(format_type(hint), tuple(self.check(a) for a in args))
        inner = get_args(args[rest[0]])
        inner = get_args(inner[0]) if is_named(get_origin(args[rest[0]]), "Unpack") else inner
        if len(rest) > 1 or len(inner) != 2 or inner[1] is not Ellipsis:
            return class_check(tuple, format_type(hint))
        first, last = args[: rest[0]], args[rest[0] + 1 :]
        return open_tuple_check(
            format_type(hint),
            tuple(self.check(a) for a in first),
            self.check(inner[0]),
            tuple(self.check(a) for a in last),
            every=self.every,
        )

    def type_test(self, hint: Any) -> TypeTest | None:
        """The test by class alone for hints that need no more, else None."""
        if hint is None:
            hint = type(None)
        if is_union(hint):
            tests = [self.type_test(member) for member in union_members(hint)]
            known = [test for test in tests if test is not None]
            return (lambda cls: any(test(cls) for test in known)) if len(known) == len(tests) else None
        if hasattr(hint, "__supertype__"):
            return self.type_test(supertype_of(hint))
        if (
            type(hint) is type
            and get_origin(hint) is None
            and self.check(hint).__qualname__.startswith("class_check")
        ):
            accepted = types_accepted_for(hint)
            return lambda cls: issubclass(cls, accepted)
        if hint is type(None):
            return lambda cls: cls is type(None)
        return None


def _is_unpacked(arg: Any) -> bool:
    return (
        bool(getattr(arg, "__unpacked__", False))
        or is_named(get_origin(arg), "Unpack")
        or isinstance(arg, (typing.TypeVarTuple, typing_extensions.TypeVarTuple))
    )


def _own_check(cls: Any, hint: Any) -> Check:
    """The check of a class that judges its values itself, by `__merkl_check__(hint, value) -> str | None`."""

    def check(value: object) -> Problem | None:
        complaint = cls.__merkl_check__(hint, value)
        return None if complaint is None else Problem("", format_type(hint), complaint)

    return check
