"""Short texts of arguments, for errors, metadata and reports; secrets never show."""

from __future__ import annotations

import reprlib
from typing import Any

from merkl.cache import ArgumentPreview
from merkl.graph.call import Call
from merkl.graph.future import Future

__all__ = ["describe_arguments", "preview_arguments", "preview_value"]

_LIMIT = 80
_SHORT = (int, float, bool, type(None))


def _make_repr() -> reprlib.Repr:
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = shortened.maxlong = _LIMIT
    return shortened


_repr = _make_repr()


def preview_value(value: Any) -> str:
    """Return a value as a short text of one line; never raises."""
    if type(value) in _SHORT:
        return repr(value)
    shape = getattr(value, "shape", None) if not isinstance(value, Future) else None
    if isinstance(shape, tuple):
        dtype = getattr(value, "dtype", "")
        return f"{type(value).__name__}{shape}{f' of {dtype}' if dtype != '' else ''}"
    try:
        text = _repr.repr(value)
    except Exception as error:  # noqa: BLE001 - a preview must not fail for a repr that does
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"


def preview_arguments(call: Call) -> tuple[tuple[str, str], ...]:
    """Return name and short text of each argument of a call."""
    return tuple(
        (parameter.name, "***" if parameter.is_secret else preview_value(value))
        for parameter, value in zip(call.task.signature.parameters, call.values, strict=True)
    )


def describe_arguments(call: Call) -> tuple[ArgumentPreview, ...]:
    """Return what the metadata keep of each argument: short text, and the digest of what the key saw of it."""
    described = []
    for parameter, value, encoded in zip(
        call.task.signature.parameters, call.values, call.encodings, strict=True
    ):
        digest = ""
        if type(value) is Future:
            preview = f"<Future of {value.task.name}>"
            digest = value.__merkl_key__().hex()
        else:
            preview = "***" if parameter.is_secret else preview_value(value)
            if type(encoded) is bytes and encoded[:1] == b"#":
                digest = encoded[1:].hex()
        described.append(ArgumentPreview(parameter.name, preview, digest))
    return tuple(described)
