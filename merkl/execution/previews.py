"""Short texts of arguments, for errors, metadata and reports; secrets never show."""

from __future__ import annotations

from typing import Any

from merkl.cache import ArgumentPreview
from merkl.graph.call import Call, Nested
from merkl.graph.future import Future
from merkl.graph.shown import preview_value
from merkl.hashing.digests import hash_content

__all__ = [
    "UNKEYED",
    "describe_arguments",
    "describe_extras",
    "digest_argument",
    "digest_shape",
    "preview_arguments",
    "preview_value",
]

#: Stands for the digest of an argument that is no part of the key (`ignore_args`).
UNKEYED = "unkeyed"

#: Text below this many characters shows as a whole, whatever escapes it takes.
_EXACT = 20
_SHORT = (int, float, bool, type(None))


def preview_arguments(call: Call) -> tuple[tuple[str, str], ...]:
    """Return name and short text of each argument of a call."""
    return tuple(
        (parameter.name, "***" if parameter.is_secret else preview_value(value))
        for parameter, value in zip(call.task.signature.parameters, call.values, strict=True)
    )


def describe_arguments(call: Call) -> tuple[ArgumentPreview, ...]:
    """Return what the metadata keep of each argument: short text, and a digest of what the key saw of it.

    The digest is empty where the text says all, and for secrets, `UNKEYED` for what else is no part of the key. Of what holds
    Futures it is that of all else in it: which Futures these are, the parents tell.
    """
    described = []
    for index, (parameter, value, encoded) in enumerate(
        zip(call.task.signature.parameters, call.values, call.encodings, strict=True)
    ):
        digest = ""
        if type(value) is Future:
            preview = f"<Future of {value._call.task.name}>"
            digest = value.hash
        elif parameter.is_secret:
            preview = "***"
        else:
            preview = preview_value(value)
            if not parameter.is_keyed:
                digest = UNKEYED
            elif type(encoded) is bytes:
                digest = digest_argument(value, encoded)
            else:
                digest = digest_shape(call, index)
        described.append(ArgumentPreview(parameter.name, preview, digest))
    return tuple(described)


def digest_shape(call: Call, index: int) -> str:
    """Return the digest of an argument that holds Futures, whichever they are."""
    place = call.encodings[index]
    assert isinstance(place, Nested)
    if not place.shape:
        encoding = call.task.encode_argument(index, call.values[index], _any_future)
        place.shape = hash_content(encoding.data)
    return place.shape


def _any_future(future: Future[Any]) -> bytes:
    return bytes(32)


def digest_argument(value: Any, encoded: bytes) -> str:
    """Return the digest by which the ledger tells arguments apart, "" where their previews do."""
    kind = type(value)
    if kind in _SHORT or not encoded or (kind is str and len(value) < _EXACT):
        return ""
    return encoded[1:].hex() if encoded[:1] == b"#" else hash_content(encoded)


def describe_extras(call: Call) -> tuple[str, ...]:
    """Return the digests of classes in the key of a call, and of what `extra_key` gave (it may be long, or secret)."""
    if not call.extras:
        return ()
    return tuple(
        extra.hex() if len(extra) == 32 else f"extra_key:{hash_content(extra)[:32]}" for extra in call.extras
    )
