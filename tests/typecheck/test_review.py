"""Misuse of Futures that reaches no hook of mypy's: found by the review of the module."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SOURCE = """
from collections.abc import Callable
from typing import TypeVar
from merkl import Future, task
T = TypeVar("T")

@task
def inc(x: int) -> int:
    inc(x)  # merkl-task-in-task
    return inc(x).v

def takes(x: object) -> None: ...

def use(f: Future[int]) -> None:
    if inc(f):  # merkl-future-bool
        pass
    b = not f  # merkl-future-bool
    s = f"{f}"  # merkl-future-format
    t = f"{f!r}"
    e = f == 1  # merkl-future-compare
    takes(f)  # merkl-future-value
    repr(f)
    if f is not None:  # merkl-future-compare
        pass

def may(f: Future[int] | None) -> None:
    if f is not None:
        pass

def default(f: Future[int], g: object = lambda f, x=not inc(1): x) -> None: ...  # merkl-future-bool

def deco(x: object) -> Callable[[T], T]: ...

@deco(f"{inc(1)}")  # merkl-future-format
class Kept:
    @deco(inc(1) == 1)  # merkl-future-compare
    def method(self, x: bool = bool(inc(1))) -> None: ...  # merkl-future-bool
"""


def test_each_misuse_has_its_code(tmp_path: Path) -> None:
    """The lines with a comment are reported under that code, the others are not."""
    (tmp_path / "use.py").write_text(SOURCE)
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = merkl_mypy\nfollow_imports = silent\n")
    command = [sys.executable, "-m", "mypy", "use.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = set(re.findall(r"use\.py:(\d+): error: .*\[(merkl-[a-z-]+)\]", done.stdout))
    lines = enumerate(SOURCE.splitlines(), 1)
    assert found == {(str(n), line.split("# ")[1]) for n, line in lines if "# merkl" in line}, done.stdout
