"""Hints compiled to checks: `compile_validator` reads the hint once, the check then touches only the value."""

from __future__ import annotations

import collections
import collections.abc
import typing
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typing_extensions
from merkl_serializers.names import is_builtin_module

from merkl._base.hints import resolve_class_hints
from merkl._base.named_types import alias_value, bound_of, constraints_of, supertype_of
from merkl._base.type_forms import (
    format_type,
    is_named,
    is_typed_dict,
    is_union,
    substitute,
    union_members,
)
from merkl._base.typed_dicts import typed_dict_keys
from merkl.validation.arrays import array_check, is_array_class
from merkl.validation.callables import callable_check, protocol_check
from merkl.validation.checker import Check, Checker, Many, of_class
from merkl.validation.containers import (
    fixed_tuple_checker,
    items_checker,
    mapping_checker,
    named_tuple_checker,
    open_tuple_checker,
    typed_dict_checker,
)
from merkl.validation.fields import Walk, object_checker
from merkl.validation.leaves import (
    by_typeguard,
    class_check,
    class_checker,
    file_check,
    generic_class_check,
    literal_checker,
    none_check,
    passes,
)
from merkl.validation.problem import Problem, kind_of

__all__ = ["Items", "compile_validator", "validate_value"]

Items = Literal["first", "all", "off"]

_abc = collections.abc
_SEQUENCES: frozenset[Any] = frozenset(
    {list, set, frozenset, collections.deque, _abc.Sequence, _abc.MutableSequence, _abc.Set, _abc.MutableSet}
    | {_abc.Collection, _abc.Iterable, _abc.Container, _abc.Reversible, _abc.KeysView, _abc.ValuesView}
)
_PLAIN = frozenset({int, str, float, bool, bytes, complex})
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
        check = _Compiler(items).checker(hint).one
    except Exception:  # noqa: BLE001  (a hint that makes no sense is no reason to stop a run)
        return passes
    if type(hint) is type and hint in _PLAIN:
        return check

    def guarded(value: object) -> Problem | None:
        try:
            return check(value)
        except Exception:  # noqa: BLE001  (a value that raises when looked at, or holds itself)
            return None

    return guarded


_ANYTHING = of_class(passes, lambda kind: True)
_NONE = of_class(none_check, lambda kind: kind is type(None), (type(None),))


class _Compiler:
    """Compiles the hints of one tree; those that refer to themselves are compiled once."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self.every = items == "all"
        self.once: dict[Any, Checker] = {}
        self.walk = Walk()

    def checker(self, hint: Any) -> Checker:
        if hint is Any or hint is object:
            return _ANYTHING
        if hint is None or hint is type(None):
            return _NONE
        origin = get_origin(hint)
        if (origin or hint) in (typing.IO, typing.TextIO, typing.BinaryIO):
            return Checker(file_check(hint))
        if origin is None:
            return self._plain(hint)
        if origin in (Literal, typing_extensions.Literal):
            return literal_checker(hint, get_args(hint))
        if origin is Annotated or any(
            is_named(origin, n) for n in ("Required", "NotRequired", "ReadOnly", "Final")
        ):
            return self.checker(get_args(hint)[0])
        if is_union(hint):
            return self._union(hint)
        if alias_value(origin) is not None:
            return self._alias(hint)
        if is_named(origin, "TypeGuard") or is_named(origin, "TypeIs"):
            return class_checker(bool)
        if hasattr(origin, "__merkl_check__"):
            return Checker(_own_check(origin, hint))
        return self._generic(hint, origin, get_args(hint))

    def _plain(self, hint: Any) -> Checker:
        if isinstance(hint, TypeVar):
            return self._type_variable(hint)
        if hasattr(hint, "__supertype__"):
            return self.checker(supertype_of(hint))
        if alias_value(hint) is not None:
            return self._alias(hint)
        if is_named(hint, "LiteralString"):
            return class_checker(str)
        if is_named(hint, "Never") or is_named(hint, "NoReturn"):
            return Checker(by_typeguard(hint, self.items))
        if not isinstance(hint, type):
            return _ANYTHING
        if hasattr(hint, "__merkl_check__"):
            return Checker(_own_check(hint, hint))
        if is_typed_dict(hint):
            return self._once(hint, lambda: self._typed_dict(hint, hint))
        if getattr(hint, "_is_protocol", False):
            return self._protocol(hint)
        if issubclass(hint, tuple) and hasattr(hint, "_fields"):
            return self._once(hint, lambda: self._named_tuple(hint, hint))
        if hint is type:
            return Checker(generic_class_check)
        return self._class(hint, hint)

    def _class(self, hint: Any, cls: type) -> Checker:
        """A class of which no more is known than its fields, if it has some."""
        if _stands_for_another(cls):
            return _ANYTHING
        if self.every and _is_of_user(cls):
            outer = class_check(cls, format_type(hint))
            return self._once(hint, lambda: object_checker(hint, outer, self.checker, self.walk))
        return class_checker(cls, format_type(hint))

    def _type_variable(self, hint: Any) -> Checker:
        constraints = constraints_of(hint)
        if constraints:
            return self._any_of([self.checker(c) for c in constraints], format_type(hint))
        bound = bound_of(hint)
        return _ANYTHING if bound is None else self._once(hint, lambda: self.checker(bound))

    def _class_object(self, hint: Any, wanted: Any) -> Checker:
        """The checker of `type[...]`; typeguard knows classes and protocols in it."""
        origin = get_origin(wanted)
        options: tuple[Any, ...] = ()
        if isinstance(wanted, TypeVar):
            options = constraints_of(wanted) or (bound_of(wanted) or object,)
        elif alias_value(wanted) is not None:
            options = (alias_value(wanted),)
        elif is_union(wanted):
            options = union_members(wanted)
        elif origin is not None:
            options = (get_args(wanted)[0] if origin is Annotated else origin,)
        if options:
            return self._any_of([self._class_object(hint, option) for option in options], format_type(hint))
        if wanted is Any or not isinstance(wanted, type):
            return Checker(generic_class_check)
        return Checker(by_typeguard(type[wanted], self.items))

    def _alias(self, hint: Any) -> Checker:
        return self._once(hint, lambda: self.checker(alias_value(hint)))

    def _once(self, hint: Any, compile_it: Callable[[], Checker]) -> Checker:
        """Compile a hint that may mention itself: inside of itself it is the check that is being made."""
        try:
            hash(hint)
        except TypeError:  # `Box[Annotated[int, []]]`
            return compile_it()
        known = self.once.get(hint)
        if known is None:
            made: list[Checker] = []
            self.once[hint] = Checker(lambda value: made[0].one(value))
            made.append(compile_it())
            known = self.once[hint] = made[0]
        return known

    def _union(self, hint: Any) -> Checker:
        return self._any_of([self.checker(member) for member in union_members(hint)], format_type(hint))

    def _any_of(self, checkers: list[Checker], expected: str) -> Checker:
        def check(value: object) -> Problem | None:
            deepest: Problem | None = None
            for member in checkers:
                found = member.one(value)
                if found is None:
                    return None
                if found.path and (deepest is None or len(found.path) > len(deepest.path)):
                    deepest = found
            return deepest or Problem("", expected, kind_of(value))

        tests = [member.of_class for member in checkers if member.of_class is not None]
        if len(tests) == len(checkers):
            settled = tuple(kind for member in checkers for kind in member.settled)
            return of_class(check, lambda kind: any(test(kind) for test in tests), settled)
        return Checker(check, _any_of_many(checkers))

    def _protocol(self, hint: Any) -> Checker:
        return self._once(hint, lambda: Checker(protocol_check(hint, self.checker)))

    def _named_tuple(self, hint: Any, origin: Any) -> Checker:
        hints, known = resolve_class_hints(origin), _known_variables(hint, origin)
        fields = [(name, self.checker(substitute(hints.get(name, Any), known))) for name in origin._fields]
        return named_tuple_checker(origin, format_type(hint), fields)

    def _typed_dict(self, hint: Any, origin: Any) -> Checker:
        keys, known = typed_dict_keys(origin), _known_variables(hint, origin)
        others = getattr(origin, "__extra_items__", None)
        if others is None or others is getattr(typing_extensions, "NoExtraItems", None):
            others = Any
        return typed_dict_checker(
            format_type(hint),
            {name: self.checker(substitute(key.hint, known)) for name, key in keys.items()},
            frozenset(name for name, key in keys.items() if key.required),
            others=None if others is Any else self.checker(others),
            closed=bool(getattr(origin, "__closed__", None)),
        )

    def _generic(self, hint: Any, origin: Any, args: tuple[Any, ...]) -> Checker:
        if origin is tuple:
            return self._tuple(hint, args)
        if origin in _SEQUENCES and len(args) == 1:
            return items_checker(origin, format_type(hint), self.checker(args[0]), every=self.every)
        if origin is _abc.ItemsView and len(args) == 2:
            pair = fixed_tuple_checker(format_type(hint), tuple(map(self.checker, args)))
            return items_checker(origin, format_type(hint), pair, every=self.every)
        if origin is collections.Counter and len(args) == 1:
            args = (args[0], int)
        if (origin in _MAPPINGS or origin is collections.Counter) and len(args) == 2:
            key, value = map(self.checker, args)
            return mapping_checker(origin, format_type(hint), key, value, every=self.every)
        if is_array_class(origin):
            return Checker(array_check(origin, hint))
        if origin is type:
            return self._class_object(hint, args[0])
        if origin is _abc.Callable:
            return Checker(callable_check(hint))
        if getattr(origin, "_is_protocol", False):
            return self._protocol(hint)
        if is_typed_dict(origin):
            return self._once(hint, lambda: self._typed_dict(hint, origin))
        if not isinstance(origin, type):
            return _ANYTHING
        if issubclass(origin, tuple) and hasattr(origin, "_fields"):
            return self._once(hint, lambda: self._named_tuple(hint, origin))
        return self._class(hint, origin)

    def _tuple(self, hint: Any, args: tuple[Any, ...]) -> Checker:
        if hint is typing.Tuple:  # noqa: UP006
            return class_checker(tuple)
        if len(args) == 2 and args[1] is Ellipsis:
            return items_checker(tuple, format_type(hint), self.checker(args[0]), every=self.every)
        rest = [index for index, each in enumerate(args) if _is_unpacked(each)]
        if not rest:
            return fixed_tuple_checker(format_type(hint), tuple(self.checker(a) for a in args))
        inner = get_args(args[rest[0]])
        inner = get_args(inner[0]) if is_named(get_origin(args[rest[0]]), "Unpack") else inner
        if len(rest) > 1 or len(inner) != 2 or inner[1] is not Ellipsis:
            return class_checker(tuple, format_type(hint))
        first, last = args[: rest[0]], args[rest[0] + 1 :]
        return open_tuple_checker(
            format_type(hint),
            tuple(self.checker(a) for a in first),
            self.checker(inner[0]),
            tuple(self.checker(a) for a in last),
            every=self.every,
        )


def _known_variables(hint: Any, origin: Any) -> dict[Any, Any]:
    return dict(zip(getattr(origin, "__parameters__", ()), get_args(hint), strict=False))


def _any_of_many(members: list[Checker]) -> Many | None:
    """Values that may be of several hints: by their class where that is enough, else those of a class together."""
    tests = [member.of_class for member in members if member.of_class is not None]
    others = [member.many for member in members if member.of_class is None and member.many is not None]
    if len(tests) + len(others) < len(members):
        return None

    def many(values: Collection[Any]) -> bool:
        kinds = set(map(type, values))
        left = {kind for kind in kinds if not any(test(kind) for test in tests)}
        if len(kinds) == 1:
            return not left or _any_fits(others, values)
        return all(_any_fits(others, [value for value in values if type(value) is kind]) for kind in left)

    return many


def _any_fits(members: list[Many], values: Collection[Any]) -> bool:
    return any(many(values) for many in members)


def _is_of_user(cls: type) -> bool:
    """Whether a class is neither built in nor of the standard library."""
    return not is_builtin_module(cls.__module__)


def _stands_for_another(cls: type) -> bool:
    """Whether nothing is an instance of a class, as of pydantic's EmailStr, whose values are strings."""
    return cls.__module__ in ("pydantic.types", "pydantic.networks") and cls.__bases__ == (object,)


def _is_unpacked(arg: Any) -> bool:
    return (
        getattr(arg, "__unpacked__", False) is True
        or is_named(get_origin(arg), "Unpack")
        or isinstance(arg, (typing.TypeVarTuple, typing_extensions.TypeVarTuple))
    )


def _own_check(cls: Any, hint: Any) -> Check:
    """The check of a class that judges its values itself, by `__merkl_check__(hint, value) -> str | None`."""

    def check(value: object) -> Problem | None:
        complaint = cls.__merkl_check__(hint, value)
        return None if complaint is None else Problem("", format_type(hint), complaint)

    return check
