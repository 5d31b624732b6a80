"""Tasks of which random graphs are made, that worker processes can import: their results depend on seeds and inputs."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from merkl import FileRef, batch, call_seed, pipeline, task
from merkl.graph.future import Future


def _mix(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:5], "little")


@task
def combine(parts: list[int], salt: int) -> int:
    return _mix("combine", parts, salt, call_seed())


@task
async def wait(parts: list[int], salt: int) -> int:
    await asyncio.sleep(0.0005 * (salt % 3))
    return _mix("wait", parts, salt, call_seed())


@task
def several(parts: list[int], salt: int) -> list[int]:
    return [_mix("several", parts, i) for i in range(salt % 4)]


@task
def item(x: int) -> int:
    return _mix("item", x)


@task
async def item_waiting(x: int) -> int:
    await asyncio.sleep(0)
    return _mix("item waiting", x, call_seed())


@task
def total(parts: list[int], salt: int) -> int:
    return _mix("total", parts, salt)


@batch(item, max_size=2)
def items(xs: list[int]) -> list[int]:
    return [_mix("item", x) for x in xs]


@batch(item_waiting, max_size=2)
async def items_waiting(xs: list[int]) -> list[int]:
    await asyncio.sleep(0)
    return [_mix("batch waiting", x) for x in xs]


@task
def written(parts: list[int], salt: int) -> FileRef[Any]:
    file = FileRef(suffix=".txt")
    file.write_text(str(_mix("written", parts, salt, call_seed())))
    return file


@task
def read(file: FileRef[Any]) -> int:
    return int(file.read_text())


@task
def fragile(parts: list[int], salt: int) -> int:
    if salt % 6 == 1:
        raise ValueError("as its arguments say")
    return _mix("fragile", parts, salt)


@task
def fragile_item(x: int) -> int:
    if x % 5 == 1:
        raise ValueError("as its argument says")
    return _mix("fragile item", x)


@task
def split(parts: list[int], salt: int) -> tuple[int, int]:
    return _mix("left", parts, salt, call_seed()), _mix("right", parts, salt)


@pipeline
def branching(parts: list[Future[int]], salt: int) -> Any:
    first = combine(parts, salt)
    yield [first, wait(parts, salt)]
    if first.v % 2:
        second = wait([first], salt)
        yield second
        return combine([second], salt + 1)
    return total([first], salt)
