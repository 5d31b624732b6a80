"""A page in headless Chromium, clicked and read through its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

__all__ = ["BROWSER", "Page", "open_page"]

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


class Page:
    """One page; every method waits until the browser has answered."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call one method of the protocol and return its result."""
        self._number += 1
        await self._socket.write_message(
            json.dumps({"id": self._number, "method": method, "params": parameters})
        )
        while True:
            answer = json.loads(await asyncio.wait_for(self._socket.read_message(), 30))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        found = await self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def click(self, x: float, y: float) -> None:
        """Click as a mouse does."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            await self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    async def drag(self, x: float, y: float, dx: float, dy: float) -> None:
        """Press, move and let go."""
        await self.send(
            "Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1
        )
        await self.send(
            "Input.dispatchMouseEvent", type="mouseMoved", x=x + dx, y=y + dy, button="left", buttons=1
        )
        await self.send(
            "Input.dispatchMouseEvent", type="mouseReleased", x=x + dx, y=y + dy, button="left", clickCount=1
        )

    async def wheel(self, x: float, y: float, amount: float) -> None:
        """Turn the wheel."""
        await self.send("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=amount)

    async def type(self, text: str) -> None:
        """Write into what has the focus, and press Enter."""
        await self.send("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            await self.send(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13
            )

    async def picture(self) -> bytes:
        """Return a screenshot as PNG."""
        return base64.b64decode((await self.send("Page.captureScreenshot"))["data"])


@contextlib.asynccontextmanager
async def open_page(path: Path, folder: Path) -> Any:
    """Open a local file in a browser of its own without a network, and yield the page."""
    from tornado.websocket import websocket_connect

    assert BROWSER is not None
    command = [
        BROWSER,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions"),
        *("--disable-background-networking", "--disable-dev-shm-usage", "--window-size=1200,800"),
        *("--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}", "about:blank"),
    ]
    with open(folder / "chromium.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            port = _port(folder / "profile" / "DevToolsActivePort", process)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=20) as answer:
                target = next(item for item in json.load(answer) if item["type"] == "page")
            socket = await websocket_connect(target["webSocketDebuggerUrl"], max_message_size=1 << 28)
            try:
                page = Page(socket)
                await page.send("Page.navigate", url=path.as_uri())
                for _ in range(200):
                    if await page.evaluate("document.readyState === 'complete' && !!window.merkl"):
                        break
                    await asyncio.sleep(0.05)
                yield page
            finally:
                socket.close()
                # The browser answers the goodbye, and only then is the connection closed.
                with contextlib.suppress(asyncio.TimeoutError):
                    while await asyncio.wait_for(socket.read_message(), 5) is not None:
                        pass
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(file.read_text().split()[0])
        time.sleep(0.05)
    raise RuntimeError("the browser did not start")
