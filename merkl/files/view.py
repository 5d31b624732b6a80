"""Unpacked copies of stored directories: made once, used again while nobody has touched them."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import IO

import msgspec

from merkl._base.errors import MerklError
from merkl.files.archive import unpack_tree
from merkl.files.stat import StatSignature, is_settled
from merkl.files.transfer import remove_tree
from merkl.files.tree import Tree, digest_tree, scan_tree

__all__ = ["is_intact", "unpack_view"]


class _Seal(msgspec.Struct, frozen=True):
    """What a copy looked like when it was known to be right."""

    digest: str
    shape: list[tuple[bytes, int, StatSignature]]
    recorded_at: int


_SEAL = msgspec.msgpack.Decoder(_Seal)


def unpack_view(view: Path, archive: IO[bytes]) -> None:
    """Unpack a stored directory at `view`, in place of what is there; others see all of it or nothing.

    Raises:
        DecodeError: the bytes are no directory.
        OSError: as writing does; nothing half-made is left.
    """
    view.parent.mkdir(parents=True, exist_ok=True)
    temporary = view.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        unpack_tree(archive, temporary)
        _discard(view)
        try:
            os.rename(temporary, view)
        except OSError:
            if not view.is_dir():  # else another process was quicker with the same directory
                raise
            _discard(temporary)
    except BaseException:
        _discard(temporary)
        raise
    _seal(view, scan_tree(view))


def is_intact(view: Path) -> bool:
    """Say whether a copy is there and as it was unpacked: by stat if that is proof, else by reading it."""
    try:
        seal = _SEAL.decode(_seal_path(view).read_bytes())
        tree = scan_tree(view)
    except (OSError, MerklError, msgspec.DecodeError):
        return False
    if _shape(tree) == seal.shape and all(is_settled(stat, seal.recorded_at) for _, _, stat in seal.shape):
        return True
    if digest_tree(tree).hex() != seal.digest:
        return False
    _seal(view, tree)
    return True


def _seal(view: Path, tree: Tree) -> None:
    recorded_at = time.time_ns()
    seal = _Seal(digest_tree(tree).hex(), _shape(tree), recorded_at)
    temporary = view.with_name(f".{secrets.token_hex(8)}.tmp")
    temporary.write_bytes(msgspec.msgpack.encode(seal))
    os.replace(temporary, _seal_path(view))


def _shape(tree: Tree) -> list[tuple[bytes, int, StatSignature]]:
    return [(entry.name + entry.target, entry.mode, entry.signature) for entry in tree.entries]


def _seal_path(view: Path) -> Path:
    return view.with_name(f"{view.name}.seal")


def _discard(path: Path) -> None:
    with contextlib.suppress(OSError):
        _seal_path(path).unlink()
    remove_tree(path)
