"""Taking objects of data classes apart and putting them together again, without running their code.

Dataclasses, attrs classes, pydantic models, msgspec Structs and NamedTuples; a class is named by module and qualified
name, and counts only if that name leads back to it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from merkl.codecs.base import DecodeError
from merkl.codecs.definitions import class_name, is_reachable

__all__ = ["ClassInfo", "class_info"]

State = list[Any]
MISSING = object()
HEAP_TYPE = 1 << 9


class ClassInfo(msgspec.Struct, frozen=True):
    """How objects of one class are taken apart (None: not exactly) and put together from the same state."""

    name: str
    kind: str
    fields: tuple[str, ...]
    take: Callable[[Any], State | None]
    build: Callable[[State], Any]


def class_info(kind: type) -> ClassInfo | None:
    """Return how to store objects of a class as data, None if they may be more than their fields."""
    if not is_reachable(kind):
        return None
    name = class_name(kind)
    if issubclass(kind, tuple):
        return _named_tuple(kind, name)
    if issubclass(kind, msgspec.Struct):
        return _struct(kind, name)
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and issubclass(kind, pydantic.BaseModel):
        return _model(kind, name)
    if not _is_all_state(kind):
        return None
    if dataclasses.is_dataclass(kind):
        return _plain_object(kind, name, "dataclass", tuple(field.name for field in dataclasses.fields(kind)))
    if "__attrs_attrs__" in kind.__dict__:
        return _plain_object(kind, name, "attrs", tuple(field.name for field in kind.__attrs_attrs__))  # type: ignore[attr-defined]
    return None


def _is_all_state(kind: type) -> bool:
    """Say whether objects are made of attributes alone, and nothing says how to copy them otherwise."""
    for base in kind.__mro__[:-1]:
        if not base.__flags__ & HEAP_TYPE:
            return False  # a builtin base keeps state that is no attribute
        for hook in (
            "__reduce__",
            "__reduce_ex__",
            "__getstate__",
            "__setstate__",
            "__getnewargs__",
            "__getnewargs_ex__",
        ):
            method = base.__dict__.get(hook)
            if method is not None and getattr(method, "__module__", "") not in ("dataclasses", "attr._make"):
                return False
    return kind.__new__ is object.__new__ or getattr(kind.__new__, "__module__", "") == "typing"  # type: ignore[comparison-overlap]


def _slots(kind: type) -> set[str]:
    names: set[str] = set()
    for base in kind.__mro__[:-1]:
        slots = base.__dict__.get("__slots__", ())
        names.update((slots,) if isinstance(slots, str) else slots)
    return names - {"__dict__", "__weakref__"}


def _plain_object(kind: type, name: str, label: str, fields: tuple[str, ...]) -> ClassInfo | None:
    slots = _slots(kind)
    if not slots <= set(fields):
        return None
    new = object.__new__
    assign = object.__setattr__
    in_dict = [field for field in fields if field not in slots]

    def take(value: Any) -> State | None:
        values = getattr(value, "__dict__", {})
        state = []
        for field in fields:
            item = values.get(field, MISSING) if field not in slots else getattr(value, field, MISSING)
            if item is MISSING:
                return None
            state.append(item)
        return state if len(values) == len(in_dict) else None

    def build(state: State) -> Any:
        value = new(kind)  # type: ignore[var-annotated]
        for field, item in zip(fields, state, strict=True):
            assign(value, field, item)
        return value

    return ClassInfo(name, label, fields, take, build)


def _named_tuple(kind: type, name: str) -> ClassInfo | None:
    fields = getattr(kind, "_fields", None)
    if not isinstance(fields, tuple) or kind.__dict__.get("__slots__", MISSING) != ():
        return None

    def build(state: State) -> Any:
        if len(state) != len(fields):
            raise DecodeError(f"{name} has {len(fields)} fields now, the stored result has {len(state)}")
        return tuple.__new__(kind, state)

    return ClassInfo(name, "namedtuple", fields, lambda value: list(value), build)


def _struct(kind: type[msgspec.Struct], name: str) -> ClassInfo | None:
    fields = kind.__struct_fields__
    set_field = msgspec.structs.force_setattr
    if "__dict__" in dir(kind) or _slots(kind) - set(fields):
        return None
    hooked = getattr(kind, "__post_init__", None) is not None

    def take(value: Any) -> State | None:
        state = [getattr(value, field, MISSING) for field in fields]
        if any(item is MISSING for item in state):
            return None
        if hooked:
            try:
                build(state)
            except Exception:  # noqa: BLE001 - user code: then it isn't for this codec
                return None
        return state

    def build(state: State) -> Any:
        value = kind(**dict(zip(fields, state, strict=True)))
        if hooked:  # it ran again: what it made of the final values is not what was stored
            for field, item in zip(fields, state, strict=True):
                set_field(value, field, item)
        return value

    return ClassInfo(name, "struct", fields, take, build)


def _model(kind: Any, name: str) -> ClassInfo | None:
    for base in kind.__mro__[:-1]:
        if not base.__module__.startswith("pydantic.") and {
            "__getstate__",
            "__setstate__",
            "__reduce__",
        } & set(base.__dict__):
            return None
    new = object.__new__
    assign = object.__setattr__
    fields = tuple(kind.model_fields)

    def take(value: Any) -> State:
        private = value.__pydantic_private__
        if private is not None:
            private = {
                key: item for key, item in private.items() if type(item).__name__ != "PydanticUndefinedType"
            }
        return [value.__dict__, sorted(value.__pydantic_fields_set__), value.__pydantic_extra__, private]

    def build(state: State) -> Any:
        values, fields_set, extra, private = state
        value = new(kind)
        assign(value, "__dict__", values)
        assign(value, "__pydantic_fields_set__", set(fields_set))
        assign(value, "__pydantic_extra__", extra)
        assign(value, "__pydantic_private__", private)
        return value

    return ClassInfo(name, "pydantic", fields, take, build)
