"""The canonical bytes of files and directories, never of their paths.

Of a file its suffix, its content and whether it may be executed; of a directory names, modes and contents.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol

from merkl.files.content import executable_mark
from merkl.files.dirref import DirRef
from merkl.files.fileref import FileRef
from merkl.files.reads import note_read
from merkl.files.tracker import FileTracker
from merkl.hashing.digests import hash_parts

__all__ = ["directory_identity", "file_identity", "register_canonical"]


class CanonicalRegistry(Protocol):
    """What takes an encoder for a type: it gives the bytes that a value hashes to."""

    def register(self, kind: type, encoder: Callable[[Any], Any], /) -> Any:
        """Use `encoder` for values of this type."""


def register_canonical(registry: CanonicalRegistry, tracker: Callable[[], FileTracker]) -> None:
    """Teach a registry of canonical encoders FileRef and DirRef.

    Args:
        registry: the one that a workspace digests arguments with.
        tracker: gives what saves reading files again.
    """
    registry.register(FileRef, lambda ref: file_identity(ref, tracker()))
    registry.register(DirRef, lambda ref: directory_identity(ref, tracker()))


def file_identity(ref: FileRef[Any], tracker: FileTracker | None = None) -> bytes:
    """Return the 32 bytes that stand for a file in keys.

    Raises:
        MissingInputError: it is gone.
    """
    content_hash = ref.content_hash if tracker is None else tracker.content_hash(ref, role="input")
    content_hash += executable_mark(ref)
    note_read(os.fspath(ref), content_hash, is_directory=False)
    return hash_parts(b"file", [_class_tag(ref, FileRef), os.fsencode(ref.suffix), content_hash.encode()])


def directory_identity(ref: DirRef, tracker: FileTracker | None = None) -> bytes:
    """Return the 32 bytes that stand for a directory in keys.

    Raises:
        MissingInputError: it is gone.
        UnsupportedFileError: it holds something without content, such as a socket.
    """
    digest = ref.content_hash if tracker is None else tracker.tree_hash(ref, role="input")
    note_read(os.fspath(ref), digest, is_directory=True)
    return hash_parts(b"directory", [_class_tag(ref, DirRef), digest.encode()])


def _class_tag(ref: object, base: type) -> bytes:
    kind = type(ref)
    return b"" if kind is base else f"{kind.__module__}:{kind.__qualname__}".encode()
