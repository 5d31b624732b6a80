"""How the arguments of a task get into its key, and its results into the cache: which serializer and codec, and why."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any

import msgspec
from merkl_serializers import CanonicalRegistry

from merkl._base.hints import format_type
from merkl.codecs import CodecRegistry
from merkl.graph.signature import Parameter
from merkl.graph.task import Task

__all__ = ["ParameterView", "StoredView", "view_codec", "view_parameters"]


class ParameterView(msgspec.Struct, frozen=True):
    """One parameter: its type, its default as text, what makes canonical bytes of its arguments, and why that."""

    name: str
    type: str
    default: str
    is_keyed: bool
    serializer: str
    why: str


class StoredView(msgspec.Struct, frozen=True):
    """How a result is stored: the codecs that are tried in turn, and why these."""

    codecs: tuple[str, ...]
    why: str


def view_parameters(task: Task[..., Any, Any], registry: CanonicalRegistry) -> tuple[ParameterView, ...]:
    """Return what there is to see of each parameter."""
    declared = task.signature.signature.parameters.values()
    return tuple(
        _view_parameter(task, parameter, declaration, registry)
        for parameter, declaration in zip(task.signature.parameters, declared, strict=True)
    )


def _view_parameter(
    task: Task[..., Any, Any],
    parameter: Parameter,
    declaration: inspect.Parameter,
    registry: CanonicalRegistry,
) -> ParameterView:
    default = declaration.default
    shown = "" if default is declaration.empty else "***" if parameter.is_secret else repr(default)
    serializer, why = _serializer_of(task, parameter, registry)
    return ParameterView(
        parameter.name, format_type(parameter.hint), shown, parameter.is_keyed, serializer, why
    )


def _serializer_of(
    task: Task[..., Any, Any], parameter: Parameter, registry: CanonicalRegistry
) -> tuple[str, str]:
    if parameter.is_secret:
        return "", "it is a secret, so it is no part of the key"
    if not parameter.is_keyed:
        return "", "it is in ignore_args, so it is no part of the key"
    if parameter.serializer is not None:
        name = getattr(parameter.serializer, "__qualname__", repr(parameter.serializer))
        if parameter.name in task.options.arg_serializers:
            return name, "given in arg_serializers="
        return name, "given in the annotation"
    found: dict[str, str] = {}
    for kind in _classes(parameter.hint):
        who, why = registry.explain(kind)
        found[f"{kind.__qualname__}: {who}" if who else f"{kind.__qualname__}: none"] = why
    if not found:
        return "by value", "its type does not say what class its arguments have"
    if len(found) == 1:
        ((who, why),) = found.items()
        return who.partition(": ")[2], why
    return "; ".join(found), "; ".join(dict.fromkeys(found.values()))


def _classes(hint: Any) -> list[type]:
    """Return the classes that an argument itself may have, by its annotation."""
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _classes(typing.get_args(hint)[0])
    if origin in (typing.Union, types.UnionType):
        return [kind for member in typing.get_args(hint) for kind in _classes(member)]
    if origin is typing.Literal:
        return list(dict.fromkeys(type(value) for value in typing.get_args(hint)))
    if isinstance(origin, type):
        return [origin]
    return [hint] if isinstance(hint, type) and hint is not object and hint is not Any else []


def view_codec(task: Task[..., Any, Any], out: str | None, hint: Any, codecs: CodecRegistry) -> StoredView:
    """Return how an out of this type is stored."""
    option = task.options.codec
    if isinstance(option, dict):
        option = option.get(out or "")
    if option is not None:
        return StoredView(
            (option if isinstance(option, str) else getattr(option, "name", repr(option)),), "given in codec="
        )
    kinds = _classes(hint)
    if len(kinds) != 1:
        return StoredView(tuple(codec.name for codec in codecs.candidates(object)), "chosen by the value")
    names = tuple(codec.name for codec in codecs.candidates(kinds[0]))
    special = codecs.special(kinds[0])
    why = (
        f"{special[0].name} is registered for {kinds[0].__qualname__}"
        if special
        else "the first that gives it back exactly"
    )
    return StoredView(names, why)
