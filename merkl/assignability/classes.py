"""What a class declares about itself: type parameters, their variance and defaults, bases, whether it's a protocol."""

from __future__ import annotations

import enum
import functools
import typing
from typing import Any, Final, Generic, Protocol, TypeVar, get_args, get_origin

import typing_extensions
from merkl_serializers.names import is_builtin_module

from merkl._base.hints import resolve_in_class
from merkl._base.type_forms import is_named
from merkl.assignability.stdlib import GENERIC_BASES, PROTOCOLS, STUB_PROTOCOLS
from merkl.assignability.typeshed import stub_bases, stub_parameters

__all__ = [
    "default_arguments",
    "derives_from_any",
    "has_known_bases",
    "is_pack",
    "is_parameters",
    "is_protocol",
    "is_stdlib",
    "original_bases",
    "parameters",
]


def is_stdlib(cls: type) -> bool:
    """Say whether a class comes from the standard library."""
    return is_builtin_module(cls.__module__)


def has_known_bases(cls: type) -> bool:
    """Say whether the type parameters and bases of `cls` are known, from itself or from typeshed."""
    return cls in GENERIC_BASES or not is_stdlib(cls) or stub_bases(cls) is not None


def _reads_typeshed(cls: type) -> bool:
    """Whether typeshed may know type arguments of a class or its bases that the class itself doesn't tell."""
    return cls not in GENERIC_BASES and cls not in _SIMPLE and cls not in _SHIMS and is_stdlib(cls)


_SIMPLE = frozenset(
    {object, int, float, bool, complex, type(None), BaseException, Exception, Generic, enum.Enum}
)
_SHIMS = frozenset(PROTOCOLS.values())


def is_protocol(cls: type) -> bool:
    """Say whether `cls` is a protocol to type checkers.

    >>> import collections.abc
    >>> is_protocol(collections.abc.Sized), is_protocol(collections.abc.Sequence)
    (True, False)
    """
    return cls in PROTOCOLS or cls in STUB_PROTOCOLS or bool(getattr(cls, "_is_protocol", False))


def original_bases(cls: type) -> tuple[Any, ...]:
    """Give the bases as written, with their type arguments."""
    facts = GENERIC_BASES.get(cls)
    if facts is not None:
        return facts.bases
    if _reads_typeshed(cls):
        stubs = stub_bases(cls)
        if stubs is not None:
            return stubs
    return tuple(resolve_in_class(base, cls) for base in vars(cls).get("__orig_bases__", cls.__bases__))


def is_parameters(parameter: Any) -> bool:
    """Say whether a type parameter is a ParamSpec."""
    return isinstance(parameter, (typing.ParamSpec, typing_extensions.ParamSpec))


def is_pack(parameter: Any) -> bool:
    """Say whether a type parameter is a TypeVarTuple."""
    return isinstance(parameter, (typing.TypeVarTuple, typing_extensions.TypeVarTuple))


# Classes written in C, which do not say themselves what numpy's stubs say of them.
_IN_NUMPY: Final = {
    "ndarray": (TypeVar("Shape", covariant=True), TypeVar("DType", covariant=True)),
    "dtype": (TypeVar("Scalar", covariant=True),),
}
_NOT_SUBSCRIPTABLE = frozenset({enumerate, filter, map, zip, reversed, slice})


@functools.lru_cache(maxsize=4096)
def parameters(cls: type) -> tuple[Any, ...]:
    """Give the type parameters of a class in order."""
    facts = GENERIC_BASES.get(cls)
    if facts is not None:
        return facts.parameters
    if _reads_typeshed(cls) and (hasattr(cls, "__class_getitem__") or cls in _NOT_SUBSCRIPTABLE):
        return stub_parameters(cls) or ()
    if "__orig_bases__" not in vars(cls) and not vars(cls).get("__type_params__"):
        return _IN_NUMPY.get(cls.__name__, ()) if cls.__module__ == "numpy" else ()
    for base in original_bases(cls):
        if get_origin(base) in (Generic, Protocol, typing_extensions.Protocol):
            return tuple(get_args(p)[0] if is_named(get_origin(p), "Unpack") else p for p in get_args(base))
    declared = getattr(cls, "__type_params__", ())
    if isinstance(declared, tuple) and declared:  # of a class of functions it is what each function has
        return tuple(declared)
    # `class A(dict[str, T])`: the type variables of the bases, in the order in which they appear.
    found: dict[Any, None] = {}
    for base in original_bases(cls):
        for parameter in getattr(base, "__parameters__", ()) if get_origin(base) is not None else ():
            found.setdefault(parameter)
    return tuple(found)


def default_arguments(cls: type, given: int) -> tuple[Any, ...]:
    """Give the arguments that stand for those left out: the defaults of the parameters, else Any."""
    wanted = parameters(cls)
    facts = GENERIC_BASES.get(cls)
    if facts is not None:
        defaults = (*[Any] * (len(wanted) - len(facts.defaults)), *facts.defaults)
        return tuple(defaults[given:])
    found: list[Any] = []
    for parameter in wanted[given:]:
        default = getattr(parameter, "__default__", Any)
        found.append(Any if default is typing_extensions.NoDefault else default)
    return tuple(found)


def derives_from_any(cls: type) -> bool:
    """Say whether a class has Any among its bases, in typeshed perhaps (as a Mock has): then it fits everywhere."""
    return Any in cls.__mro__ or any(_stub_derives_from_any(c) for c in cls.__mro__ if _reads_typeshed(c))


@functools.lru_cache(maxsize=1024)
def _stub_derives_from_any(cls: type) -> bool:
    return Any in (stub_bases(cls) or ())
