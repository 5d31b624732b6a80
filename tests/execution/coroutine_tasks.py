"""Tasks with coroutines as bodies, that worker processes can import."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from waiting_server import ask

from merkl import FileRef, annotate, call_seed, task

Log = list[str]


@task(ignore_args=["port"])
async def fetch(x: int, port: int) -> str:
    return await ask(port, str(x))


@task(ignore_args=["port"], max_concurrency=3)
async def fetch_three(x: int, port: int) -> str:
    return await ask(port, str(x))


@task
def length(text: str) -> int:
    return len(text)


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
async def square(x: int) -> int:
    await asyncio.sleep(0)
    return x * x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
async def pid(x: int) -> int:
    return os.getpid()


@task(resources={"cpu": 1})
async def pid_of_worker(x: int) -> int:
    return os.getpid() * x


@task
def plain_pid(x: int) -> int:
    return os.getpid()


@task
async def mixed(x: int, others: list[int]) -> int:
    await asyncio.sleep(0)
    return hash((x, tuple(others), call_seed())) % 2**40


@task
async def tagged(x: int) -> FileRef[Any]:
    file = FileRef(suffix=".txt")
    annotate(x=x)
    await asyncio.sleep(0.001)
    file.write_text(f"{x} {call_seed()}")
    return file


@task
def read(file: FileRef[Any]) -> str:
    return file.read_text()
