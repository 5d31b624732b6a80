"""Checks of numpy arrays against `NDArray[...]`: the dtype and the number of dimensions, never the items."""

from __future__ import annotations

import sys
from typing import Any, get_args, get_origin

from merkl._base.type_forms import format_type, is_union
from merkl.validation.checker import Check
from merkl.validation.leaves import class_check
from merkl.validation.problem import Problem

__all__ = ["array_check", "is_array_class"]


def is_array_class(cls: object) -> bool:
    """Say whether `cls` is `numpy.ndarray`, without importing numpy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and cls is getattr(numpy, "ndarray", None)


def array_check(cls: type, hint: Any) -> Check:
    """Compile the check of `numpy.ndarray[shape, numpy.dtype[scalar]]`."""
    outer = class_check(cls, format_type(hint))
    arguments = get_args(hint)
    shape = arguments[0] if arguments else None
    dimensions = _dimensions(shape)
    scalars = _scalars(arguments[1]) if len(arguments) > 1 else None
    expected = (
        format_type(hint) if scalars is None else f"an array of {' or '.join(s.__name__ for s in scalars)}"
    )

    def check(value: Any) -> Problem | None:
        problem = outer(value)
        if problem is not None:
            return problem
        if dimensions is not None and len(value.shape) != dimensions:
            return Problem("", f"an array of {dimensions} dimensions", f"an array of {len(value.shape)}")
        if scalars is not None and not any(_is_of(value.dtype, scalar) for scalar in scalars):
            return Problem("", expected, f"an array of {value.dtype}")
        return None

    return check


def _dimensions(shape: Any) -> int | None:
    items = get_args(shape)
    if get_origin(shape) is not tuple or not items or items[-1] is Ellipsis:
        return None
    return None if any(get_origin(i) is not None and str(i).startswith("*") for i in items) else len(items)


def _scalars(dtype: Any) -> tuple[type, ...] | None:
    """The scalar classes that a `numpy.dtype[...]` allows, or None where any may be."""
    inner = get_args(dtype)
    if not inner:
        return None
    options = get_args(inner[0]) if is_union(inner[0]) else inner[:1]
    found = tuple(get_origin(option) or option for option in options)
    return found if all(isinstance(f, type) and f is not Any for f in found) else None


def _is_of(dtype: Any, scalar: type) -> bool:
    if issubclass(dtype.type, scalar):
        return True
    try:  # two C types of one size are one dtype, but two scalar classes
        return bool(sys.modules["numpy"].dtype(scalar) == dtype)
    except TypeError:
        return False
