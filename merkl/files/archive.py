"""A directory as one stream of bytes and back: a table of what it holds, then the contents one after another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Final

import msgspec

from merkl._base.errors import InputChangedError
from merkl.codecs.base import DecodeError
from merkl.files.stat import signature_of
from merkl.files.tree import Kind, Tree, TreeEntry

__all__ = ["pack_tree", "unpack_tree"]

_MAGIC: Final = b"merkl directory 1\n"
_CHUNK: Final = 4 * 1024 * 1024


class _Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    name: bytes
    kind: Kind
    mode: int
    size: int
    target: bytes


_TABLE: Final = msgspec.msgpack.Decoder(list[_Row])


def pack_tree(tree: Tree) -> Iterator[bytes]:
    """Yield a directory as bytes that depend on names, kinds, modes, link targets and contents alone.

    Raises:
        InputChangedError: a file is no longer what it was when the tree was scanned.
    """
    table = msgspec.msgpack.encode(
        [
            _Row(entry.name, entry.kind, entry.mode, entry.signature.size, entry.target)
            for entry in tree.entries
        ]
    )
    yield _MAGIC + len(table).to_bytes(8, "little") + table
    pending: list[bytes] = []
    waiting = 0
    for entry in tree.files:
        for chunk in _contents(entry):
            pending.append(chunk)
            waiting += len(chunk)
            if waiting >= _CHUNK:
                yield b"".join(pending)
                pending, waiting = [], 0
    if pending:
        yield b"".join(pending)


def unpack_tree(stream: IO[bytes], target: str | os.PathLike[str]) -> None:
    """Make the directory that `pack_tree` wrote at `target`, which must be empty or not there.

    Raises:
        DecodeError: the bytes are not what `pack_tree` wrote, or name a path outside of the directory.
        FileExistsError: two names are one on this file system (they differ by case, say).
    """
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise DecodeError(
            "the stored bytes are no directory that this version of MerkL wrote; recompute the result"
        )
    length = int.from_bytes(_read(stream, 8), "little")
    try:
        rows = _TABLE.decode(_read(stream, length))
    except msgspec.DecodeError as error:
        raise DecodeError(f"the table of a stored directory is damaged: {error}") from error
    root = os.fsencode(target)
    os.makedirs(root, exist_ok=True)
    for row in rows:
        _unpack_row(stream, row, os.path.join(root, _checked(row.name)))
    # Links only now, so that nothing was written through one; modes last and from the inside out, as a
    # directory may be one that cannot be written to.
    for row in rows:
        if row.kind == "link":
            os.symlink(row.target, os.path.join(root, row.name))
    for row in reversed(rows):
        if row.kind == "directory":
            os.chmod(os.path.join(root, row.name), row.mode)


def _unpack_row(stream: IO[bytes], row: _Row, path: bytes) -> None:
    if row.kind == "directory":
        os.mkdir(path)
    elif row.kind == "file":
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            left = row.size
            while left:
                chunk = _read(stream, min(left, _CHUNK))
                file.write(chunk)
                left -= len(chunk)
            os.fchmod(descriptor, row.mode)


def _checked(name: bytes) -> bytes:
    parts = name.split(b"/")
    if not name or b"\0" in name or any(part in (b"", b".", b"..") for part in parts):
        raise DecodeError(f"a stored directory names {os.fsdecode(name)!r}, which is no path inside of it")
    return name


def _read(stream: IO[bytes], size: int) -> bytes:
    read = stream.read(size)
    if len(read) != size:
        raise DecodeError(f"a stored directory ends early: {size} bytes wanted, {len(read)} there")
    return read


def _contents(entry: TreeEntry) -> Iterator[bytes]:
    with open(entry.source, "rb", buffering=0) as file:
        left = entry.signature.size
        while left:
            chunk = file.read(min(left, _CHUNK))
            if not chunk:
                break
            left -= len(chunk)
            yield chunk
        if left or signature_of(os.fstat(file.fileno())) != entry.signature:
            raise InputChangedError(
                f"{entry.source!r} was written to while the directory that holds it was stored"
            )
