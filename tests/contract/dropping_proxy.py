"""A proxy on loopback before a real server, which breaks connections off in the middle of what the server says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


class DroppingProxy:
    """Passes bytes both ways; after `allowance` bytes of answers every connection is cut. None: it never is."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (str(parts.hostname), int(parts.port or 80))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.allowance: int | None = None
        self.cuts = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
                threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), client, server:
            while data := server.recv(65_536):
                if self.allowance is not None:
                    data = data[: self.allowance]
                    self.allowance -= len(data)
                client.sendall(data)
                if self.allowance == 0:
                    self.cuts += 1
                    return


@contextlib.contextmanager
def dropping_proxy(upstream: str) -> Iterator[DroppingProxy]:
    """Run a proxy."""
    proxy = DroppingProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
