"""Pickling by value what another process cannot import: cloudpickle, with the kinds of classes that it loses."""

from __future__ import annotations

import enum
import functools
import importlib.util
import struct
import sys
import types
import typing
from enum import Enum
from types import MemberDescriptorType
from typing import Any, Generic, NewType

import cloudpickle
import msgspec
import typing_extensions
from cloudpickle.cloudpickle import (
    _class_setstate,
    _code_reduce,
    _get_or_create_tracker_id,
    _lookup_class_or_track,
)
from merkl_serializers.objects import registered_reducer

from merkl.codecs.base import DecodeError
from merkl.codecs.definitions import MAIN, loaded_definition
from merkl.codecs.views import reduce_view

__all__ = ["ByValuePickler"]


class ByValuePickler(cloudpickle.Pickler):
    """As cloudpickle does it, but classes keep their slots, msgspec's their fields, and pydantic's generic ones are the same."""

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, type):
            return _reduce_other(obj) or super().reducer_override(obj)
        of_generic = _parts_of_generic(obj)
        if of_generic is not None:
            return _parametrized, of_generic
        reduced = super().reducer_override(obj)
        if not isinstance(reduced, tuple) or len(reduced) <= 2:
            return reduced
        if issubclass(obj, msgspec.Struct):
            return _make_struct, _parts_of_struct(obj)
        reduced = _without_notes(reduced)
        return _with_members(obj, reduced) if issubclass(obj, Enum) else _made_whole(obj, reduced)


def _reduce_other(obj: Any) -> Any:
    """Say how to make what pickle does not take, or makes something else of; None for anything else."""
    if type(obj) is msgspec.Meta:
        given = {name: getattr(obj, name) for name in _META if getattr(obj, name) is not None}
        return _make_meta, (given,)
    if type(obj) is types.CodeType:
        return _make_code, (importlib.util.MAGIC_NUMBER, sys.version.partition(" ")[0], *_code_reduce(obj)[1])
    if type(obj) is memoryview:
        return reduce_view(obj)
    if type(obj) is functools.cached_property:
        return _make_property, (obj.func, obj.attrname)
    if type(obj) is struct.Struct:
        return struct.Struct, (obj.format,)
    if _goes_by_name(obj):
        return _member_of, (type(obj), obj.name)
    if isinstance(obj, _NAMED_TYPES) and loaded_definition(f"{obj.__module__}:{obj.__name__}") is not obj:
        made_of = obj.__supertype__ if isinstance(obj, NewType) else obj.__value__
        return _make_named, (type(obj), obj.__name__, made_of, obj.__module__, *_parameters(obj))
    if obj is not None and obj is _item_of_generic():  # of a NamedTuple that is generic too
        return _item_of_generic, ()
    if issubclass(type(obj), BaseException) and registered_reducer(type(obj)) is None:
        # Whatever a library has put on all exceptions: equal ones have equal bytes.
        reduced = obj.__reduce_ex__(5)
        return _reduce_exception(type(obj), reduced) if _inits_itself(type(obj)) else reduced
    return _reduce_cached(obj) if type(obj) is _CACHED else None


def _goes_by_name(member: Any) -> bool:
    """Say whether it is a member of an enum whose value no copy equals: pickle would look for the member that has it."""
    kind = type(member)
    if not issubclass(kind, Enum):
        return False
    is_named = kind.__members__.get(member.name) is member
    return (
        is_named and kind.__reduce_ex__ is Enum.__reduce_ex__ and _eq_of(type(member.value)) is _eq_of(object)
    )


def _eq_of(cls: Any) -> Any:
    return cls.__eq__


def _member_of(kind: type[Enum], name: str) -> Enum:
    return kind[name]


def _inits_itself(cls: Any) -> bool:
    """Say whether an exception is made by an `__init__` in Python, and else as all exceptions are."""
    is_as_all = cls.__reduce__ is BaseException.__reduce__ and cls.__reduce_ex__ is object.__reduce_ex__
    has_new = any(isinstance(vars(base).get("__new__"), staticmethod) for base in cls.__mro__)
    return is_as_all and not has_new and isinstance(getattr(cls, "__init__", None), types.FunctionType)


def _reduce_exception(cls: Any, reduced: Any) -> Any:
    """Take an exception apart into what it holds: its `__init__` need not take the `args` that it passed on."""
    return _make_exception, (cls, reduced[1]), *reduced[2:]


def _make_exception(cls: Any, args: tuple[Any, ...]) -> Any:
    made = cls.__new__(cls, *args)
    compiled = next(
        base for base in cls.__mro__ if isinstance(vars(base).get("__init__"), types.WrapperDescriptorType)
    )
    compiled.__init__(made, *args)
    return made


def _make_code(magic: bytes, version: str, *parts: Any) -> types.CodeType:
    """Make a code object again, where this Python runs such code: of another one it would end the process."""
    if magic != importlib.util.MAGIC_NUMBER:
        raise DecodeError(
            f"it holds code that Python {version} compiled, which Python {sys.version.partition(' ')[0]} cannot run"
        )
    return types.CodeType(*parts)


_CACHED = type(functools.lru_cache(len))
_NAMED_TYPES: Any = (
    NewType,
    typing_extensions.TypeAliasType,
    getattr(typing, "TypeAliasType", typing_extensions.TypeAliasType),
)


def _parameters(obj: Any) -> tuple[Any, ...]:
    found = getattr(obj, "__type_params__", ())
    return (found,) if found else ()


def _make_named(kind: Any, name: str, made_of: Any, module: str, *parameters: Any) -> Any:
    if parameters:
        return kind(name, made_of, type_params=parameters[0])
    made = kind(name, made_of)
    if kind is NewType:
        made.__module__ = module
    return made


def _make_property(fn: Any, name: str | None) -> functools.cached_property[Any]:
    made = functools.cached_property(fn)
    if name is not None:
        made.__set_name__(object, name)
    return made


def _cached(fn: Any, options: dict[str, Any], attributes: dict[str, Any]) -> Any:
    cached = functools.lru_cache(**options)(fn)
    vars(cached).update(attributes)
    return cached


def _reduce_cached(obj: Any) -> Any:
    module = sys.modules.get(obj.__module__) if obj.__module__ != MAIN else None
    found: Any = module
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is obj:
        return obj.__qualname__
    attributes = {name: value for name, value in vars(obj).items() if name != "__wrapped__"}
    return _cached, (obj.__wrapped__, obj.cache_parameters(), attributes)


def _item_of_generic() -> Any:
    return getattr(getattr(Generic, "__class_getitem__"), "__func__", None)  # noqa: B009  (type checkers do not know it)


def _make_meta(given: dict[str, Any]) -> msgspec.Meta:
    return msgspec.Meta(**given)


_META = (
    *("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "tz"),
    *("title", "description", "examples", "extra_json_schema", "extra"),
)


_NOTES = {"__msgspec_cache__", "__pydantic_parent_namespace__"}


def _without_notes(reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave out what libraries have noted in a class: with its namespace pydantic keeps all that was local around it."""
    make, arguments, (namespace, others), *rest = reduced
    kept = {name: value for name, value in namespace.items() if name not in _NOTES}
    return (make, arguments, (kept, others), *rest)


def _with_members(cls: type[Enum], reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Have an enum made with what its members hold beside their values: `__init__` does not run again.

    Functions among the values are members, and would be methods.
    """
    make, arguments, *others = reduced
    members = {
        name: enum.member(value) if hasattr(value, "__get__") else value
        for name, value in arguments[3].items()
    }
    reduced = (make, (*arguments[:3], members, *arguments[4:]), *others)
    held = {
        member.name: {
            name: value
            for name, value in vars(member).items()
            if not (name.startswith("_") and name.endswith("_"))
        }
        for member in cls
    }
    if not any(held.values()):
        return reduced
    make, arguments, state, *rest, _ = reduced
    return (make, arguments, (state, held), *rest, _fill_enum)


def _fill_enum(cls: type[Enum], state: tuple[Any, dict[str, dict[str, Any]]]) -> None:
    """Give an enum what it has beside names and values, and its members theirs."""
    of_class, held = state
    _class_setstate(cls, of_class)
    for name, attributes in held.items():
        vars(cls[name]).update(attributes)


def _parts_of_generic(cls: type) -> tuple[type, Any] | None:
    """Return the class and arguments of `Model[int]`, which is a class of its own and has no name that leads to it."""
    parts = cls.__dict__.get("__pydantic_generic_metadata__")
    return (parts["origin"], parts["args"]) if isinstance(parts, dict) and parts.get("origin") else None


def _parametrized(origin: Any, arguments: Any) -> type:
    made: type = origin[arguments]
    return made


def _slots_of(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _made_whole(cls: type, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Have a class made with its qualified name and its slots.

    Slots that are set afterwards mean nothing, and its objects would be other ones.
    """
    make, arguments, (namespace, others), *rest = reduced
    options = {**arguments[3], "__qualname__": cls.__qualname__}
    slots = _slots_of(cls)
    if slots:
        options["__slots__"] = slots
        namespace = {
            name: value
            for name, value in namespace.items()
            if name != "__slots__" and not isinstance(vars(cls).get(name), MemberDescriptorType)
        }
    return (make, (*arguments[:3], options, *arguments[4:]), (namespace, others), *rest)


# -- structs ---------------------------------------------------------------------------------------------


def _parts_of_struct(cls: Any) -> tuple[Any, ...]:
    """Return what a Struct is made of: its fields are fixed when it is made."""
    left_out = {*_NOTES, "__slots__", "__match_args__", "__dict__", "__weakref__", "__orig_bases__"}
    namespace = {"__qualname__": cls.__qualname__} | {
        name: value
        for name, value in vars(cls).items()
        if name not in left_out
        and not name.startswith("__struct_")
        and not isinstance(value, MemberDescriptorType)
    }
    own = [name for name in cls.__struct_fields__ if name in vars(cls).get("__annotations__", {})]
    defaults = cls.__struct_defaults__
    with_default = cls.__struct_fields__[len(cls.__struct_fields__) - len(defaults) :]
    given = {name: value for name, value in zip(with_default, defaults, strict=True) if name in own}
    fixed = {name: value for name, value in given.items() if not _is_open(value)}
    factories = {
        name: value.factory
        for name, value in given.items()
        if name not in fixed and value is not msgspec.NODEFAULT
    }
    config = {name: getattr(cls.__struct_config__, name) for name in _OPTIONS}
    config["kw_only"] = any(name not in cls.__match_args__ for name in own)
    config["rename"] = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    bases = vars(cls).get("__orig_bases__", cls.__bases__)
    return (
        type(cls),
        cls.__name__,
        bases,
        {**namespace, **fixed},
        factories,
        config,
        _get_or_create_tracker_id(cls),
    )


_OPTIONS = (
    *("frozen", "eq", "order", "array_like", "gc", "repr_omit_defaults", "omit_defaults"),
    *("forbid_unknown_fields", "weakref", "dict", "cache_hash", "tag", "tag_field"),
)


def _is_open(default: Any) -> bool:
    return default is msgspec.NODEFAULT or type(default).__name__ == "Factory"


def _make_struct(
    kind: type,
    name: str,
    bases: Any,
    namespace: dict[str, Any],
    factories: dict[str, Any],
    config: dict[str, Any],
    known_as: str,
) -> type:
    made_anew = {field: msgspec.field(default_factory=factory) for field, factory in factories.items()}
    whole = {**namespace, **made_anew}
    made = types.new_class(name, bases, {"metaclass": kind, **config}, lambda body: body.update(whole))
    return _lookup_class_or_track(known_as, made)
