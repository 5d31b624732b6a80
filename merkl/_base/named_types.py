"""What a name for a type stands for: a NewType its supertype, a `type` alias its value."""

from __future__ import annotations

import builtins
import sys
import typing
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import typing_extensions

from merkl._base.hints import evaluate_annotation
from merkl._base.type_forms import PACKS, LazyAlias, contains_string, substitute

__all__ = ["alias_value", "supertype_of"]

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
