"""What ends a wait on a selector from another thread."""

from __future__ import annotations

import contextlib
import socket

__all__ = ["Bell"]


class Bell:
    """A pair of sockets: `reader` is registered with the selector."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        for end in (self.reader, self._writer):
            end.setblocking(False)

    def ring(self) -> None:
        """Make `reader` readable."""
        with contextlib.suppress(OSError):  # it is, or nobody listens any more
            self._writer.send(b"!")

    def hear(self) -> None:
        """Take all rings up to now."""
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(4096):
                pass

    def close(self) -> None:
        """Ring no more."""
        self._writer.close()
        self.reader.close()
