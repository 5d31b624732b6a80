"""dask.delayed(pure=True): keys by tokenize; nothing is kept between runs."""

from __future__ import annotations

from typing import Any

import dask
from dask.base import tokenize

from peers import work
from peers.base import Adapter


class Peer(Adapter):
    note = "keeps nothing: cold is plain execution, and there is no warm"

    def open(self) -> None:
        dask.config.set(scheduler="synchronous")
        dask.delayed(int, pure=True)(1).compute()
        self.increment = dask.delayed(work.increment, pure=True)

    def _chain(self, n: int) -> list[Any]:
        value: Any = 0
        calls = []
        for _ in range(n):
            value = self.increment(value)
            calls.append(value)
        return calls

    def build(self, n: int) -> int:
        return len({call.key for call in self._chain(n)})

    def run(self, n: int) -> int:
        return int(self._chain(n)[-1].compute())

    def hash(self, value: Any) -> object:
        return tokenize(value)
