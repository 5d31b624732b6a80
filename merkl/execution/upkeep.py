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
from merkl.graph.call import Call

__all__ = ["Upkeep"]


class Upkeep(Observer):
    """Notes the keys that a run asked for, so that gc leaves them, and evicts what is too much.

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
        self._calls: set[Call] = set()

    def run_started(self, run_id: str) -> None:
        """Note which run it is."""
        self._run = run_id

    def plan_made(self, plan: Plan) -> None:
        """Note the calls whose results are asked for."""
        self._calls.update(plan.found, plan.missing)

    def run_ended(self, error: BaseException | None = None) -> None:
        """Note the keys, then evict; a cache in trouble is a warning."""
        keys = self._keys()
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

    def _keys(self) -> tuple[str, ...]:
        """Return the keys that nothing else in this run was made from: all others are reached from them."""
        inner = {future.__merkl_key__() for call in self._calls for future in call.known_inputs()}
        keys = (future.__merkl_key__() for call in self._calls for future in call.futures())
        return tuple(key.hex() for key in keys if key not in inner)

    def _evict(self, most_bytes: int) -> None:
        garbage = evict(nearest(self._cache), most_bytes)
        if garbage is not None and garbage.left > most_bytes:
            warnings.warn(
                f"the cache holds {format_size(garbage.left)}, more than max_size = {format_size(most_bytes)}: other "
                "processes may be using the rest",
                MerklWarning,
                stacklevel=2,
            )
