"""`path.merkl` beside a written file: what made it, as JSON, so that another checkout can load the Future."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import msgspec

from merkl._base.errors import MerklError, MissingInputError

__all__ = ["SIDECAR_SUFFIX", "Form", "Sidecar", "read_sidecar", "sidecar_of"]

SIDECAR_SUFFIX = ".merkl"

#: How a value stands in its file: as its own text, bytes, file or directory, or as the bytes of a codec.
Form = Literal["text", "bytes", "file", "directory", "codec"]


def sidecar_of(path: str) -> str:
    """Return where the sidecar of a file or object is.

    >>> sidecar_of("s3://bucket/a.csv?region=x")
    's3://bucket/a.csv.merkl?region=x'
    """
    name, mark, query = path.partition("?") if "://" in path else (path, "", "")
    return f"{name}{SIDECAR_SUFFIX}{mark}{query}"


class Sidecar(msgspec.Struct, frozen=True, kw_only=True):
    """What a sidecar says. `content_hash` is that of the stored result, `file_hash` that of the file beside it."""

    merkl: Literal[2] = 2
    key: str
    task: str
    out: str | None
    content_hash: str
    file_hash: str
    form: Form
    size: int
    codec: str
    codec_version: int
    decode_type: str
    extra: str

    def to_json(self) -> bytes:
        """Return it as JSON for people to read."""
        return msgspec.json.format(msgspec.json.encode(self))


def read_sidecar(path: str | os.PathLike[str]) -> Sidecar:
    """Return what the sidecar of a file says.

    Raises:
        MissingInputError: there is none.
        MerklError: it is no sidecar, or one of another version of MerkL.
    """
    sidecar = Path(os.fspath(path) + SIDECAR_SUFFIX)
    try:
        content = sidecar.read_bytes()
    except FileNotFoundError as error:
        raise MissingInputError(
            f"There is no {os.fspath(sidecar)!r}, which would say what made {os.fspath(path)!r}: write the file with "
            '`future >> "path"` or `future.write("path", sidecar=True)`, or read it as it is with read_future.'
        ) from error
    try:
        found = msgspec.json.decode(content, type=Sidecar)
        bytes.fromhex(found.key)
    except (msgspec.DecodeError, ValueError) as error:
        said: Any = error
        raise MerklError(
            f"{os.fspath(sidecar)!r} is no sidecar that this version of MerkL reads ({said}): write the file again"
        ) from error
    if len(found.key) != 64:
        raise MerklError(f"{os.fspath(sidecar)!r} holds no key: write the file again")
    return found
