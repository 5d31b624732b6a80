"""What the typing module makes under a name: type variables, new types and aliases, with what they stand for."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

import typing_extensions

from merkl_serializers.names import module_name
from merkl_serializers.objects import UNREADABLE
from merkl_serializers.walk import Walk
from merkl_serializers.wire import pack, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

#: Pickled by their names alone, which say nothing of these.
_MEANINGS = (
    "__supertype__",
    "__value__",
    "__bound__",
    "__constraints__",
    "__covariant__",
    "__contravariant__",
    "__type_params__",
)
_VARIABLES = ("TypeVar", "ParamSpec", "TypeVarTuple")
_NAMED = (*_VARIABLES, "NewType", "TypeAliasType")


def _encode_named(value: Any, walk: Walk) -> bytes:
    return walk.inside(value, _named_body)


def _named_body(value: Any, walk: Walk) -> bytes:
    kind, name = type(value).__name__, value.__name__
    # Cloudpickle makes a variable again in a module of its own.
    module = "" if kind in _VARIABLES else module_name(value.__module__)
    parts = [b"\xc1<", pack_str(kind), pack_str(module), pack_str(name)]
    parts += [_meaning(value, attribute, walk) for attribute in _MEANINGS]
    if getattr(value, "has_default", bool)():
        parts.append(b"=" + walk.part(value.__default__, ".__default__"))
    return b"".join(parts)


def _meaning(value: Any, attribute: str, walk: Walk) -> bytes:
    try:
        found = getattr(value, attribute, None)
    except Exception:  # noqa: BLE001 - a bound or an alias may be evaluated late, and name what is not there yet
        return UNREADABLE
    # None and no constraints say as much as the lack of the attribute, which differs between versions of Python.
    return walk.part(found, f".{attribute}") if found else pack(None)


def install(registry: CanonicalRegistry) -> None:
    """Register the encoders of this file."""
    for module in (typing, typing_extensions):
        for name in _NAMED:
            kind = getattr(module, name, None)
            if isinstance(kind, type):
                registry.add_maker(kind, lambda cls, registry: _encode_named)
