"""What ends a wait on a selector from another thread."""

from __future__ import annotations

import contextlib
import select
import socket

__all__ = ["Bell"]


class Bell:
    """A pair of sockets: `reader` is registered with the selector."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        for end in (self.reader, self._writer):
            end.setblocking(False)
        self._rings = select.poll()
        self._rings.register(self.reader, select.POLLIN)

    def ring(self) -> None:
        """Make `reader` readable."""
        with contextlib.suppress(OSError):  # it is, or nobody listens any more
            self._writer.send(b"!")

    def wait(self, seconds: float) -> None:
        """Wait for a ring, so long at most."""
        self._rings.poll(1000 * seconds)

    def hear(self) -> None:
        """Take all rings up to now."""
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(4096):
                pass

    def close(self) -> None:
        """Ring no more."""
        self._writer.close()
        self.reader.close()
