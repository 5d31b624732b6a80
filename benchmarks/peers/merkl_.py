"""MerkL."""

from __future__ import annotations

from typing import Any

import merkl
from peers import work
from peers.base import Adapter


class Peer(Adapter):
    def open(self) -> None:
        self.workspace = merkl.Workspace(self.folder)
        self.workspace.__enter__()
        self.increment = merkl.task(work.increment)
        self.small = merkl.task(work.small)
        self.big = merkl.task(work.big)
        merkl.task(work.leaf)(0).eval()

    def close(self) -> None:
        self.workspace.__exit__(None, None, None)

    def _chain(self, n: int) -> list[Any]:
        value: Any = 0
        calls = []
        for _ in range(n):
            value = self.increment(value)
            calls.append(value)
        return calls

    def build(self, n: int) -> int:
        return len({call.hash for call in self._chain(n)})

    def run(self, n: int) -> int:
        return int(self._chain(n)[-1].eval())

    def run_all(self, n: int) -> list[bytes]:
        return merkl.evaluate([self.small(i) for i in range(n)])

    def run_big(self) -> Any:
        return self.big(0).eval()

    def hash(self, value: Any) -> object:
        return merkl.digest(value)
