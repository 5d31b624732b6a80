"""A server on loopback that answers a request only when enough of them are open at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

__all__ = ["WaitingServer", "ask", "serve"]

#: Seconds after which a request is answered though it is alone: with "late".
PATIENCE = 20.0


class WaitingServer:
    """Answers each line with itself once `gather` requests have been open at once; `peak` is the most there ever were."""

    def __init__(self, gather: int) -> None:
        self.gather = gather
        self.open = self.peak = self.requests = 0
        self.port = 0
        self._enough = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        line = await reader.readline()
        self.requests += 1
        self.open += 1
        self.peak = max(self.peak, self.open)
        if self.open >= self.gather:
            self._enough.set()
        try:
            await asyncio.wait_for(self._enough.wait(), PATIENCE)
        except TimeoutError:
            line = b"late\n"
        await asyncio.sleep(0.02)  # whoever comes beyond the limit of a client would be seen now
        self.open -= 1
        writer.write(line)
        await writer.drain()
        writer.close()


@contextlib.contextmanager
def serve(gather: int) -> Iterator[WaitingServer]:
    """Run a server in a thread while the block lasts."""
    loop = asyncio.new_event_loop()
    server = WaitingServer(gather)
    listening = loop.run_until_complete(asyncio.start_server(server.answer, "127.0.0.1", 0, backlog=1000))
    server.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        listening.close()
        for left in asyncio.all_tasks(loop):
            left.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()


async def ask(port: int, word: str) -> str:
    """Return what the server answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{word}\n".encode())
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer.decode().strip()
