"""What is known of the body that runs: its call's key, the tags of its result, and what its commands printed."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

__all__ = ["BodyContext", "current_body", "note_printed"]


class BodyContext:
    """The call that a body runs for: its key, the tags that the body gives its result, what its commands print."""

    __slots__ = ("key", "printed", "tags")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.tags: dict[str, Any] = {}
        self.printed: list[str] = []


#: That of the body that runs here; whoever runs one sets it.
current_body: ContextVar[BodyContext | None] = ContextVar("merkl_body", default=None)


def note_printed(text: str) -> None:
    """Add what a command printed to what is kept with the result of the running body, if one runs."""
    body = current_body.get()
    if body is not None and text:
        body.printed.append(text if text.endswith("\n") else text + "\n")
