"""How much slower mypy is on a module of 1,000 tasks and 5,000 calls than on the same module without decorators.

Both are checked with a warm cache of everything else, in turn, several times; the ratio of the medians counts (goal: at
most 1.10). The part that goes to the decorated module alone is printed as well. Then the same for calls of other shapes:
inside of pipelines, nested in each other, in comprehensions, of generic tasks and of methods.

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
from collections.abc import Callable
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


Maker = Callable[[random.Random, dict[str, list[tuple[str, str]]], int, bool], list[str]]


def source(tasks: int, calls: int, *, decorated: bool, shape: str = "names") -> str:
    """A module of functions and of calls that pass on each other's results."""
    lines = ["from typing import Sequence, TypeVar", "T = TypeVar('T')"]
    lines += ["from merkl import Future, pipeline, task" if decorated else "import merkl", ""]
    by_result: dict[str, list[tuple[str, str]]] = {name: [] for name, _ in _RESULTS}
    for number in range(tasks):
        parameters, arguments = _PARAMETERS[number % len(_PARAMETERS)]
        result, body = _RESULTS[number % len(_RESULTS)]
        lines += ["@task"] if decorated else []
        lines += [f"def fn_{number}({parameters}) -> {result}:", f"    {body}"]
        by_result[result].append((f"fn_{number}", arguments))
    lines += _SHAPES[shape](random.Random(1), by_result, calls, decorated)
    return "\n".join(lines) + "\n"


def _call(
    draw: random.Random, by_result: dict[str, list[tuple[str, str]]], made: dict[str, list[str]]
) -> str:
    """A call whose arguments are constants and results of others; it is put down under its result as the next variable."""
    result = draw.choice(list(by_result))
    name, arguments = draw.choice(by_result[result])
    given = {
        kind: draw.choice(made[kind]) if made[kind] and draw.random() < 0.7 else _CONSTANTS[kind]
        for kind in by_result
    }
    made[result].append(f"v_{sum(map(len, made.values()))}")
    return f"{made[result][-1]} = {name}({arguments.format(**given)})"


def _names(
    draw: random.Random, by_result: dict[str, list[tuple[str, str]]], calls: int, decorated: bool
) -> list[str]:
    made: dict[str, list[str]] = {name: [] for name in by_result}
    return [_call(draw, by_result, made) for _ in range(calls)]


def _pipelines(
    draw: random.Random, by_result: dict[str, list[tuple[str, str]]], calls: int, decorated: bool
) -> list[str]:
    lines: list[str] = []
    for number in range(calls // 20):
        made: dict[str, list[str]] = {name: [] for name in by_result}
        lines += ["@pipeline"] if decorated else []
        lines += [f"def pipe_{number}() -> {'Future[str]' if decorated else 'str'}:"]
        lines += [f"    {_call(draw, by_result, made)}" for _ in range(19)]
        lines += ["    return fn_1([1], 2.0)"]
    return lines


def _nested(
    draw: random.Random, by_result: dict[str, list[tuple[str, str]]], calls: int, decorated: bool
) -> list[str]:
    def call(result: str, depth: int) -> str:
        name, arguments = draw.choice(by_result[result])
        given = {
            kind: call(kind, depth - 1) if depth and draw.random() < 0.5 else _CONSTANTS[kind]
            for kind in by_result
        }
        return f"{name}({arguments.format(**given)})"

    lines: list[str] = []
    count = 0
    while count < calls:
        lines.append(f"v_{len(lines)} = {call(draw.choice(list(by_result)), 2)}")
        count += lines[-1].count("fn_")
    return lines


def _comprehensions(
    draw: random.Random, by_result: dict[str, list[tuple[str, str]]], calls: int, decorated: bool
) -> list[str]:
    lines = []
    for number in range(calls):
        name, arguments = draw.choice(by_result[draw.choice(list(by_result))])
        lines.append(
            f"v_{number} = [{name}({arguments.format(int='i', str='s', float='2.5')}) for i, s in enumerate('abc')]"
        )
    return lines


def _generic(
    draw: random.Random, by_result: dict[str, list[tuple[str, str]]], calls: int, decorated: bool
) -> list[str]:
    lines: list[str] = []
    for number in range(200):
        lines += ["@task"] if decorated else []
        lines += [f"def generic_{number}(xs: Sequence[T], n: int = 0) -> T:", "    return xs[n]"]
    passed = ("3", "fn_0(1)")
    return lines + [f"v_{n} = generic_{n % 200}([{n}, 2], {passed[n % 2]})" for n in range(calls)]


def _methods(
    draw: random.Random, by_result: dict[str, list[tuple[str, str]]], calls: int, decorated: bool
) -> list[str]:
    lines: list[str] = []
    for number in range(50):
        lines.append(f"class C{number}:")
        for method in range(20):
            lines += ["    @task"] if decorated else []
            lines += [f"    def m{method}(self, x: int, y: str = '') -> int:", "        return 1"]
        lines.append(f"c{number} = C{number}()")
    lines.append("v_0 = fn_0(1)")
    passed = ("5", "v_0", "v_{}")
    return lines + [
        f"v_{n} = c{n % 50}.m{n % 20}({passed[n % 3].format(n - 1)}, y='a')" for n in range(1, calls)
    ]


_SHAPES: dict[str, Maker] = {
    "names": _names,
    "pipelines": _pipelines,
    "nested": _nested,
    "comprehensions": _comprehensions,
    "generic": _generic,
    "methods": _methods,
}


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


def compare(tasks: int, calls: int, rounds: int, shape: str) -> tuple[float, float, float]:
    """Seconds for the plain module, the decorated one, and the start of mypy with the plugin: medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plain.ini").write_text("[mypy]\ncache_dir=.plain\n")
        (folder / "lazy.ini").write_text("[mypy]\ncache_dir=.lazy\nplugins=merkl_mypy\n")
        (folder / "plain.py").write_text(source(tasks, calls, decorated=False, shape=shape))
        (folder / "lazy.py").write_text(source(tasks, calls, decorated=True, shape=shape))
        sides = {"plain.py": "plain.ini", "lazy.py": "lazy.ini"}
        (folder / "empty.py").write_text("import merkl\n")
        for module, config in sides.items():
            check(folder, module, config)
        times: dict[str, list[float]] = {module: [] for module in (*sides, "empty.py")}
        for _ in range(rounds):
            for module, config in (*sides.items(), ("empty.py", "lazy.ini")):
                times[module].append(check(folder, module, config))
    plain, lazy, start = (statistics.median(times[module]) for module in (*sides, "empty.py"))
    return plain, lazy, start


def main() -> None:
    tasks, calls, rounds = (
        int(word) for word in [*sys.argv[1:], *("1000", "5000", "5")[len(sys.argv) - 1 :]]
    )
    print(f"{tasks} tasks, {calls} calls; in brackets without the start of mypy")
    for shape in _SHAPES:
        plain, lazy, start = compare(tasks, calls, rounds, shape)
        alone = (lazy - start) / (plain - start)
        print(
            f"  {shape:<15} plain {plain:.2f} s, with the plugin {lazy:.2f} s: {lazy / plain:.2f} times ({alone:.2f})"
        )


if __name__ == "__main__":
    main()
