"""What a directory holds, as sorted entries: names, kinds, modes; and the digest over those and the contents."""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from merkl._base.errors import MissingInputError, UnsupportedFileError
from merkl.files.content import describe_kind, hash_file
from merkl.files.stat import StatSignature, signature_of
from merkl.hashing.digests import hash_content, hash_parts

__all__ = ["Tree", "TreeEntry", "digest_tree", "scan_tree"]

Kind: TypeAlias = Literal["file", "directory", "link"]

_MODE_BITS: Final = 0o777
_NOTHING: Final = StatSignature(0, 0, 0, 0)


class TreeEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing in a directory: `name` is its path from there, in bytes as the file system has it, with slashes.

    `target` is a link's text, relative and so independent of where the tree lies; `source` is the path that
    the bytes of a file are read from, another one than the name says where a link leads out of the tree.
    """

    name: bytes
    kind: Kind
    mode: int
    target: bytes
    source: str
    signature: StatSignature


class Tree(msgspec.Struct, frozen=True):
    """A directory as it was when scanned."""

    root: str
    entries: tuple[TreeEntry, ...]

    @property
    def files(self) -> Iterator[TreeEntry]:
        """The regular files among the entries."""
        return (entry for entry in self.entries if entry.kind == "file")


def scan_tree(root: str | os.PathLike[str]) -> Tree:
    """List all that is in a directory, sorted by the bytes of the names; nothing is read.

    A link to somewhere in the same tree stays a link, so that loops end there; one that leads out of the tree
    counts as what it leads to, since the result depends on that; one that leads nowhere stays a link.

    Raises:
        MissingInputError: there is no such directory.
        UnsupportedFileError: it is no directory, or holds a socket, fifo or device, or links out of the tree
        lead
            round in a circle.
    """
    path = os.path.abspath(root)
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingInputError(
            f"There is no directory {os.fspath(root)!r}. The path was looked up from {os.getcwd()!r}."
        ) from error
    if not stat_module.S_ISDIR(found.st_mode):
        raise UnsupportedFileError(f"{os.fspath(root)!r} is {describe_kind(found.st_mode)}, not a directory")
    real = os.path.realpath(path)
    entries = sorted(_Scan(real).walk(real, b"", ()), key=lambda entry: entry.name)
    return Tree(path, tuple(entries))


def digest_tree(tree: Tree, content_hash: Callable[[str, StatSignature], str] | None = None) -> bytes:
    """Return the 32-byte digest of names, kinds, modes, link targets and contents.

    Args:
        tree: what `scan_tree` gave.
        content_hash: gives the hash of a file by path and the signature it had in the scan; reads it by
        default.
    """
    hash_one = content_hash or _read_hash
    rows = [
        (entry.name, entry.kind, entry.mode, hash_one(entry.source, entry.signature))
        if entry.kind == "file"
        else (entry.name, entry.kind, entry.mode, entry.target)
        for entry in tree.entries
    ]
    # MessagePack of rows of one fixed shape is injective: every field carries its type and length.
    return hash_parts(b"tree", [hash_content(msgspec.msgpack.encode(rows)).encode()])


def _read_hash(path: str, _signature: StatSignature) -> str:
    return hash_file(path).content_hash


class _Scan:
    """One walk over a tree; `top` is the real path that decides which links stay inside."""

    def __init__(self, top: str) -> None:
        self._top = top

    def walk(self, directory: str, prefix: bytes, outside: tuple[str, ...]) -> Iterator[TreeEntry]:
        """Walk without recursion, as directories may be nested deeper than Python's stack."""
        pending = [(directory, prefix, outside)]
        while pending:
            path, prefix, outside = pending.pop()
            with os.scandir(path) as found:
                for item in found:
                    name = prefix + os.fsencode(item.name)
                    if item.is_symlink():
                        entry, leads_out = self._link(item, name, outside)
                    else:
                        entry, leads_out = _plain(item, name), outside
                    yield entry
                    if entry.kind == "directory":
                        pending.append((entry.source, name + b"/", leads_out))

    def _link(
        self, item: os.DirEntry[str], name: bytes, outside: tuple[str, ...]
    ) -> tuple[TreeEntry, tuple[str, ...]]:
        try:
            found = os.stat(item.path)
        except OSError:
            return _as_link(name, os.readlink(item.path)), outside
        real = os.path.realpath(item.path)
        # Links inside what was reached through a link out of the tree are followed too: their text is
        # relative to a place that a copy of the tree doesn't have.
        if not outside and _holds(self._top, real):
            return _as_link(name, os.path.relpath(real, os.path.dirname(item.path))), outside
        if stat_module.S_ISDIR(found.st_mode):
            if real in outside or _holds(real, os.path.realpath(os.path.dirname(item.path))):
                raise UnsupportedFileError(
                    f"The link {item.path!r} leads to {real!r}, which holds it: the tree below it has no end. Remove "
                    "the link, or use a directory without it."
                )
            outside = (*outside, real)
        return _plain_from(found, name, real), outside


def _holds(directory: str, path: str) -> bool:
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)


def _plain(item: os.DirEntry[str], name: bytes) -> TreeEntry:
    return _plain_from(item.stat(follow_symlinks=False), name, item.path)


def _plain_from(found: os.stat_result, name: bytes, source: str) -> TreeEntry:
    mode = found.st_mode
    if stat_module.S_ISREG(mode):
        return TreeEntry(name, "file", mode & _MODE_BITS, b"", source, signature_of(found))
    if stat_module.S_ISDIR(mode):
        return TreeEntry(name, "directory", mode & _MODE_BITS, b"", source, _NOTHING)
    raise UnsupportedFileError(
        f"{source!r} is {describe_kind(mode)}: a directory that holds one has no content to hash or store. Remove it, "
        "or make it somewhere else."
    )


def _as_link(name: bytes, target: str) -> TreeEntry:
    return TreeEntry(name, "link", 0, os.fsencode(target), "", _NOTHING)
