"""redun: lazy expressions, a call graph in SQLite."""

from __future__ import annotations

import logging
import os
from typing import Any

from redun import Scheduler, task
from redun.config import Config
from redun.value import get_type_registry

from peers import work
from peers.base import Adapter


class Peer(Adapter):
    note = "SQLite backend, threads"
    most = 100

    def open(self) -> None:
        logging.disable(logging.WARNING)
        backend = {"db_uri": "sqlite:///" + os.path.join(self.folder, "redun.db")}
        self.scheduler = Scheduler(config=Config({"backend": backend}))
        self.scheduler.load()
        self.increment, self.small, self.big, leaf = (
            task(namespace="bench")(body) for body in (work.increment, work.small, work.big, work.leaf)
        )
        self.scheduler.run(leaf(0))

    def _chain(self, n: int) -> list[Any]:
        value: Any = 0
        calls = []
        for _ in range(n):
            value = self.increment(value)
            calls.append(value)
        return calls

    def build(self, n: int) -> int:
        return len({call.get_hash() for call in self._chain(n)})

    def run(self, n: int) -> int:
        return int(self.scheduler.run(self._chain(n)[-1]))

    def run_all(self, n: int) -> list[bytes]:
        return list(self.scheduler.run([self.small(i) for i in range(n)]))

    def run_big(self) -> Any:
        return self.scheduler.run(self.big(0))

    def hash(self, value: Any) -> object:
        return get_type_registry().get_hash(value)
