"""A conversation with pyright's language server, as an editor has it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["LanguageServer"]


class LanguageServer:
    """A server over one folder; `hover` asks what stands at a place of a file."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._folder = folder
        self._settings = settings
        self._asked = 0
        program = Path(sys.executable).parent / "basedpyright-langserver"
        self._process = subprocess.Popen(
            [program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> LanguageServer:
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"hover": {"contentFormat": ["plaintext"]}},
        }
        root = {"uri": self._folder.as_uri(), "name": "program"}
        self._ask(
            "initialize",
            {
                "processId": None,
                "rootUri": root["uri"],
                "capabilities": capabilities,
                "workspaceFolders": [root],
            },
        )
        self._send({"method": "initialized", "params": {}})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, name: str) -> None:
        """Open a file of the folder, as an editor does before it asks about it."""
        text = (self._folder / name).read_text()
        document = {"uri": self._uri(name), "languageId": "python", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def hover(self, name: str, line: int, column: int) -> str:
        """What is shown where the mouse rests: line and column are counted from 0."""
        place = {"textDocument": {"uri": self._uri(name)}, "position": {"line": line, "character": column}}
        shown = self._ask("textDocument/hover", place)
        return "" if shown is None else str(shown["contents"]["value"])

    def _uri(self, name: str) -> str:
        return (self._folder / name).as_uri()

    def _ask(self, method: str, parameters: dict[str, Any]) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if "method" in message and "id" in message:  # the server asks for settings
                items = message.get("params", {}).get("items", [])
                self._send({"id": message["id"], "result": [self._settings for _ in items]})
            elif message.get("id") == self._asked:
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        stream = self._process.stdout
        assert stream is not None
        length = 0
        while line := stream.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(stream.read(length))
        return message
