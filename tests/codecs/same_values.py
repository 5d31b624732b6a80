"""Whether two values are the same to the last detail: type, value, order, sign of zero, NaN, at any depth."""

from __future__ import annotations

import dataclasses
import math
import struct
from typing import Any

import attrs
import msgspec
import numpy as np
import pydantic


def same(one: Any, other: Any) -> bool:
    """Say whether `other` is what `one` is."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, memoryview):
        looks = [(view.readonly, view.format, view.shape) for view in (one, other)]
        return looks[0] == looks[1] and one == other
    if isinstance(one, np.ndarray):
        return same_array(one, other)
    if isinstance(one, np.generic):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        extra = getattr(one, "default_factory", None) is getattr(other, "default_factory", None)
        return extra and same(list(one.items()), list(other.items()))
    if isinstance(one, (set, frozenset)):
        return len(one) == len(other) and same(sorted(one, key=order), sorted(other, key=order))
    if isinstance(one, (list, tuple)) or type(one).__name__ == "deque":
        bounds = getattr(one, "maxlen", 0) == getattr(other, "maxlen", 0)
        return bounds and len(one) == len(other) and all(map(same, one, other))
    state = parts(one)
    if state is not None:
        return same(state, parts(other))
    return repr(one) == repr(other) or bool(one == other)


def order(value: Any) -> tuple[str, str]:
    """Return something that sorts members of a set."""
    return (type(value).__name__, repr(value))


def parts(value: Any) -> Any | None:
    """Return the state of an object of a data class, None for anything else."""
    if isinstance(value, pydantic.BaseModel):
        names = sorted(value.__pydantic_fields_set__)
        return [value.__dict__, names, value.__pydantic_extra__, value.__pydantic_private__]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name) for name in value.__struct_fields__]
    if attrs.has(type(value)):
        return [getattr(value, field.name) for field in attrs.fields(type(value))]
    return None


def same_array(one: Any, other: Any) -> bool:
    """Say whether two arrays are the same, memory order included."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.ndim > 1 and one.flags.c_contiguous != other.flags.c_contiguous and one.flags.f_contiguous:
        return False
    if one.dtype.hasobject:
        return same(one.tolist(), other.tolist())
    return bool(one.tobytes() == other.tobytes())
