"""Codecs that users and installed packages add, known to every registry of this process."""

from __future__ import annotations

import threading
from typing import TypeVar

from merkl.codecs.base import Codec

__all__ = ["ENTRY_POINT_GROUP", "UserCodecs", "register_codec", "user_codecs"]

#: An entry point of this group names a module that registers when it is imported, or a function that does.
ENTRY_POINT_GROUP = "merkl.codecs"

C = TypeVar("C", bound=Codec)


class UserCodecs:
    """Registrations in the order in which they were made; a registry takes in those that are new to it."""

    def __init__(self, *, discover: bool = False) -> None:
        self.registrations: list[tuple[Codec, tuple[type | str, ...]]] = []
        self._wants_entry_points = discover
        self._lock = threading.RLock()

    def register(self, codec: Codec, *types: type | str) -> None:
        """Add one."""
        with self._lock:
            self.registrations.append((codec, types))

    def load_entry_points(self) -> None:
        """Let installed packages register theirs, once."""
        with self._lock:
            if not self._wants_entry_points:
                return
            from importlib.metadata import entry_points

            self._wants_entry_points = False
            for point in entry_points(group=ENTRY_POINT_GROUP):
                found = point.load()
                if callable(found):
                    found()


#: The one that `register_codec` adds to.
user_codecs = UserCodecs(discover=True)


def register_codec(codec: C, *types: type | str) -> C:
    """Store results of these types, and of their subclasses, with a codec of yours; the newest comes first.

    Args:
        codec: an instance; its `name` is kept with every result, so no other codec may have it.
        types: classes, or names as "pandas:DataFrame" (package and class) so that registering imports nothing. Without types
            the codec is only known by its name, for `@task(codec="name")`.

    Raises (when a registry takes it in):
        ConfigError: another codec has that name.

    >>> class Upper(str): ...
    >>> class UpperCodec(Codec):
    ...     name = "example-upper"
    ...     def encode(self, value, declared):
    ...         return value.encode() if type(value) is Upper else None
    ...     def decode(self, content, decode_type):
    ...         return Upper(bytes(content).decode())
    >>> from merkl.codecs import default_codecs
    >>> _ = register_codec(UpperCodec(), Upper)
    >>> default_codecs().encode(Upper("X")).codec
    'example-upper'
    """
    user_codecs.register(codec, *types)
    return codec
