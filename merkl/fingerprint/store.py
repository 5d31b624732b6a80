"""Keeps what source files say between processes, in one file that is read once and replaced as a whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

import msgspec

__all__ = ["SourceStore"]

#: Entries of earlier versions of sources are kept up to this many bytes, the latest ones.
_MOST_BYTES = 32 << 20
_DIGEST_SIZE = 32


class SourceStore:
    """Bytes under names, in memory until `flush` writes them.

    Names say the content that an entry was made from, so an entry is never out of date. Of two processes that write at
    the same time the later one wins, and the other's entries are made again when they are next needed. A file that was
    damaged counts as empty; where it cannot be written nothing is kept, and nothing is said.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = SourceStore(Path(folder) / "sources")
    ...     store.put("a", b"1")
    ...     store.flush()
    ...     SourceStore(Path(folder) / "sources").get("a")
    b'1'
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stored: dict[str, bytes] | None = None
        self._used: dict[str, bytes] = {}
        self._is_changed = False

    def get(self, key: str) -> bytes | None:
        """Return what is kept under a name."""
        if self._stored is None:
            self._stored = _read(self._path)
        found = self._used.get(key)
        if found is None:
            found = self._stored.get(key)
            if found is not None:
                self._used[key] = found
        return found

    def put(self, key: str, value: bytes) -> None:
        """Keep bytes under a name, for good with the next `flush`."""
        self._used[key] = value
        self._is_changed = True

    def flush(self) -> None:
        """Write what is new; the folder must exist already."""
        if not self._is_changed:
            return
        self._is_changed = False
        kept = {**_read(self._path), **self._used}
        # Latest last: what this process used, then from the newest to the oldest until it is too much.
        kept = {key: kept[key] for key in (*(k for k in kept if k not in self._used), *self._used)}
        total = 0
        newest: list[str] = []
        for key in reversed(kept):
            total += len(kept[key])
            if total > _MOST_BYTES and key not in self._used:
                break
            newest.append(key)
        with contextlib.suppress(OSError):
            _write(self._path, {key: kept[key] for key in reversed(newest)})


def _read(path: Path) -> dict[str, bytes]:
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[_DIGEST_SIZE:]).digest() != content[:_DIGEST_SIZE]:
            return {}
        return msgspec.msgpack.decode(memoryview(content)[_DIGEST_SIZE:], type=dict[str, bytes])
    except (OSError, msgspec.DecodeError):
        return {}


def _write(path: Path, entries: dict[str, bytes]) -> None:
    content = msgspec.msgpack.encode(entries)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as stream:
            stream.write(hashlib.sha256(content).digest())
            stream.write(content)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
