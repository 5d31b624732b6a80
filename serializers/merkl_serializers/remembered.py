"""What an object only remembers of itself: cached properties, and the hash that its `__hash__` keeps."""

from __future__ import annotations

import dis
import functools
from types import CodeType, FunctionType
from typing import Final

__all__ = ["remembered_by"]

_SETTERS: Final = frozenset({"__setattr__", "setattr"})


def remembered_by(cls: type) -> frozenset[str]:
    """Return the names of attributes that say nothing which the others don't say: reading a value must not change it."""
    names: set[str] = set()
    for base in cls.__mro__:
        for name, attribute in vars(base).items():
            if isinstance(attribute, functools.cached_property):
                names.add(name)
            elif name == "__hash__" and isinstance(attribute, FunctionType):
                names.update(_kept_hashes(attribute.__code__))
    return frozenset(names)


def _kept_hashes(code: CodeType) -> set[str]:
    """Return the attributes named after a hash that a `__hash__` sets: by an assignment, or by `__setattr__` of object."""
    if not code.co_varnames or not any(
        "hash" in str(part).lower() for part in (*code.co_names, *code.co_consts)
    ):
        return set()
    itself = code.co_varnames[0]
    found: set[str] = set()
    steps = [
        step for step in dis.get_instructions(code) if step.opname not in {"CACHE", "PUSH_NULL", "PRECALL"}
    ]
    for before, at, after in zip([None, *steps], steps, [*steps[1:], None], strict=False):
        if at.opname == "STORE_ATTR" and before is not None and _loads(before, itself):
            found.add(str(at.argval))
        elif (
            _loads(at, itself)
            and before is not None
            and before.argval in _SETTERS
            and after is not None
            and after.opname == "LOAD_CONST"
        ):
            found.add(str(after.argval))
    return {name for name in found if "hash" in name.lower()}


def _loads(step: dis.Instruction, name: str) -> bool:
    """Say whether the last thing that an instruction loads is this variable."""
    return step.opname.startswith("LOAD_FAST") and (
        step.argval == name or (isinstance(step.argval, tuple) and step.argval[-1] == name)
    )
