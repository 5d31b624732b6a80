"""`FileRef`: a file as a typed, immutable value. Its key is its suffix and content, and whether it may be executed."""

from __future__ import annotations

import os
import types
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    Literal,
    Self,
    get_args,
    get_origin,
    overload,
)

from typing_extensions import TypeVar

from merkl._base.errors import TypeMismatchError
from merkl.files.content import hash_file, require_regular
from merkl.files.reference import Reference
from merkl.files.scratch import fresh_path
from merkl.files.suffix import check_suffix, declared_suffixes, fits, suffix_of

if TYPE_CHECKING:
    from io import BufferedRandom, BufferedReader, BufferedWriter, TextIOWrapper

__all__ = ["FileRef"]

SuffixT_co = TypeVar("SuffixT_co", bound=str, default=Any, covariant=True)

_READING: Final = frozenset("rbtU")


class _TypedFileRef(types.GenericAlias):
    """`FileRef[Literal[".png"]]` at run time: calling it makes a file of that suffix."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        allowed = declared_suffixes(self.__args__)
        if allowed is None:
            return self.__origin__(*args, **kwargs)  # type: ignore[operator]
        if not args and kwargs.get("path") is None and kwargs.get("suffix") is None:
            if len(allowed) != 1:
                raise TypeError(f"{self!r}() may have any of {', '.join(allowed)}: say which with suffix=")
            kwargs["suffix"] = allowed[0]
        made = self.__origin__(*args, **kwargs)  # type: ignore[operator]
        return made._narrow(allowed, repr(self))

    def __getitem__(self, item: Any) -> Any:
        return _TypedFileRef(self.__origin__, super().__getitem__(item).__args__)  # type: ignore[arg-type]


class FileRef(Reference, Generic[SuffixT_co]):
    """A file as a value: what goes into and comes out of tasks; path-like, typed by suffix, never changed.

    `FileRef(path)` refers to a file that exists. `FileRef()` inside a task body is a fresh path for the body
    to write to; returned, the file becomes the result without a second copy. `FileRef[Literal[".png"]]` is a
    file of one suffix, plain `FileRef` any. Equality is that of paths (after making them absolute), as for
    `pathlib`: it needs no reading. Keys go by suffix and
    content, and by whether the owner may execute it.

    Args:
        path: an existing regular file; a relative one is taken from the current directory now, once and for
        all.
        suffix: of a fresh file, or what counts as the suffix of an existing one (it must end so).

    Raises:
        MissingInputError: no file is at `path`.
        UnsupportedFileError: a directory, socket, fifo or device is.
        TypeMismatchError: the file has another suffix than the type declares.

    >>> figure = FileRef[Literal[".txt"]]()
    >>> figure.write_text("a file")
    6
    >>> figure.suffix, FileRef(figure.path).read_text()
    ('.txt', 'a file')
    """

    __slots__ = ("_suffix",)
    _suffix: str

    def __init__(self, path: str | os.PathLike[str] | None = None, *, suffix: str | None = None) -> None:
        allowed = self._class_suffixes(type(self))
        if suffix is not None:
            check_suffix(suffix)
        elif path is None and allowed and len(allowed) == 1:
            suffix = allowed[0]
        if path is None:
            given = str(fresh_path(suffix or ""))
        else:
            given = os.fsdecode(path)
            require_regular(given)
            if suffix is not None and not given.endswith(suffix):
                raise TypeMismatchError(
                    f"{given!r} does not end in the suffix {suffix!r} that FileRef was to give it",
                    expected=suffix,
                    actual=suffix_of(given),
                )
        self._fill(given, suffix_of(given) if suffix is None else suffix, fresh=path is None)
        if allowed is not None:
            self._suffix_among(allowed, type(self).__name__)

    def _fill(self, given: str, suffix: str, *, fresh: bool) -> None:
        self._point_to(given, fresh=fresh)
        object.__setattr__(self, "_suffix", suffix)

    @classmethod
    def restore(cls, path: str | os.PathLike[str], suffix: str, *, fresh: bool = False) -> Self:
        """Make a reference without looking at the disk: for codecs, pickling and files still to be written."""
        made = object.__new__(cls)
        made._fill(os.fsdecode(path), suffix, fresh=fresh)
        return made

    @property
    def suffix(self) -> str:
        """The suffix with its dot (two where the last is a compression, as in ".tar.gz"), or ""."""
        return self._suffix

    @property
    def content_hash(self) -> str:
        """The BLAKE3 hash of the file's bytes, read now.

        Raises:
            MissingInputError: the file is gone, or was never written.
        """
        return hash_file(self._absolute).content_hash

    def exists(self) -> bool:
        """Say whether the file is there."""
        return os.path.isfile(self._absolute)

    @overload
    def open(
        self, mode: Literal["r", "rt", "w", "wt", "a", "x"] = "r", *, encoding: str | None = None
    ) -> TextIOWrapper: ...
    @overload
    def open(self, mode: Literal["rb"]) -> BufferedReader: ...
    @overload
    def open(self, mode: Literal["wb", "ab", "xb"]) -> BufferedWriter: ...
    @overload
    def open(self, mode: Literal["r+b", "rb+", "w+b", "wb+"]) -> BufferedRandom: ...
    @overload
    def open(self, mode: str, *, encoding: str | None = None) -> IO[Any]: ...
    def open(self, mode: str = "r", *, encoding: str | None = None) -> IO[Any]:
        """Open the file; text is UTF-8 unless said otherwise. Only a fresh file can be written.

        Raises:
            PermissionError: writing to a file that is an input or a stored result.
        """
        if not _READING.issuperset(mode):
            self._require_fresh()
        if "b" not in mode and encoding is None:
            encoding = "utf-8"
        return open(self._absolute, mode, encoding=encoding)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the content as text, newlines as they are on disk."""
        with open(self._absolute, encoding=encoding, newline="") as file:
            return file.read()

    def read_bytes(self) -> bytes:
        """Return the content."""
        with open(self._absolute, "rb") as file:
            return file.read()

    def write_text(self, text: str, encoding: str = "utf-8") -> int:
        """Write a fresh file; newlines go to disk as they are.

        Raises:
            PermissionError: this is an input or a stored result.
        """
        self._require_fresh()
        with open(self._absolute, "w", encoding=encoding, newline="") as file:
            return file.write(text)

    def write_bytes(self, content: bytes | bytearray | memoryview) -> int:
        """Write a fresh file.

        Raises:
            PermissionError: this is an input or a stored result.
        """
        self._require_fresh()
        with open(self._absolute, "wb") as file:
            return file.write(content)

    def _new_one(self) -> str:
        return f"{type(self).__name__}(suffix={self._suffix!r})"

    def _narrow(self, allowed: tuple[str, ...], wanted: str) -> Self:
        suffix = self._suffix_among(allowed, wanted)
        return self if suffix == self._suffix else self.restore(self._given, suffix, fresh=self._fresh)

    def _suffix_among(self, allowed: tuple[str, ...], wanted: str) -> str:
        suffix = fits(self.name, self._suffix, allowed)
        if suffix is None:
            raise TypeMismatchError(
                f"{self._given!r} has the suffix {self._suffix!r}, but {wanted} wants {_either(allowed)}",
                expected=wanted,
                actual=f"FileRef[Literal[{self._suffix!r}]]",
            )
        return suffix

    @classmethod
    def __merkl_check__(cls, hint: Any, value: object) -> str | None:
        """Say what keeps `value` from being of the type `hint`, None if nothing does; for run-time validation."""
        wanted = get_origin(hint) or hint
        if not (isinstance(wanted, type) and isinstance(value, wanted)):
            return f"{type(value).__name__} is no {getattr(wanted, '__name__', wanted)}"
        allowed = declared_suffixes(get_args(hint)) if get_args(hint) else cls._class_suffixes(wanted)
        if allowed is None or not isinstance(value, FileRef):
            return None
        if fits(value.name, value._suffix, allowed) is not None:
            return None
        return f"the file {value._given!r} has the suffix {value._suffix!r}, wanted is {_either(allowed)}"

    @staticmethod
    def _class_suffixes(kind: type) -> tuple[str, ...] | None:
        for base in kind.__mro__:
            for declared in base.__dict__.get("__orig_bases__", ()):
                if isinstance(declared, _TypedFileRef):
                    return declared_suffixes(declared.__args__)
        return None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FileRef):
            return NotImplemented
        return self._absolute == other._absolute and self._suffix == other._suffix

    def __hash__(self) -> int:
        return hash((FileRef, self._absolute, self._suffix))

    def __reduce__(self) -> tuple[Any, ...]:
        # Absolute: the process that unpickles it may stand elsewhere.
        return _restore, (type(self), self._absolute, self._suffix, self._fresh)

    if not TYPE_CHECKING:

        def __class_getitem__(cls, item: Any) -> _TypedFileRef:
            arguments = item if isinstance(item, tuple) else (item,)
            if len(arguments) != 1:
                raise TypeError(
                    f"{cls.__name__} takes one argument, such as FileRef[Literal['.png', '.jpg']]"
                )
            declared_suffixes(arguments)
            return _TypedFileRef(cls, arguments)


def _restore(cls: type[FileRef[Any]], path: str, suffix: str, fresh: bool) -> FileRef[Any]:
    return cls.restore(path, suffix, fresh=fresh)


def _either(allowed: tuple[str, ...]) -> str:
    return " or ".join(repr(one) for one in allowed)
