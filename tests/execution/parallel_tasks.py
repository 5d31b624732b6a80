"""Tasks that worker processes import."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from merkl import Future, call_seed, pipeline, task


@task
def where(x: int) -> int:
    return os.getpid()


@task
def add(a: int, b: int) -> int:
    return a + b


@task
def nap(x: int, seconds: float) -> int:
    time.sleep(seconds)
    return x


@task
def seed(x: int) -> int:
    return call_seed()


@task
def zeros(n: int) -> np.ndarray[Any, Any]:
    return np.zeros(n)


@task
def is_mapped(array: np.ndarray[Any, Any]) -> bool:
    base: Any = array
    while getattr(base, "base", None) is not None:
        base = base.base
    array[0] = 1.0
    return type(base).__name__ == "mmap" or type(getattr(base, "obj", None)).__name__ == "mmap"


@task
def text(n: int) -> str:
    return "x" * n


@task
def length(value: str) -> int:
    return len(value)


class Prickly(Exception):
    """Cannot be pickled, nor made from its arguments."""

    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"code {code}: {detail}")
        self.hold = open(os.devnull)


@task
def prickly(x: int) -> int:
    raise Prickly(x, detail="spines")


@task
def fail(x: int) -> int:
    raise ValueError(f"no {x}")


@task
def die(marker: str, how: str) -> int:
    """Die while the marker counts less than the number in it."""
    path = Path(marker)
    left = int(path.read_text())
    if left:
        path.write_text(str(left - 1))
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "exit":
            os._exit(3)
        else:
            os._exit(0)
    return os.getpid()


@task(timeout=0.3)
def hang(x: int) -> int:
    time.sleep(60)
    return x


@task(timeout=0.3, retries=1)
def hang_once(marker: str) -> int:
    path = Path(marker)
    if path.exists():
        return 1
    path.write_text("")
    time.sleep(60)
    return 0


@task(max_concurrency=1)
def alone(x: int, log: str) -> int:
    with open(log, "a") as file:
        file.write("(")
        file.flush()
        time.sleep(0.05)
        file.write(")")
    return x


@task(resources={"gpu": 1})
def on_gpu(x: int) -> str:
    return os.environ["CUDA_VISIBLE_DEVICES"]


@task(resources={"gpu": 1, "memory": lambda attempt: "1GB"})
def gpu_pid(x: int) -> tuple[int, ...]:
    return (os.getpid(),)


@task(retries=2, retry_delay=0.01, retry_on=(MemoryError,), resources={"slots": lambda attempt: attempt + 1})
def hungry(marker: str, enough: int) -> int:
    """Run out of memory in each attempt before the one that is enough."""
    with open(marker, "a") as file:
        file.write("x")
    tried = len(Path(marker).read_text())
    if tried < enough:
        raise MemoryError
    return tried


@task(resources={"cpu": 2})
def wide(x: int, log: str) -> int:
    with open(log, "a") as file:
        file.write("(")
        file.flush()
        time.sleep(0.05)
        file.write(")")
    return x


@task
def spread(n: int) -> list[int]:
    return list(range(n))


@task
def square(x: int) -> int:
    return x * x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
def spoil(xs: list[int]) -> int:
    xs.append(1)
    return len(xs)


@task(keep="never")
def unkept(n: int) -> np.ndarray[Any, Any]:
    return np.arange(n)


@task
def summed(array: np.ndarray[Any, Any]) -> int:
    return int(array.sum())


@task
def nested(x: int) -> int:
    return square(x).eval() + 1


@task
def loaded(x: int) -> bool:
    return "merkl.execution.targets.worker" in sys.modules


@pipeline
def branching(x: int) -> Future[int]:
    return square(x) if square(x).v % 2 else add(x, 1)


@task
def described(view: memoryview) -> str:
    return f"{type(view).__name__} {view.format} {view.shape} {view.readonly}"
