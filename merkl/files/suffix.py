"""File suffixes: which one a name has, and which ones a type such as `FileRef[Literal[".png"]]` wants."""

from __future__ import annotations

import os
import re
import types
import typing
from typing import Any, Final, Literal, get_args, get_origin

__all__ = ["check_suffix", "declared_suffixes", "fits", "suffix_of"]

# "a.tar.gz" and "scan.nii.gz" are known by two suffixes together; "v1.2.gz" is not.
_COMPOUND: Final = re.compile(r"[^.]\.[A-Za-z][A-Za-z0-9]{0,9}\.(?:gz|bz2|xz|zst|lz4|lzma|br|Z|age|gpg)$")


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the suffix of a file name, with its dot: the last one, or two where the last is a compression.

    >>> [suffix_of(name) for name in ("a/b.csv", "a.tar.gz", "v1.2.gz", ".bashrc", "Makefile", "x.")]
    ['.csv', '.tar.gz', '.gz', '', '', '']
    """
    name = os.path.basename(os.fspath(path))
    compound = _COMPOUND.search(name)
    if compound:
        return name[compound.start() + 1 :]
    suffix = os.path.splitext(name)[1]
    return suffix if len(suffix) > 1 else ""


def check_suffix(suffix: str) -> str:
    """Return a suffix given by a user, or refuse it.

    Raises:
        ValueError: it has no leading dot, is a dot alone, or holds a path separator or a NUL.
    """
    if suffix and (suffix[0] != "." or len(suffix) == 1 or re.search(r"[/\\\0]", suffix)):
        raise ValueError(
            f"{suffix!r} is no file suffix: write it with its dot, such as {_corrected(suffix)!r}"
        )
    return suffix


def declared_suffixes(arguments: tuple[Any, ...]) -> tuple[str, ...] | None:
    """Return the suffixes that the arguments of a `FileRef[...]` type allow, None where it allows any.

    Raises:
        TypeError: an argument is neither Any, str, a type variable nor a Literal of suffixes.

    >>> declared_suffixes((Literal[".png", ".jpg"],)), declared_suffixes((Any,))
    (('.png', '.jpg'), None)
    """
    allowed: list[str] = []
    for argument in arguments:
        if argument is Any or argument is str or isinstance(argument, typing.TypeVar):
            return None
        origin = get_origin(argument)
        if origin is Literal:
            allowed.extend(_literal_suffix(value) for value in get_args(argument))
        elif origin is typing.Union or origin is types.UnionType:
            nested = declared_suffixes(get_args(argument))
            if nested is None:
                return None
            allowed.extend(nested)
        else:
            hint = f' (did you mean FileRef[Literal["{argument}"]]?)' if isinstance(argument, str) else ""
            raise TypeError(f"FileRef takes a Literal of suffixes, not {argument!r}{hint}")
    return tuple(dict.fromkeys(allowed))


def fits(name: str, suffix: str, allowed: tuple[str, ...]) -> str | None:
    """Return the allowed suffix that a file has, by its own suffix or the end of its name; None if it has none.

    >>> fits("a.nii.json", ".json", (".nii.json",)), fits("a.csv", ".csv", (".png",)), fits("a", "", ("",))
    ('.nii.json', None, '')
    """
    if suffix in allowed:
        return suffix
    ending = [one for one in allowed if one and name.endswith(one) and len(name) > len(one)]
    return max(ending, key=len, default=None)


def _literal_suffix(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a suffix is a string, not {value!r}: write FileRef[Literal['.png']]")
    try:
        return check_suffix(value)
    except ValueError as error:
        raise TypeError(f"FileRef[Literal[{value!r}]]: {error}") from None


def _corrected(suffix: str) -> str:
    letters = re.sub(r"[^A-Za-z0-9.]", "", suffix).strip(".")
    return f".{letters or 'csv'}"
