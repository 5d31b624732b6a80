"""What `stat` says of a file, and whether that is enough to know that its bytes are the same."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["StatSignature", "is_settled", "signature_at", "signature_of"]

# A clock tick of the kernel is at most 10 ms; file systems that keep whole seconds only (or, as FAT, two)
# show it in their numbers.
_FINE_TICK_NS = 50_000_000
_COARSE_TICK_NS = 2_500_000_000
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class StatSignature:
    """The four numbers that change when a file's bytes do: modification time alone can be set back by anyone."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


def signature_of(stat: os.stat_result) -> StatSignature:
    """Return the signature in a result of `os.stat`."""
    return StatSignature(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def signature_at(path: str | bytes | os.PathLike[str]) -> StatSignature:
    """Stat a file, following links, and return its signature.

    Raises:
        OSError: as `os.stat`.
    """
    return signature_of(os.stat(path))


def is_settled(signature: StatSignature, recorded_at_ns: int) -> bool:
    """Say whether a file can no longer change without its signature changing too.

    A file written twice within one tick of the file system's clock has the same times after both. So a
    signature taken at `recorded_at_ns` says nothing while the file's last change was less than a tick before
    (or, with a clock that differs from ours, after) that moment. Git calls such entries racily clean.

    >>> is_settled(StatSignature(3, 10, 10, 1), 10_000_000_000)
    True
    >>> is_settled(StatSignature(3, 10, 9_999_999_999, 1), 10_000_000_000)
    False
    """
    changed = max(signature.mtime_ns, signature.ctime_ns)
    whole_seconds = signature.ctime_ns % _SECOND_NS == 0
    tick = _COARSE_TICK_NS if whole_seconds else _FINE_TICK_NS
    return changed + tick < recorded_at_ns
