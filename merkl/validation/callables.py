"""Checks of protocols and callables: what a value lacks, and which of the promised calls it cannot take."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVarTuple, get_args, get_origin

import typing_extensions

from merkl._base.hints import resolve_class_hints, resolve_hints
from merkl._base.type_forms import format_type, is_named, substitute
from merkl.validation.checker import Check, Checker
from merkl.validation.problem import Problem, kind_of, within

__all__ = ["callable_check", "protocol_check"]

_NOWHERE = object()
_ANY_NUMBER = 1000
_IN_ORDER = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class _Call:
    """One way in which a value must be callable: so many arguments by position (or any number), and some by name."""

    by_position: int
    by_name: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.by_position >= _ANY_NUMBER:
            return "any number of arguments"
        count = f"{self.by_position} argument{'' if self.by_position == 1 else 's'}"
        return " and ".join([count, *(f"{name}=" for name in self.by_name)])


def callable_check(hint: Any) -> Check:
    """Compile the check of `Callable[[A, B], R]`: the value takes so many arguments; of what types is not known."""
    arguments = get_args(hint)
    wanted: Any = arguments[0] if arguments else ...
    is_counted = isinstance(wanted, list) and not any(map(_is_of_any_length, wanted))
    calls = [_Call(len(wanted))] if is_counted else []

    def check(value: object) -> Problem | None:
        if not callable(value):
            return Problem("", format_type(hint), f"{kind_of(value)}, which is not callable")
        refused = _first_refused(value, calls)
        if refused is None:
            return None
        return Problem("", format_type(hint), f"{kind_of(value)}, which cannot be called with {refused}")

    return check


def _is_of_any_length(hint: Any) -> bool:
    return (
        isinstance(hint, (ParamSpec, TypeVarTuple, typing_extensions.TypeVarTuple))
        or get_origin(hint) is Concatenate
        or getattr(hint, "__unpacked__", False) is True
        or is_named(get_origin(hint), "Unpack")
    )


def protocol_check(hint: Any, compile_hint: Callable[[Any], Checker]) -> Check:
    """Compile the check of a protocol: its members are there, plain attributes fit, and its methods take the calls."""
    protocol: Any = get_origin(hint) or hint
    known = dict(zip(getattr(protocol, "__parameters__", ()), get_args(hint), strict=False))
    attributes, methods = _members(protocol)
    checkers = {name: compile_hint(substitute(each, known)) for name, each in attributes.items()}

    def check(value: object) -> Problem | None:
        for name, calls in methods.items():
            method = _method(value, name)
            if method is None or not callable(method):
                return Problem("", format_type(hint), f"{kind_of(value)}, which has no method {name!r}")
            refused = _first_refused(method, calls)
            if refused is not None:
                told = f"{kind_of(value)}, whose method {name!r} cannot be called with {refused}"
                return Problem("", format_type(hint), told)
        if isinstance(value, type):  # what instances have is not known of a class
            return None
        for name, checker in checkers.items():
            if not _has(value, name):
                return Problem("", format_type(hint), f"{kind_of(value)}, which has no attribute {name!r}")
            held = _plainly_held(value, name)
            problem = None if held is _NOWHERE else checker.one(held)
            if problem is not None:
                return within(f"attribute {name!r}", problem)
        return None

    return check


def _members(protocol: Any) -> tuple[dict[str, Any], dict[str, list[_Call]]]:
    """The hints of the attributes and properties of a protocol, and of its methods the calls that must be possible."""
    hints = resolve_class_hints(protocol)
    attributes: dict[str, Any] = {}
    methods: dict[str, list[_Call]] = {}
    for name in sorted(typing_extensions.get_protocol_members(protocol)):
        held = inspect.getattr_static(protocol, name, None)
        if name in hints:
            hint = hints[name]
            attributes[name] = get_args(hint)[0] if get_origin(hint) is ClassVar else hint
        elif isinstance(held, (types.FunctionType, staticmethod, classmethod)):
            methods[name] = _promised_calls(held)
        elif isinstance(held, property) and held.fget is not None:
            attributes[name] = resolve_hints(held.fget).returns
        elif callable(held):
            methods[name] = []
        else:
            attributes[name] = Any
    return attributes, methods


def _promised_calls(method: Any) -> list[_Call]:
    """The shortest and the longest call of a method; none where it has overloads or takes `**kwargs`."""
    function = getattr(method, "__func__", method)
    if not isinstance(function, types.FunctionType) or typing.get_overloads(function):
        return []
    parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())
    if any(each.kind is Parameter.VAR_KEYWORD for each in parameters):
        return []
    rest = [each for each in parameters if each.kind is Parameter.VAR_POSITIONAL]
    parameters = [each for each in parameters if each not in rest]
    if not isinstance(method, staticmethod):
        del parameters[:1]

    def call(chosen: list[Parameter]) -> _Call:
        return _Call(
            sum(each.kind in _IN_ORDER for each in chosen) + _ANY_NUMBER * len(rest),
            tuple(each.name for each in chosen if each.kind is Parameter.KEYWORD_ONLY),
        )

    return list(dict.fromkeys([call([p for p in parameters if p.default is p.empty]), call(parameters)]))


def _has(value: object, name: str) -> bool:
    return inspect.getattr_static(value, name, _NOWHERE) is not _NOWHERE or hasattr(value, name)


def _method(value: object, name: str) -> Any:
    """The bound method of a value, None where there is none; Python looks those with two underscores up in the class."""
    if name == "__call__":
        return value if callable(value) else None
    if not (name.startswith("__") and name.endswith("__")):
        return getattr(value, name, None)
    held = _in_class(type(value), name)
    bind = getattr(type(held), "__get__", None)
    return held if bind is None or held is None else bind(held, value, type(value))


def _in_class(cls: type, name: str) -> Any:
    """What instances of a class find under a name in it, not bound; None where there is nothing."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _plainly_held(value: object, name: str) -> object:
    """What an object or its class holds under a name, unless a descriptor would compute it."""
    held = inspect.getattr_static(value, name, _NOWHERE)
    if isinstance(held, types.MemberDescriptorType):
        return getattr(value, name, _NOWHERE)
    return _NOWHERE if hasattr(type(held), "__get__") else held


def _first_refused(function: Any, calls: list[_Call]) -> _Call | None:
    """The first of the calls that a function cannot take; what is not written in Python takes all of them."""
    signature = _signature(function) if calls else None
    if signature is not None:
        for call in calls:
            try:
                signature.bind(*[None] * call.by_position, **dict.fromkeys(call.by_name))
            except TypeError:
                return call
    return None


def _signature(function: Any) -> inspect.Signature | None:
    """The parameters of a function of Python's, a class or an object with such a `__call__`, as they are at a call.

    None for what type checkers may see otherwise: a partial object, what a decorator put in a function's place, an overload.
    """
    if isinstance(function, (functools.partial, functools.partialmethod)) or _written(function) is None:
        return None
    try:
        return inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return None


def _written(function: Any) -> types.FunctionType | None:
    """The code that a call comes to, where it is written in Python and takes what it says."""
    if isinstance(function, types.MethodType):
        function = function.__func__
    elif isinstance(function, type):
        made = [_in_class(function, name) for name in ("__init__", "__new__")]
        function = next((each for each in made if isinstance(each, types.FunctionType)), None)
    elif not isinstance(function, types.FunctionType):
        function = _in_class(type(function), "__call__")
    is_plain = isinstance(function, types.FunctionType) and not hasattr(function, "__wrapped__")
    return function if is_plain and not typing.get_overloads(function) else None
