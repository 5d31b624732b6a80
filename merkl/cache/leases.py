"""Which processes use a cache, so that nothing they use is removed: one locked file each, let go by the system."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

# Where there are no such locks (Windows), the grace period must do.
fcntl: Any = None
with contextlib.suppress(ImportError):
    import fcntl

HAS_LOCKS = fcntl is not None

#: Tells this process from one of the same number in another container.
_PROCESS = os.urandom(4).hex()

__all__ = ["Lease", "live_since"]


class Lease:
    """Says that this process uses a cache, from now until `close` or its end.

    >>> import tempfile, time
    >>> folder = Path(tempfile.mkdtemp())
    >>> lease = Lease(folder)
    >>> live_since(folder, time.time() + 60) < time.time() + 60
    True
    >>> lease.close()
    >>> live_since(folder, 60.0)
    60.0
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "leases" / f"{_own_prefix()}{os.urandom(4).hex()}"
        self.close: Callable[[], object] = _nothing
        if not HAS_LOCKS:
            return
        with contextlib.suppress(OSError):  # read-only: then nothing is removed either
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "xb")  # noqa: SIM115 - held until close
            fcntl.flock(file, fcntl.LOCK_SH)
            self.close = weakref.finalize(self, _release, path, file, os.getpid())


def _nothing() -> None:
    """Stand for a lease that was not taken."""


def _release(path: Path, file: IO[bytes], pid: int) -> None:
    if os.getpid() == pid:  # a forked child ends too
        with contextlib.suppress(OSError):
            path.unlink()
    file.close()


def _own_prefix() -> str:
    return f"{os.getpid()}-{_PROCESS}-"


def live_since(folder: Path, now: float, *, besides_own: bool = False) -> float:
    """Return when the longest-living process that uses a cache began to, `now` if there is none.

    With `besides_own` this process does not count.
    """
    since = now
    if not HAS_LOCKS:
        return since
    for path in (folder / "leases").glob("*"):
        if besides_own and path.name.startswith(_own_prefix()):
            continue
        with contextlib.suppress(OSError), open(path, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()  # its process is gone
            except BlockingIOError:
                since = min(since, path.stat().st_mtime)
    return since
