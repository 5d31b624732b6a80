"""`Annotated[str, Secret]`: arguments that stay out of keys, previews, errors and reports."""

from __future__ import annotations

import typing
from typing import Any

__all__ = ["Secret", "is_secret_hint"]


class Secret:
    """Mark a parameter as secret: `def fetch(token: Annotated[str, Secret]) -> bytes`.

    Its argument is no part of the key and is shown as `***` everywhere.
    """

    __slots__ = ()


def is_secret_hint(hint: Any) -> bool:
    """Say whether an annotation marks a secret: `Annotated[..., Secret]`, or pydantic's SecretStr and SecretBytes."""
    if typing.get_origin(hint) is typing.Annotated:
        return any(
            mark is Secret or isinstance(mark, Secret) for mark in hint.__metadata__
        ) or is_secret_hint(typing.get_args(hint)[0])
    if isinstance(hint, type):
        return (
            hint.__name__ in ("SecretStr", "SecretBytes") and hint.__module__.partition(".")[0] == "pydantic"
        )
    members = typing.get_args(hint)
    return bool(members) and any(is_secret_hint(member) for member in members)
