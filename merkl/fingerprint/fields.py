"""What the fields of a loaded class hold: members of an enum, defaults and their factories, whoever made the class.

The source of a class says this too, but a file may have been edited since it was imported: values of the loaded class
beside its source make sure that nothing is stored under what the file says now.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["OPTIONS_OF_CLASS", "field_values"]

#: The label of how a dataclass was made.
OPTIONS_OF_CLASS = "options of the class"

_FLAGS = ("init", "repr", "hash", "compare", "kw_only")
#: Those that every supported version of Python keeps.
_OPTIONS = ("init", "repr", "eq", "order", "unsafe_hash", "frozen")
_FACTORIES = {"Factory"}


def field_values(cls: type) -> Iterator[tuple[str, object]]:
    """Yield (label, value) for what each field of a class holds, in order of definition; inherited ones excepted.

    >>> import enum
    >>> list(field_values(enum.Enum("Color", {"RED": 1})))
    [('member RED', 1)]
    """
    held = vars(cls)
    if issubclass(cls, enum.Enum):
        for name, member in cls.__members__.items():
            yield f"member {name}", member._value_
    for name, default in _mapping(held, "_field_defaults"):  # NamedTuple
        yield f"default {name}", default
    for name, field in _mapping(held, "__dataclass_fields__"):
        yield from _dataclass_field(name, field)
    if "__dataclass_params__" in held:
        params = held["__dataclass_params__"]
        yield OPTIONS_OF_CLASS, tuple(bool(getattr(params, option, None)) for option in _OPTIONS)
    for name, field in _mapping(held, "__pydantic_fields__"):
        yield from _pydantic_field(name, field)
    for attribute in held.get("__attrs_attrs__", ()):
        for part in ("default", "validator", "converter"):
            yield f"{part} {attribute.name}", _made_by(getattr(attribute, part, None))
    struct_defaults = getattr(cls, "__struct_defaults__", ())  # msgspec; a metaclass may answer to any name
    for number, default in enumerate(struct_defaults if isinstance(struct_defaults, tuple) else ()):
        yield f"default {number}", _made_by(default)


def _mapping(held: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    found = held.get(name)
    if isinstance(found, Mapping):
        yield from found.items()


def _dataclass_field(name: str, field: Any) -> Iterator[tuple[str, object]]:
    if field.default is not dataclasses.MISSING:
        yield f"default {name}", field.default
    if field.default_factory is not dataclasses.MISSING:
        yield f"factory {name}", field.default_factory
    yield f"flags {name}", tuple(bool(getattr(field, flag, None)) for flag in _FLAGS)


def _pydantic_field(name: str, field: Any) -> Iterator[tuple[str, object]]:
    if not field.is_required():
        yield f"default {name}", field.default
    if field.default_factory is not None:
        yield f"factory {name}", field.default_factory
    yield f"type {name}", field.annotation
    for rule in field.metadata:
        yield f"rule {name}", rule
    for part in (
        "alias",
        "validation_alias",
        "serialization_alias",
        "exclude",
        "frozen",
        "discriminator",
        "init",
    ):
        value = getattr(field, part, None)
        if value is not None:
            yield f"{part} {name}", value


def _made_by(default: object) -> object:
    """Return the factory inside of the wrapper that says it is one (of attrs and msgspec)."""
    if type(default).__name__ in _FACTORIES:
        return getattr(default, "factory", default)
    return default
