"""How much slower mypy is on a module of 1,000 tasks and 5,000 calls than on the same module without decorators.

Both are checked with a warm cache of everything else, in turn, several times; the ratio of the medians counts (goal: at
most 1.10). The part that goes to the decorated module alone is printed as well.

    python benchmarks/bench_mypy.py [tasks [calls [rounds]]]
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_PARAMETERS = (
    ("x: int, y: str = ''", "{int}, y={str}"),
    ("xs: list[int], scale: float = 1.0", "[{int}, {int}], scale={float}"),
    ("table: dict[str, float], key: str", "{{'a': {float}}}, {str}"),
    ("x: float, *, n: int = 3", "{float}, n={int}"),
    ("text: str, *more: str", "{str}, {str}, {str}"),
)
_RESULTS = (("int", "return 1"), ("str", "return ''"), ("float", "return 1.0"))
_CONSTANTS = {"int": "3", "str": "'a'", "float": "2.5"}


def source(tasks: int, calls: int, *, decorated: bool) -> str:
    """A module of functions and of calls that pass on each other's results."""
    draw = random.Random(1)
    lines = ["from merkl import task" if decorated else "import merkl", ""]
    by_result: dict[str, list[tuple[str, str]]] = {name: [] for name, _ in _RESULTS}
    for number in range(tasks):
        parameters, arguments = _PARAMETERS[number % len(_PARAMETERS)]
        result, body = _RESULTS[number % len(_RESULTS)]
        lines += ["@task"] if decorated else []
        lines += [f"def fn_{number}({parameters}) -> {result}:", f"    {body}"]
        by_result[result].append((f"fn_{number}", arguments))
    made: dict[str, list[str]] = {name: [] for name in by_result}
    for number in range(calls):
        result = draw.choice(list(by_result))
        name, arguments = draw.choice(by_result[result])
        given = {
            kind: draw.choice(made[kind]) if made[kind] and draw.random() < 0.7 else _CONSTANTS[kind]
            for kind in by_result
        }
        lines.append(f"v_{number} = {name}({arguments.format(**given)})")
        made[result].append(f"v_{number}")
    return "\n".join(lines) + "\n"


def check(folder: Path, module: str, config: str) -> float:
    """Seconds that one run of mypy takes over an edited module."""
    path = folder / module
    path.write_text(path.read_text() + "#\n")
    command = [sys.executable, "-m", "mypy", "--strict", f"--config-file={config}", module]
    # An installed plugin has its bytecode beside it.
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=settings, check=False)
    taken = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return taken


def main() -> None:
    tasks, calls, rounds = (
        int(word) for word in [*sys.argv[1:], *("1000", "5000", "5")[len(sys.argv) - 1 :]]
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plain.ini").write_text("[mypy]\ncache_dir=.plain\n")
        (folder / "lazy.ini").write_text("[mypy]\ncache_dir=.lazy\nplugins=merkl_mypy\n")
        (folder / "plain.py").write_text(source(tasks, calls, decorated=False))
        (folder / "lazy.py").write_text(source(tasks, calls, decorated=True))
        sides = {"plain.py": "plain.ini", "lazy.py": "lazy.ini"}
        (folder / "empty.py").write_text("import merkl\n")
        for module, config in sides.items():
            check(folder, module, config)
        times: dict[str, list[float]] = {module: [] for module in (*sides, "empty.py")}
        for _ in range(rounds):
            for module, config in (*sides.items(), ("empty.py", "lazy.ini")):
                times[module].append(check(folder, module, config))
    plain, lazy, start = (statistics.median(times[module]) for module in (*sides, "empty.py"))
    print(
        f"{tasks} tasks, {calls} calls: plain {plain:.2f} s, with the plugin {lazy:.2f} s: {lazy / plain:.2f} times"
    )
    print(f"without the start of mypy ({start:.2f} s): {(lazy - start) / (plain - start):.2f} times")


if __name__ == "__main__":
    main()
