"""`DirRef`: a directory as an immutable value. Its key is names, modes and contents of what it holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from merkl._base.errors import MissingInputError
from merkl.files.fileref import FileRef
from merkl.files.reference import Reference
from merkl.files.scratch import fresh_directory
from merkl.files.suffix import suffix_of
from merkl.files.tree import digest_tree, scan_tree

__all__ = ["DirRef"]


class DirRef(Reference):
    """A directory as a value: what goes into and comes out of tasks; path-like.

    `DirRef(path)` refers to a directory that exists. `DirRef()` inside a task body makes an empty one for the
    body to fill; returned, it becomes the result. `directory / "name"` is a plain `Path` in it. Equality is
    that of paths.

    Args:
        path: an existing directory; a relative one is taken from the current directory now, once and for all.

    Raises:
        MissingInputError: no directory is at `path`.
        UnsupportedFileError: something else is.

    >>> tables = DirRef()
    >>> tables.get_new_file("train", "csv").write_text("a,b")
    3
    >>> [file.name for file in tables], (tables / "train.csv").read_text()
    (['train.csv'], 'a,b')
    """

    __slots__ = ()

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        if path is None:
            given = str(fresh_directory())
        else:
            given = os.fsdecode(path)
            sys.audit("merkl.files.look", given)
            if not os.path.isdir(given):
                scan_tree(given)  # raises the error that fits
        self._point_to(given, fresh=path is None)

    @classmethod
    def restore(cls, path: str | os.PathLike[str], *, fresh: bool = False) -> Self:
        """Make a reference without looking at the disk: for codecs and pickling."""
        made = object.__new__(cls)
        made._point_to(os.fsdecode(path), fresh=fresh)
        return made

    @property
    def content_hash(self) -> str:
        """The digest of names, modes and contents of all that is inside, read now."""
        return digest_tree(scan_tree(self._absolute)).hex()

    @property
    def files(self) -> tuple[FileRef[Any], ...]:
        """All files in it and in the directories inside, sorted by their paths."""
        found = sorted(_walk_files(self._absolute), key=lambda name: name.split(os.sep))
        return tuple(self._file(name) for name in found)

    @property
    def directories(self) -> tuple[DirRef, ...]:
        """The directories immediately inside, sorted by name."""
        with os.scandir(self._absolute) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
        return tuple(DirRef.restore(os.path.join(self._absolute, name), fresh=self._fresh) for name in names)

    def file(self, name: str | os.PathLike[str]) -> FileRef[Any]:
        """Return the file of that name; `name` may lead into directories inside.

        Raises:
            MissingInputError: there is none, or the name leads out of the directory.
        """
        return FileRef.restore(FileRef(self._inside(name)), suffix_of(name), fresh=self._fresh)

    def directory(self, name: str | os.PathLike[str]) -> DirRef:
        """Return the directory of that name inside.

        Raises:
            MissingInputError: there is none, or the name leads out of the directory.
        """
        return DirRef.restore(DirRef(self._inside(name)), fresh=self._fresh)

    def get_new_file(self, name: str, ext: str = "") -> FileRef[Any]:
        """Return a path in it for a file that is not there yet; directories on the way are made.

        Args:
            name: of the file, perhaps with its suffix; may lead into directories inside ("train/part-1").
            ext: the suffix to add, with or without its dot.

        Raises:
            PermissionError: this directory is an input or a stored result.
            FileExistsError: there is such a file.
        """
        self._require_fresh()
        path = self._inside(name + (f".{ext.lstrip('.')}" if ext else ""))
        if os.path.lexists(path):
            raise FileExistsError(f"{path!r} exists already: a new file in {self!r} needs a name of its own")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return FileRef.restore(path, suffix_of(path), fresh=True)

    def get_new_directory(self, name: str) -> DirRef:
        """Make an empty directory in it.

        Raises:
            PermissionError: this directory is an input or a stored result.
            FileExistsError: there is something of that name.
        """
        self._require_fresh()
        path = self._inside(name)
        os.makedirs(path)
        return DirRef.restore(path, fresh=True)

    def exists(self) -> bool:
        """Say whether the directory is there."""
        return os.path.isdir(self._absolute)

    def _inside(self, name: str | os.PathLike[str]) -> str:
        path = os.path.normpath(os.path.join(self._absolute, os.fsdecode(name)))
        if not path.startswith(self._absolute.rstrip(os.sep) + os.sep):
            raise MissingInputError(f"{os.fsdecode(name)!r} leads out of {self!r}: give a path inside of it")
        return path

    def _file(self, name: str) -> FileRef[Any]:
        return FileRef.restore(os.path.join(self._absolute, name), suffix_of(name), fresh=self._fresh)

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return Path(self._absolute) / name

    def __iter__(self) -> Iterator[FileRef[Any]]:
        return iter(self.files)

    def __len__(self) -> int:
        return sum(1 for _ in _walk_files(self._absolute))

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        if isinstance(name, FileRef):
            return os.fspath(name).startswith(self._absolute.rstrip(os.sep) + os.sep) and name.exists()
        return isinstance(name, str | os.PathLike) and os.path.lexists(
            os.path.join(self._absolute, os.fspath(name))
        )

    def __eq__(self, other: object) -> bool:
        return self._absolute == other._absolute if isinstance(other, DirRef) else NotImplemented

    def __hash__(self) -> int:
        return hash((DirRef, self._absolute))

    def __reduce__(self) -> tuple[Any, ...]:
        # Absolute: the process that unpickles it may stand elsewhere.
        return _restore, (type(self), self._absolute, self._fresh)


def _restore(cls: type[DirRef], path: str, fresh: bool) -> DirRef:
    return cls.restore(path, fresh=fresh)


def _walk_files(root: str) -> Iterator[str]:
    """Paths of files from `root`, following links to files but not to directories, where loops may be."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(os.path.join(root, prefix)) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(os.path.join(prefix, entry.name))
                elif entry.is_file():
                    yield os.path.join(prefix, entry.name)
