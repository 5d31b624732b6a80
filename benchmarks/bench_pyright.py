"""What tasks cost a type checker without plugins: `python benchmarks/bench_pyright.py [TASKS [CALLS]]`.

One module of functions and calls is checked twice, plain and under `@task`, by each checker that is installed; the
number to look at is the ratio. mypy runs with the plugin.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

_TYPES = {
    "int": "1",
    "str": "'a'",
    "float": "1.5",
    "bytes": "b''",
    "list[int]": "[1]",
    "dict[str, int]": "{'a': 1}",
    "Point": "Point(1)",
    "int | None": "None",
}
_HEAD = """\
from dataclasses import dataclass
from merkl import task


@dataclass(frozen=True)
class Point:
    x: int

"""


def write_module(path: Path, tasks: int, calls: int, *, decorated: bool) -> None:
    """Write functions of one to four parameters, and calls that pass results of earlier calls on."""
    rng = random.Random(7)
    names, lines, made = list(_TYPES), [_HEAD], dict[str, list[str]]()
    signatures: list[list[str]] = []
    for index in range(tasks):
        kinds = [rng.choice(names) for _ in range(rng.randint(1, 4))]
        signatures.append(kinds)
        parameters = ", ".join(f"p{i}: {kind}" for i, kind in enumerate(kinds))
        lines.append("@task" if decorated else "")
        lines.append(
            f"def f{index}({parameters}) -> {names[index % len(names)]}:\n    raise NotImplementedError\n"
        )
    for index in range(calls):
        chosen = rng.randrange(tasks)
        given = []
        for i, kind in enumerate(signatures[chosen]):
            earlier = made.get(kind)
            value = rng.choice(earlier) if earlier and rng.random() < 0.7 else _TYPES[kind]
            given.append(f"p{i}={value}" if i and rng.random() < 0.1 else value)
            if "=" in given[-1]:
                given += [f"p{j}={_TYPES[k]}" for j, k in enumerate(signatures[chosen]) if j > i]
                break
        lines.append(f"r{index} = f{chosen}({', '.join(given)})")
        made.setdefault(names[chosen % len(names)], []).append(f"r{index}")
    path.write_text("\n".join(lines))


def _sources() -> list[str]:
    """The folders on the path that MerkL's packages come from."""
    names = ("merkl", "merkl_serializers")
    return [p for p in sys.path if p and any((Path(p) / name / "__init__.py").exists() for name in names)]


def _commands(folder: Path) -> dict[str, list[str]]:
    tools, sources = Path(sys.executable).parent, _sources()
    settings = {"typeCheckingMode": "standard", "extraPaths": sources}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    (folder / "mypy.ini").write_text("[mypy]\nplugins = merkl_mypy\n")
    ty_paths = [word for path in sources for word in ("--extra-search-path", path)]
    pyrefly_paths = [word for path in sources for word in ("--search-path", path)]
    return {
        "basedpyright": [f"{tools}/basedpyright", "--level", "error", "--pythonpath", sys.executable],
        "ty": [f"{tools}/ty", "check", "--python", sys.prefix, *ty_paths],
        "pyrefly": [
            f"{tools}/pyrefly",
            "check",
            "--python-interpreter-path",
            sys.executable,
            *pyrefly_paths,
        ],
        "mypy": [sys.executable, "-m", "mypy", "--no-incremental"],
    }


def _seconds(command: list[str], name: str, folder: Path) -> float:
    """Seconds of processor time, which other work on the machine changes less than the time that passes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, name], cwd=folder, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(done.stdout[-1500:], done.stderr[-1500:])
    return after.ru_utime - before.ru_utime


def main() -> None:
    """Print the seconds for plain functions and for tasks, and their ratio, for each checker."""
    tasks, calls, only = (*map(int, sys.argv[1:3]), *(1000, 5000)[len(sys.argv[1:3]) :], sys.argv[3:])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_module(folder / "plain.py", tasks, calls, decorated=False)
        write_module(folder / "lazy.py", tasks, calls, decorated=True)
        print(f"{tasks} tasks, {calls} calls      plain     tasks     ratio")
        for checker, command in _commands(folder).items():
            if not Path(command[0]).exists() or (only and checker not in only):
                continue
            plain, lazy = (_seconds(command, name, folder) for name in ("plain.py", "lazy.py"))
            print(f"{checker:24} {plain:9.1f} {lazy:9.1f} {lazy / plain:9.2f}")


if __name__ == "__main__":
    main()
