"""Stores results in forked children, each killed one step later than the one before; prints what was found after.

A step is any call into C that touches file or database. Run as a script: `kill_at_every_step.py FOLDER`.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from merkl.cache import SqliteCache
from merkl.cache.contract import make_entry, make_key, read

STEPS = frozenset(
    {"write", "fsync", "rename", "execute", "fchmod", "mkdir", "connect", "open", "fstat", "close"}
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


def child(folder: Path, step: int) -> int:
    """Store three results in a child that dies at `step`; return how it ended."""
    pid = os.fork()
    if pid == 0:
        cache = SqliteCache(folder, delay=60)
        sys.setprofile(kill_at(step))
        for key in (SMALL, MIDDLE, LARGE):
            cache.put(key, make_entry(CONTENTS[key]))
            cache.flush()
        cache.close()
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def check(folder: Path) -> list[str]:
    """Return what is wrong in a cache whose writer was killed."""
    wrong = []
    cache = SqliteCache(folder)
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
    cache.close()
    return wrong


def main(folder: Path) -> None:
    """Go through all steps until a child finishes."""
    step = 0
    status = 1
    while status:
        step += 1
        place = folder / str(step)
        cache = SqliteCache(place)
        cache.put(BEFORE, make_entry(CONTENTS[BEFORE]))
        cache.close()
        status = child(place, step)
        for problem in check(place):
            print(f"killed at step {step}: {problem}")
        shutil.rmtree(place)
    print("steps", step)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
