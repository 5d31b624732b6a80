"""What a body can ask of the call that it runs for."""

from __future__ import annotations

import hashlib
from contextvars import ContextVar, Token
from typing import Any

from merkl._base.errors import MerklError

__all__ = ["BodyContext", "annotate", "call_seed", "enter_body", "leave_body"]


class BodyContext:
    """The call that a body runs for: its key, and the tags that the body gives its result."""

    __slots__ = ("key", "tags")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.tags: dict[str, Any] = {}


_context: ContextVar[BodyContext | None] = ContextVar("merkl_body", default=None)


def enter_body(context: BodyContext) -> Token[BodyContext | None]:
    """Make a context the one that `call_seed` and `annotate` see; returns what `leave_body` wants."""
    return _context.set(context)


def leave_body(token: Token[BodyContext | None]) -> None:
    """Undo `enter_body`."""
    _context.reset(token)


def call_seed() -> int:
    """Return a seed of 63 bits that is derived from the key of the running call.

    The same call has the same seed in every run, process and target; different calls have different ones.
    Raises `MerklError` outside of a body.
    """
    context = _context.get()
    if context is None:
        raise MerklError("call_seed() gives the seed of a running call; here no task body is running")
    return int.from_bytes(hashlib.sha256(b"seed" + context.key).digest()[:8], "little") >> 1


def annotate(**tags: Any) -> None:
    """Add tags to the metadata of the result that the running body makes; values must be plain data.

    Outside a body it does nothing, so that a body can be tested as a plain function.
    """
    context = _context.get()
    if context is not None:
        context.tags.update(tags)
