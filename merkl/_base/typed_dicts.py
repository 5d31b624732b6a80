"""The keys of a TypedDict: their types, and whether each is required and may be written."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from merkl._base.hints import resolve_class_hints
from merkl._base.type_forms import is_named

__all__ = ["Key", "typed_dict_keys"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a TypedDict."""

    hint: Any
    required: bool
    read_only: bool


@functools.lru_cache(maxsize=1024)
def typed_dict_keys(cls: Any) -> dict[str, Key]:
    """Give the keys of a TypedDict class in order, inherited ones too; string annotations are understood.

    >>> from typing import TypedDict
    >>> class Row(TypedDict, total=False):
    ...     a: "int"
    >>> typed_dict_keys(Row)["a"]
    Key(hint=<class 'int'>, required=False, read_only=False)
    """
    # `typing` misses Required and NotRequired inside string annotations, so what is written there counts more.
    read_only_keys = getattr(cls, "__readonly_keys__", None) or frozenset()
    found: dict[str, Key] = {}
    for name, written in resolve_class_hints(cls).items():
        hint, required, read_only = written, name in cls.__required_keys__, name in read_only_keys
        while True:
            origin = get_origin(hint)
            if is_named(origin, "Required") or is_named(origin, "NotRequired"):
                required = is_named(origin, "Required")
            elif is_named(origin, "ReadOnly"):
                read_only = True
            elif origin is not Annotated:
                break
            hint = get_args(hint)[0]
        found[name] = Key(hint, required, read_only)
    return found
