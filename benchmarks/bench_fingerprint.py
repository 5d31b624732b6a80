"""How long the fingerprints of 1,000 tasks in 100 modules take: with nothing stored, with stored digests, and held.

Seconds of the processor, so that other work of the machine counts little.

Run: python benchmarks/bench_fingerprint.py [tasks] [modules]. Each row is a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

_BODY = '''
def helper_{m}_{n}(x: int) -> int:
    """Say what it does."""
    total = 0
    for i in range(x):
        if i % 3 == 0 and i not in LIMITS:
            total += i * {n} + {m}
        else:
            total -= len([y for y in range(i) if y > {n}])
    return total


@task
def task_{m}_{n}(x: int, scale: float = 1.5) -> float:
    return scale * helper_{m}_{n}(x) + common(x){other}
'''

_MEASURE = """
import importlib, sys, time
from merkl import Workspace
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = False
modules = [importlib.import_module(f"pkg.mod_{m}") for m in range(int(sys.argv[3]))]
tasks = [t for m in modules for n, t in sorted(vars(m).items()) if n.startswith("task_")]
with Workspace(sys.argv[1]) as workspace:
    fingerprinter = workspace.fingerprinter
    fingerprinter.fingerprint(len)
    start = time.process_time()
    first = [fingerprinter.fingerprint(t.fn) for t in tasks]
    middle = time.process_time()
    again = [f.is_current() for f in first]
    end = time.process_time()
    workspace.close()
assert len({f.digest for f in first}) == len(tasks) == int(sys.argv[2])
print(f"{middle - start:.4f} {end - middle:.4f}")
"""


def write_project(folder: Path, tasks: int, modules: int) -> None:
    """Write a project whose modules use each other."""
    package = folder / "pkg"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    (folder / ".merkl").mkdir()
    (package / "__init__.py").write_text("")
    (package / "common.py").write_text("LIMITS = {1, 2, 3}\n\n\ndef common(x):\n    return x % 7\n")
    for m in range(modules):
        head = "from merkl import task\nfrom pkg.common import LIMITS, common\n"
        other = ""
        if m:
            head += f"from pkg.mod_{m - 1} import helper_{m - 1}_0\n"
            other = f" + helper_{m - 1}_0(x)"
        body = "".join(_BODY.format(m=m, n=n, other=other) for n in range(tasks // modules))
        (package / f"mod_{m}.py").write_text(head + body)


def measure(folder: Path, tasks: int, modules: int) -> tuple[float, float]:
    """Return the seconds for all fingerprints in a fresh process, and for all of them once more."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(folder), str(tasks), str(modules)],
        capture_output=True,
        text=True,
        check=True,
    )
    first, again = map(float, done.stdout.split())
    return first, again


def main(tasks: int = 1000, modules: int = 100) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        write_project(folder, tasks, modules)
        start = time.perf_counter()
        cold, held = measure(folder, tasks, modules)
        warm = min(measure(folder, tasks, modules)[0] for _ in range(3))
        print(f"{tasks} tasks in {modules} modules ({time.perf_counter() - start:.1f} s in all)")
        print(f"  cold, nothing stored   {cold * 1000:8.1f} ms")
        print(f"  warm, a second process {warm * 1000:8.1f} ms")
        print(f"  held, the same process {held * 1000:8.1f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
