"""Numbers of file descriptors where those of the user's code do not come."""

from __future__ import annotations

import fcntl
import os
import resource

__all__ = ["out_of_the_way"]

#: Ours are just below this number, or below the most that there may be, which leaves room for some.
_MOST = 4096
_ROOM = 16


def out_of_the_way(descriptor: int) -> int:
    """Return a copy of a descriptor with a high number, and close it: there is code that closes all low ones.

    Where that is not possible, it stays what it is.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    lowest = (_MOST if most == resource.RLIM_INFINITY else min(most, _MOST)) - _ROOM
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, max(3, lowest))
    except OSError:
        return descriptor
    os.close(descriptor)
    return high
