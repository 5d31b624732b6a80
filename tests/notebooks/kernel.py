"""A Jupyter kernel as a process of its own, which runs cells and can be restarted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

__all__ = ["Kernel"]


class Kernel:
    """Runs cells one after another; `with` ends the process."""

    def __init__(self, folder: Path) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(cwd=str(folder))
        self._connect()

    def _connect(self) -> None:
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=120)

    def restart(self) -> None:
        """End the process and begin with an empty one."""
        self._client.stop_channels()
        self._manager.restart_kernel(now=True)
        self._connect()

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run a cell and return its messages, as `{"type": …, **content}`; an error of the cell is raised."""
        messages: list[dict[str, Any]] = []

        def note(message: dict[str, Any]) -> None:
            messages.append({"type": message["msg_type"], **message["content"]})

        reply = self._client.execute_interactive(source, output_hook=note, timeout=120)
        if reply["content"]["status"] != "ok":
            raise AssertionError("\n".join(reply["content"].get("traceback", ["the kernel died"])))
        return messages

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
