"""`merkl` as the foreground job of a real terminal."""

from __future__ import annotations

import os
import pty
import sys
import time

from project import Project

__all__ = ["Terminal"]


class Terminal:
    """`merkl` in a terminal of its own, as its foreground job."""

    def __init__(self, project: Project, *words: str, program: list[str] | None = None) -> None:
        self.project = project
        pid, self.descriptor = pty.fork()
        if pid == 0:
            os.chdir(project.folder)
            command = program or [sys.executable, "-m", "merkl", *words]
            os.execve(command[0], command, project.environment())
        self.pid = pid
        self.output = b""

    def wait_for(self, *names: str) -> None:
        """Wait until files of these names are there."""
        deadline = time.monotonic() + 60
        while not all((self.project.folder / name).exists() for name in names):
            assert time.monotonic() < deadline, self.read_to_end()
            time.sleep(0.02)
        time.sleep(0.1)

    def press_ctrl_c(self) -> None:
        """Type it: the terminal sends SIGINT to the whole group."""
        os.write(self.descriptor, b"\x03")

    def close(self) -> int:
        """Close the window: the system sends SIGHUP, and nobody reads any more. Return the exit code."""
        os.close(self.descriptor)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def read_to_end(self) -> str:
        """Return all that was printed."""
        while True:
            try:
                piece = os.read(self.descriptor, 65536)
            except OSError:
                break
            if not piece:
                break
            self.output += piece
        return self.output.decode()

    def end(self) -> tuple[int, str]:
        """Wait for the end; return exit code and output."""
        text = self.read_to_end()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status), text
