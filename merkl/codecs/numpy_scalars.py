"""numpy scalars as dtype and bytes; `numpy.float64(1)` is no float and must not come back as one."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["build_scalar", "is_scalar", "take_scalar"]


def is_scalar(kind: type) -> bool:
    """Say whether a class is one of numpy's scalar types."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and issubclass(kind, numpy.generic)


def take_scalar(value: Any) -> tuple[str, str, Any] | None:
    """Return dtype (as a string, and its character: `longlong` is as wide as `int64`) and bytes, or None."""
    numpy = sys.modules["numpy"]
    if type(value) is numpy.str_:
        return ("U", "U", "".join(value))  # str() would drop NULs at the end
    if type(value) is numpy.bytes_:
        return ("S", "S", bytes(value))
    dtype = value.dtype
    if dtype.kind not in "biufcmM" or dtype.type is not type(value):
        return None
    return (dtype.str, dtype.char, value.tobytes())


def build_scalar(name: str, char: str, data: Any) -> Any:
    """Return the scalar."""
    import numpy

    if name in ("U", "S"):
        return numpy.str_(data) if name == "U" else numpy.bytes_(data)
    dtype = numpy.dtype(name)
    if dtype.char != char and numpy.dtype(char).str == name:
        dtype = numpy.dtype(char)
    return numpy.frombuffer(data, dtype)[0]
