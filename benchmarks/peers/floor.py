"""The least that the same work costs in plain Python and SQLite: no history, no checks, one commit; not a framework."""

from __future__ import annotations

import hashlib
import os
import pickle
import sqlite3
from typing import Any

from peers import work
from peers.base import Adapter


class Peer(Adapter):
    note = "hand-written minimum, not a framework"

    def open(self) -> None:
        self.database = sqlite3.connect(os.path.join(self.folder, "floor.db"))
        self.database.execute("pragma journal_mode=wal")
        self.database.execute("pragma synchronous=normal")
        self.database.execute("create table if not exists results(k blob primary key, v blob) without rowid")

    def close(self) -> None:
        self.database.commit()
        self.database.close()

    def _keys(self, n: int) -> list[bytes]:
        code = hashlib.sha256(work.increment.__code__.co_code).digest()
        key, keys = b"", []
        for _ in range(n):
            key = hashlib.sha256(code + key).digest()
            keys.append(key)
        return keys

    def _get(self, key: bytes) -> Any:
        row = self.database.execute("select v from results where k=?", (key,)).fetchone()
        return None if row is None else pickle.loads(row[0])

    def _put(self, key: bytes, value: Any) -> None:
        self.database.execute("insert into results values (?, ?)", (key, pickle.dumps(value, 5)))

    def build(self, n: int) -> int:
        return len(set(self._keys(n)))

    def run(self, n: int) -> int:
        keys = self._keys(n)
        last = self._get(keys[-1])
        if last is not None:
            return int(last)
        value = 0
        for key in keys:
            if self._get(key) is None:
                value = work.increment(value)
                self._put(key, value)
        return value

    def run_all(self, n: int) -> list[bytes]:
        values = []
        for i in range(n):
            key = hashlib.sha256(b"small%d" % i).digest()
            value = self._get(key)
            if value is None:
                value = work.small(i)
                self._put(key, value)
            values.append(value)
        return values

    def run_big(self) -> Any:
        import numpy as np

        path = os.path.join(self.folder, "big.npy")
        if os.path.exists(path):
            return np.load(path)
        value = work.big(0)
        with open(path, "wb", buffering=0) as file:
            np.save(file, value)
        return value

    def hash(self, value: Any) -> object:
        import blake3

        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(value, 5, buffer_callback=buffers.append)
        hasher = blake3.blake3(head, max_threads=blake3.blake3.AUTO)
        for buffer in buffers:
            hasher.update(buffer.raw())
        return hasher.hexdigest()
