"""Graphs of pipelines, kept in the ledger and given again."""

from __future__ import annotations

import base64
import contextlib

from merkl._base.errors import CacheError
from merkl.cache import Ledger

__all__ = ["KeptGraphs"]

#: The kind of the ledger's notes that hold graphs of pipelines.
_KIND = "graph"


class KeptGraphs:
    """Graphs as bytes, by the key of the pipeline's call.

    Where nothing is stored yet, they wait in memory for the first result: to build graphs leaves no trace.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: dict[str, bytes] = {}

    def recall(self, key: str) -> bytes | None:
        """Return a graph that was kept, None where there is none that can be read."""
        if key in self._waiting or not self._ledger.database.path.exists():
            return self._waiting.get(key)
        try:
            content = self._ledger.noted(_KIND, key)
            return base64.b64decode(content) if isinstance(content, str) else None
        except (CacheError, ValueError):  # a database in trouble, or a damaged row
            return None

    def keep(self, key: str, content: bytes) -> None:
        """Keep a graph, in place of what was kept under the key; a database in trouble costs nothing but time."""
        if not self._ledger.database.path.exists():
            self._waiting[key] = content
            return
        self._note(key, content)

    def write(self) -> None:
        """Write down the graphs that waited for the first result."""
        while self._waiting:
            self._note(*self._waiting.popitem())

    def _note(self, key: str, content: bytes) -> None:
        with contextlib.suppress(CacheError):
            self._ledger.note(_KIND, key, base64.b64encode(content).decode())
