"""Which annotations promise a value that holds no object of a user's class."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import types
import typing
import uuid
from typing import Any

__all__ = ["is_plain_data"]

_ATOMS = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, bytearray,
        datetime.date, datetime.datetime, datetime.time, datetime.timedelta,
        decimal.Decimal, fractions.Fraction, pathlib.Path, pathlib.PurePath, uuid.UUID,
    }
)  # fmt: skip
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_UNIONS = (typing.Union, types.UnionType)
_WRAPPERS = (typing.Annotated, typing.Required, typing.NotRequired)


def is_plain_data(hint: Any) -> bool:
    """Tell whether an annotation allows only scalars, containers of them, files, and arrays of numbers.

    >>> is_plain_data(dict[str, list[int] | None]), is_plain_data(list), is_plain_data(object)
    (True, False, False)
    """
    pending = [hint]
    seen: list[Any] = []
    while pending:
        form = pending.pop()
        if any(form is other for other in seen):
            continue
        seen.append(form)
        parts = _parts(form)
        if parts is None:
            return False
        pending.extend(parts)
    return True


def _parts(form: Any) -> tuple[Any, ...] | None:
    """Return the annotations that one consists of; None where anything may be behind it."""
    origin, arguments = typing.get_origin(form), typing.get_args(form)
    if form is None or form is ... or (origin is None and isinstance(form, type) and form in _ATOMS):
        return ()
    if origin is typing.Literal:
        return tuple(map(type, arguments))
    if origin in _WRAPPERS:
        return arguments[:1]
    if origin in _UNIONS or origin in _CONTAINERS:
        return arguments
    if typing.is_typeddict(form):
        return _keys_of(form)
    if getattr(origin or form, "__module__", "").startswith("merkl.files."):
        return ()
    return () if _is_numeric(form, origin, arguments) else None


def _keys_of(form: Any) -> tuple[Any, ...] | None:
    try:
        return tuple(typing.get_type_hints(form).values())
    except (NameError, TypeError):
        return None


def _is_numeric(form: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    """Tell whether it is a numpy scalar, or an array with a dtype that is not `object`."""
    if isinstance(form, type) and origin is None:
        return form.__module__ == "numpy" and form.__name__ not in ("ndarray", "object_", "void", "matrix")
    if getattr(origin, "__module__", "") != "numpy" or origin.__name__ != "ndarray":
        return False
    scalars = typing.get_args(arguments[-1])
    return len(scalars) == 1 and isinstance(scalars[0], type) and _is_numeric(scalars[0], None, ())
