"""What a name for a type stands for: a NewType its supertype, a `type` alias its value, a TypeVar what bounds it."""

from __future__ import annotations

import builtins
import sys
import typing
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import typing_extensions

from merkl._base.hints import evaluate_annotation
from merkl._base.type_forms import PACKS, LazyAlias, contains_string, substitute

__all__ = ["alias_value", "bound_of", "constraints_of", "supertype_of"]

_ALIASES: tuple[Any, ...] = (
    LazyAlias,
    typing_extensions.TypeAliasType,
    getattr(typing, "TypeAliasType", typing_extensions.TypeAliasType),
)


def alias_value(form: Any) -> Any:
    """Give what a `type` alias stands for, with its arguments put in; None for what is no alias.

    A value that is written as a string is looked up in the alias's module; a name that is not there is Any.

    >>> alias_value(typing_extensions.TypeAliasType("Pair", list[int]))
    list[int]
    """
    origin = get_origin(form)
    head = form if origin is None else origin
    if not isinstance(head, _ALIASES):
        return None
    try:
        value = head.__value__
    except NameError:  # imported for type checkers only
        return Any
    parameters = getattr(head, "__type_params__", ())
    if not isinstance(head, LazyAlias):
        value = _resolved(value, head.__module__, {p.__name__: p for p in parameters})
    return substitute(value, _given_to(parameters, get_args(form))) if parameters else value


def supertype_of(newtype: Any) -> Any:
    """Give what a NewType is made of, which its call may name by a string.

    >>> from typing import NewType
    >>> supertype_of(NewType("UserId", "int"))
    <class 'int'>
    """
    return _resolved(newtype.__supertype__, newtype.__module__, {})


def bound_of(variable: Any) -> Any:
    """Give the bound of a type variable, which its call may name by a string; None where it has none.

    >>> bound_of(typing.TypeVar("T", bound="int"))
    <class 'int'>
    """
    bound = getattr(variable, "__bound__", None)
    return None if bound is None else _resolved(bound, variable.__module__, {})


def constraints_of(variable: Any) -> tuple[Any, ...]:
    """Give the types of which a type variable is one, which its call may name by strings; none where it is free.

    >>> constraints_of(typing.TypeVar("T", int, "str"))
    (<class 'int'>, <class 'str'>)
    """
    found = getattr(variable, "__constraints__", ())
    return tuple(_resolved(constraint, variable.__module__, {}) for constraint in found)


def _resolved(form: Any, home: str, own: dict[str, Any]) -> Any:
    if not contains_string(form):
        return form
    module = sys.modules.get(home)
    scopes: list[Mapping[str, Any]] = [own, vars(module) if module else {}, vars(builtins)]
    return evaluate_annotation(form, scopes=scopes, module=home)[0]


def _given_to(parameters: tuple[Any, ...], arguments: tuple[Any, ...]) -> dict[Any, Any]:
    """What each type parameter stands for: a TypeVarTuple for a tuple of types, one without argument for its default."""
    pack = next((i for i, p in enumerate(parameters) if isinstance(p, PACKS)), None)
    if pack is not None:
        end = max(len(arguments) - (len(parameters) - pack - 1), pack)
        arguments = (*arguments[:pack], arguments[pack:end], *arguments[end:])
    found = dict(zip(parameters, arguments, strict=False))
    for parameter in parameters[len(arguments) :]:
        default = getattr(parameter, "__default__", typing_extensions.NoDefault)
        if default is not typing_extensions.NoDefault:
            found[parameter] = substitute(default, found)
    return found
