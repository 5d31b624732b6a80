"""What upkeep sees of a cache: one `Item` for each result, and the `Root`s from which projects reach them."""

from __future__ import annotations

import msgspec

__all__ = ["ROOTS_KEPT", "USE_GRANULARITY", "Item", "Root"]

#: A result is marked as used at most once in this many seconds; gc counts with it.
USE_GRANULARITY = 3600.0
#: Of each group of roots this many runs are kept.
ROOTS_KEPT = 5


class Item(msgspec.Struct, frozen=True):
    """One stored result, without content and without most of its metadata.

    `used` is the Unix time of its last use as far as the cache keeps that, else when it was made.
    """

    key: str
    content_hash: str
    size: int
    codec: str
    task: str = ""
    created: float = 0.0
    used: float = 0.0
    #: the content is kept in the index, so no other result shares it
    is_inline: bool = False
    #: the key that the result of an interrupted body would have had
    interrupted: str = ""

    @property
    def is_alias(self) -> bool:
        """This is another key of a result, which its content key leads to; it is no result by itself."""
        return not self.task and not self.created


class Root(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run of a project: the keys that it asked for. What they were made of is reached from them.

    `project` is the folder, `name` what was run there: of each name the latest few runs count.
    """

    project: str
    name: str
    host: str
    run: str
    at: float
    keys: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """Return what roots that replace each other have in common."""
        return f"{self.host}\n{self.project}\n{self.name}"
