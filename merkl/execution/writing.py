"""Puts results into the files that were asked for with `future.write(path)`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from merkl._base.errors import GraphError
from merkl.cache import Record
from merkl.codecs import CodecRegistry
from merkl.files import FileRef
from merkl.files.transfer import atomic_path, clone_file
from merkl.graph.future import Write

__all__ = ["FileWriter", "require_distinct_paths"]


def require_distinct_paths(writes: Iterable[Write]) -> None:
    """Raise `GraphError` where two different Futures are to be written to one path."""
    by_path: dict[str, Write] = {}
    for write in writes:
        other = by_path.setdefault(write.path, write)
        if other.future != write.future:
            raise GraphError(
                f"two Futures are to be written to {write.path}: of task {other.future.task.name!r} "
                f"({other.future._call.location()}) and of task {write.future.task.name!r} ({write.future._call.location()})"
            )


class FileWriter:
    """Writes values to files, each as a whole and only where the file is not up to date."""

    def __init__(self, codecs: CodecRegistry) -> None:
        self._codecs = codecs

    def write(self, write: Write, record: Record, value: Any) -> None:
        """Write a value to its file: str as UTF-8, bytes as they are, a FileRef cloned, else its codec's bytes."""
        path = Path(write.path)
        if isinstance(value, FileRef):
            with atomic_path(path) as temporary:
                clone_file(value, temporary)
        else:
            data = self._bytes_of(value)
            if not _holds(path, data):
                _replace(path, data)
        if write.sidecar:
            self._write_sidecar(write, record)

    def _bytes_of(self, value: Any) -> bytes:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
        content = self._codecs.encode(value).content
        return content if isinstance(content, bytes) else b"".join(bytes(piece) for piece in content)

    def _write_sidecar(self, write: Write, record: Record) -> None:
        data = msgspec.json.format(
            msgspec.json.encode(
                {
                    "merkl": 1,
                    "key": write.future.hash,
                    "task": f"{write.future.task.__module__}.{write.future.task.name}",
                    "out": write.future.out,
                    "content_hash": record.content_hash,
                    "size": record.size,
                    "codec": record.codec,
                    "codec_version": record.codec_version,
                    "decode_type": record.decode_type,
                    "extra": record.extra,
                }
            )
        )
        path = Path(write.path + ".merkl")
        if not _holds(path, data):
            _replace(path, data)


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False
