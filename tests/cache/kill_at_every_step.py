"""Stores results in forked children, each killed one step later than the one before; prints what was found after.

A step is any call into C that touches file or database. Run as a script: `kill_at_every_step.py FOLDER sqlite|files`.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from merkl.cache import BaseCache, FileCache, SqliteCache
from merkl.cache.contract import make_entry, make_key, read
from merkl.cache.repair import verify

STEPS = frozenset(
    {"write", "fsync", "rename", "replace", "execute", "fchmod", "mkdir", "connect", "open", "fstat", "close"}
)
BEFORE, SMALL, MIDDLE, LARGE = (make_key(number) for number in range(4))
CONTENTS = {BEFORE: b"b" * 70_000, SMALL: b"s" * 10, MIDDLE: b"m" * 5000, LARGE: b"l" * 300_000}


def kill_at(step: int) -> Any:
    """Return a profiler that kills this process at its n-th step."""
    seen = 0

    def profile(frame: Any, event: str, function: Any) -> None:
        nonlocal seen
        if event in ("c_call", "c_return") and getattr(function, "__name__", "") in STEPS:
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    return profile


def open_cache(kind: str, folder: Path) -> BaseCache:
    """Return the cache that is tried."""
    return SqliteCache(folder, delay=60) if kind == "sqlite" else FileCache(folder)


def child(kind: str, folder: Path, step: int) -> int:
    """Store three results in a child that dies at `step`; return how it ended."""
    pid = os.fork()
    if pid == 0:
        cache = open_cache(kind, folder)
        sys.setprofile(kill_at(step))
        for key in (SMALL, MIDDLE, LARGE):
            cache.put(key, make_entry(CONTENTS[key]))
            cache.flush()
        cache.close()
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def check(kind: str, folder: Path) -> list[str]:
    """Return what is wrong in a cache whose writer was killed."""
    wrong = []
    cache = open_cache(kind, folder)
    if verify(cache):
        wrong.append(f"not clean: {verify(cache)}")
    if read(cache.get(BEFORE)) != CONTENTS[BEFORE]:
        wrong.append("a finished result is lost")
    known = set(cache.keys())
    for key, content in CONTENTS.items():
        found = read(cache.get(key))
        if found not in (None, content) or (found is None) != (key not in known):
            wrong.append(f"{key[:4]} is {found!r:.40}")
        cache.put(key, make_entry(content))
        if read(cache.get(key)) != content:
            wrong.append(f"{key[:4]} cannot be stored again")
    if verify(cache):
        wrong.append(f"not clean after storing again: {verify(cache)}")
    cache.close()
    return wrong


def main(folder: Path, kind: str) -> None:
    """Go through all steps until a child finishes."""
    step = 0
    status = 1
    while status:
        step += 1
        place = folder / str(step)
        cache = open_cache(kind, place)
        cache.put(BEFORE, make_entry(CONTENTS[BEFORE]))
        cache.close()
        status = child(kind, place, step)
        for problem in check(kind, place):
            print(f"killed at step {step}: {problem}")
        shutil.rmtree(place)
    print("steps", step)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
