"""A real S3 server for tests: SeaweedFS in one process on loopback, gone when the tests end."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

KEYS = {"access_key_id": "any", "secret_access_key": "any", "region": "us-east-1"}


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses, low enough that 10,000 more is a port too (each has one for gRPC)."""
    ports: list[int] = []
    candidate = 20_000 + (time.time_ns() // 1000) % 20_000
    while len(ports) < count:
        candidate += 1
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in (candidate, candidate + 10_000):
                listener = stack.enter_context(socket.socket())
                listener.bind(("127.0.0.1", port))
            ports.append(candidate)
    return ports


def program() -> str | None:
    """Return where SeaweedFS is installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run a server over a folder; gives its address."""
    names = (
        "master.port",
        "volume.port",
        "filer.port",
        "s3.port",
        "admin.port",
        "s3.port.iceberg",
        "s3.port.lance",
    )
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    options = [f"-{name}={port}" for name, port in ports.items()]
    command = [str(program()), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *options]
    command += ["-master.telemetry=false", "-webdav=false", "-admin.ui=false"]
    # Each bucket takes several volumes; by itself the server allows as many as the free disk would hold when full.
    command += ["-volume.max=20000"]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        wait_until_up(ports["s3.port"], server, folder / "log")
        yield f"http://127.0.0.1:{ports['s3.port']}"
    finally:
        server.kill()
        server.wait()


def wait_until_up(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers.

    Raises:
        RuntimeError: it ended, or is not up after a minute.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
        ):
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if connection.recv(12).startswith(b"HTTP/1."):
                return
        time.sleep(0.05)
    raise RuntimeError(f"the S3 server did not come up: {log.read_text(errors='replace')[-2000:]}")
