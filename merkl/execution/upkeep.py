"""What a run leaves with its cache when it ends: what the project asked for, and no more bytes than it may have."""

from __future__ import annotations

import socket
import time
import warnings
from pathlib import Path

from merkl._base.errors import MerklWarning
from merkl._base.readable import readable
from merkl._base.sizes import format_size
from merkl.cache import BaseCache, Root, evict, nearest
from merkl.execution.events import Observer
from merkl.execution.plan import Plan

__all__ = ["Upkeep"]

#: More keys than these are not noted for one run.
MOST_KEYS = 200_000


class Upkeep(Observer):
    """Notes the keys that a run asked for, so that gc leaves them, and evicts what is too much.

    A run is that of a function, or all that a script or notebook evaluates while its workspace is open.

    Args:
        cache: of the project.
        project: its folder.
        name: of what is run: the latest few runs of each name count.
        most_bytes: what the nearest layer of the cache may hold; None is no limit.
    """

    def __init__(self, cache: BaseCache, project: Path, name: str, most_bytes: int | None) -> None:
        self._cache = cache
        self._project = project
        self._name = name
        self._most_bytes = most_bytes
        self._run = ""
        #: Of a large graph a list takes a sixth of the room of a dict. What is in it twice goes when it has doubled.
        self._asked: list[bytes] = []
        self._distinct = 0
        self._inner: set[bytes] = set()

    def run_started(self, run_id: str) -> None:
        """Note which run it is."""
        self._run = run_id

    def plan_made(self, plan: Plan) -> None:
        """Note the keys that are asked for, and those that they are made from."""
        if self._distinct > MOST_KEYS:
            return
        calls = [*plan.found, *plan.missing]
        self._asked += [key for call in calls for key in call.out_keys()]
        if len(self._asked) > 2 * self._distinct + 1000:
            self._asked = list(dict.fromkeys(self._asked))
            self._distinct = len(self._asked)
        self._inner.update([future.__merkl_key__() for call in calls for future in call.known_inputs()])

    def run_ended(self, error: BaseException | None = None) -> None:
        """Note the keys with the cache, then evict; a cache in trouble is a warning."""
        # All others are reached from those that nothing else was made from.
        keys = tuple(key.hex() for key in dict.fromkeys(self._asked) if key not in self._inner)
        if not keys:
            return
        root = Root(
            readable(str(self._project)),
            readable(self._name),
            socket.gethostname(),
            self._run,
            time.time(),
            keys,
        )
        try:
            self._cache.note_root(root)
            if self._most_bytes is not None:
                self._evict(self._most_bytes)
        except OSError as trouble:
            warnings.warn(f"the cache could not be looked after: {trouble}", MerklWarning, stacklevel=2)

    def _evict(self, most_bytes: int) -> None:
        garbage = evict(nearest(self._cache), most_bytes)
        if garbage is not None and garbage.left > most_bytes:
            warnings.warn(
                f"the cache holds {format_size(garbage.left)}, more than max_size = {format_size(most_bytes)}: other "
                "processes may be using the rest",
                MerklWarning,
                stacklevel=2,
            )
