"""pipefunc: a Pipeline with a DiskCache."""

from __future__ import annotations

import os
from typing import Any

from pipefunc import PipeFunc, Pipeline
from pipefunc.cache import _pickle_key, to_hashable

from peers import work
from peers.base import Adapter


class Peer(Adapter):
    note = "a graph has no keys before it runs; a chain is one pipeline of n functions"
    most = 100

    def _pipeline(self, functions: list[Any]) -> Pipeline:
        folder = os.path.join(self.folder, "cache")
        return Pipeline(
            functions,
            validate_type_annotations=False,
            cache_type="disk",
            cache_kwargs={"cache_dir": folder, "with_lru_cache": False},
        )

    def _chain(self, n: int) -> Pipeline:
        return self._pipeline(
            [
                PipeFunc(work.increment, output_name=f"y{i + 1}", renames={"x": f"y{i}"}, cache=True)
                for i in range(n)
            ]
        )

    def build(self, n: int) -> int:
        return len(self._chain(n).functions)

    def run(self, n: int) -> int:
        return int(self._chain(n)(f"y{n}", y0=0))

    def run_all(self, n: int) -> list[bytes]:
        pipeline = self._pipeline([PipeFunc(work.small, output_name="y", cache=True)])
        return [pipeline("y", i=i) for i in range(n)]

    def run_big(self) -> Any:
        return self._pipeline([PipeFunc(work.big, output_name="y", cache=True)])("y", i=0)

    def hash(self, value: Any) -> object:
        return _pickle_key(to_hashable(value))
