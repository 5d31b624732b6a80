"""What may stand in a shell template: typed parameters, files in, files out, standard input and output.

A placeholder formats itself into the f-string as a marker that holds all of it, so nothing has to be
remembered between the f-string and `bash_task`.
"""

from __future__ import annotations

import base64
import enum
import pickle
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final, Literal

from merkl._base.errors import CommandTemplateError
from merkl.files import DirRef, FileRef
from merkl.files.suffix import check_suffix

__all__ = [
    "MISSING",
    "Placeholder",
    "Role",
    "arg",
    "dir_arg",
    "file_arg",
    "out_dir_arg",
    "out_file_arg",
    "split_markers",
    "stdin_arg",
    "stdout_arg",
]


class Missing(enum.Enum):
    """The default of a parameter that has none."""

    MISSING = "no default"


MISSING: Final = Missing.MISSING


class Role(enum.Enum):
    """What a placeholder stands for."""

    VALUE = "arg"
    STDIN = "stdin_arg"
    OUT_FILE = "out_file_arg"
    OUT_DIRECTORY = "out_dir_arg"
    STDOUT = "stdout_arg"

    @property
    def is_out(self) -> bool:
        """Whether it is a result of the command rather than a parameter."""
        return self in (Role.OUT_FILE, Role.OUT_DIRECTORY, Role.STDOUT)


# Text from elsewhere that looks like a marker must never be unpickled.
_NONCE: Final = secrets.token_hex(8)
_MARKER: Final = re.compile(r"\x02merkl:([0-9a-f]{16}):([A-Za-z0-9_=-]+)\x03")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder: `type` is the type of the parameter or out, `suffix` that of an out file."""

    name: str
    role: Role
    type: Any
    default: Any = MISSING
    suffix: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise CommandTemplateError(
                f"{self.role.value}({self.name!r}): a name must be an identifier, as it becomes a parameter or a key",
                placeholder=self.name,
            )

    def __str__(self) -> str:
        try:
            packed = pickle.dumps((self.name, self.role, self.type, self.default, self.suffix))
        except Exception as error:
            raise CommandTemplateError(
                f"{self.role.value}({self.name!r}): the type {self.type!r} or the default cannot be referred to from "
                f"a string ({error}). Use a type that is defined at the top of a module.",
                placeholder=self.name,
            ) from error
        return f"\x02merkl:{_NONCE}:{base64.urlsafe_b64encode(packed).decode()}\x03"

    def __format__(self, spec: str) -> str:
        if spec:
            raise CommandTemplateError(
                f"{self.role.value}({self.name!r}) takes no format specification ({spec!r}): pass the formatted text",
                placeholder=self.name,
            )
        return str(self)


def split_markers(template: str) -> list[str | Placeholder]:
    """Take a template apart into text and placeholders, in order.

    Raises:
        CommandTemplateError: a marker is damaged or from another process.

    >>> split_markers(f"head -n {arg('lines', int)}")[0]
    'head -n '
    """
    pieces: list[str | Placeholder] = []
    end = 0
    for found in _MARKER.finditer(template):
        pieces.append(template[end : found.start()])
        if found[1] != _NONCE:
            raise CommandTemplateError(
                "a placeholder in the template was made by another process; make it anew here"
            )
        pieces.append(Placeholder(*pickle.loads(base64.urlsafe_b64decode(found[2]))))
        end = found.end()
    pieces.append(template[end:])
    if any(isinstance(piece, str) and ("\x02" in piece or "\x03" in piece) for piece in pieces):
        raise CommandTemplateError("a placeholder was cut or changed after it was put into the template")
    return [piece for piece in pieces if piece != ""]


def arg(name: str, type: Any = str, *, default: Any = MISSING) -> Placeholder:
    """Put a parameter into a shell template; its value becomes one word, a list several.

    Args:
        name: of the parameter.
        type: `str`, `int`, `float`, `bool` (true, false), `Path`, a Literal, an Enum, `X | None` (None gives
        no
            word), FileRef or DirRef (linked into the command's directory), or a list or tuple of those.
        default: makes the parameter optional.

    >>> arg("size", int, default=64).name
    'size'
    """
    return Placeholder(name, Role.VALUE, type, default)


def file_arg(name: str, suffix: str | None = None, *, default: Any = MISSING) -> Placeholder:
    """Put an input file into a shell template: it is linked into the command's directory under its own name.

    Args:
        name: of the parameter.
        suffix: that the file must have, such as ".png"; any by default.
        default: a FileRef that makes the parameter optional.
    """
    return Placeholder(name, Role.VALUE, _file_type(suffix), default)


def dir_arg(name: str, *, default: Any = MISSING) -> Placeholder:
    """Put an input directory into a shell template: it is linked into the command's directory under its own name."""
    return Placeholder(name, Role.VALUE, DirRef, default)


def out_file_arg(name: str, suffix: str | None = None) -> Placeholder:
    """Put the path of a file that the command makes into a shell template; it becomes an out of the task."""
    return Placeholder(name, Role.OUT_FILE, _file_type(suffix), MISSING, suffix or "")


def out_dir_arg(name: str) -> Placeholder:
    """Put the path of a directory that the command fills into a template (it is there, empty); it becomes an out."""
    return Placeholder(name, Role.OUT_DIRECTORY, DirRef)


def stdin_arg(
    name: str = "stdin", type: Any = str | bytes | FileRef, *, default: Any = MISSING
) -> Placeholder:
    """Feed a parameter to the command's standard input, or, after `<`, to the redirection.

    Args:
        name: of the parameter.
        type: `str`, `bytes`, `FileRef`, or a union of those.
        default: makes the parameter optional.
    """
    return Placeholder(name, Role.STDIN, type, default)


def stdout_arg(type: Any = str, name: str = "stdout", *, suffix: str | None = None) -> Placeholder:
    """Make what the command prints an out of the task; after `>`, what that redirection gets.

    Args:
        type: `str` (decoded as UTF-8), `bytes` or `FileRef`.
        name: of the out.
        suffix: of the file, if `type` is FileRef.
    """
    if isinstance(type, str):
        raise CommandTemplateError(
            f"stdout_arg({type!r}): the type comes first, as in stdout_arg(str, {type!r})", placeholder=type
        )
    if type is FileRef and suffix is not None:
        type = _file_type(suffix)
    return Placeholder(name, Role.STDOUT, type, MISSING, suffix or "")


def _file_type(suffix: str | None) -> Any:
    return FileRef if suffix is None else FileRef[Literal[check_suffix(suffix)]]  # type: ignore[misc]
