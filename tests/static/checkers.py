"""The type checkers that read the programs of this folder, and what each says of a file, by line.

A line of a program that a checker must refuse ends in `# error: CHECKER, …` (or `# error: all`).
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

__all__ = ["CHECKERS", "PROGRAMS", "complaints_of", "expected_lines", "sources"]

PROGRAMS = Path(__file__).parent / "programs"
_TOOLS = Path(sys.executable).parent
_SECONDS = 120


def sources() -> list[str]:
    """The folders that the packages under test are imported from."""
    found = []
    for name in ("merkl", "merkl_serializers"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        found.append(str(Path(spec.origin).parent.parent))
    return found


def _run(tool: str, *words: str, folder: Path) -> str:
    command = [sys.executable, "-m", "mypy"] if tool == "mypy" else [str(_TOOLS / tool)]
    if tool != "mypy" and not Path(command[0]).exists():
        pytest.skip(f"{tool} is not installed beside this Python (it has no release for each platform)")
    done = subprocess.run(
        [*command, *words], cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode in (0, 1), done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _pyright(path: Path, folder: Path) -> list[dict[str, object]]:
    settings = {"typeCheckingMode": "standard", "extraPaths": sources(), "include": [str(path)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    printed = _run("basedpyright", "--outputjson", "--pythonpath", sys.executable, "-p", ".", folder=folder)
    found: list[dict[str, object]] = json.loads(printed)["generalDiagnostics"]
    return found


def _by_pyright(path: Path, folder: Path) -> dict[int, list[str]]:
    lines: dict[int, list[str]] = defaultdict(list)
    for found in _pyright(path, folder):
        if found["severity"] == "error":
            lines[found["range"]["start"]["line"] + 1].append(str(found["message"]))  # type: ignore[index]
    return lines


def _by_ty(path: Path, folder: Path) -> dict[int, list[str]]:
    places = [word for source in sources() for word in ("--extra-search-path", source)]
    printed = _run(
        "ty", "check", "--output-format", "concise", "--python", sys.prefix, *places, str(path), folder=folder
    )
    return _read_lines(printed, r"^.*?:(\d+):\d+: error(.*)$")


def _by_pyrefly(path: Path, folder: Path) -> dict[int, list[str]]:
    places = [word for source in sources() for word in ("--search-path", source)]
    (folder / "pyrefly.toml").write_text("")
    words = ["check", "--output-format", "min-text", "--python-interpreter-path", sys.executable, *places]
    return _read_lines(_run("pyrefly", *words, str(path), folder=folder), r"^ERROR .*?:(\d+):[\d:-]+ (.*)$")


def _by_mypy(path: Path, folder: Path) -> dict[int, list[str]]:
    (folder / "mypy.ini").write_text("[mypy]\nplugins = merkl_mypy\n")
    words = ["--config-file=mypy.ini", f"--cache-dir={folder}/cache", "--hide-error-context", str(path)]
    return _read_lines(_run("mypy", *words, folder=folder), r"^.*?:(\d+): error: (.*)$")


def _read_lines(printed: str, pattern: str) -> dict[int, list[str]]:
    lines: dict[int, list[str]] = defaultdict(list)
    for text in printed.splitlines():
        found = re.match(pattern, text)
        if found is not None:
            lines[int(found[1])].append(found[2])
    return lines


CHECKERS: dict[str, Callable[[Path, Path], dict[int, list[str]]]] = {
    "mypy": _by_mypy,
    "pyright": _by_pyright,
    "ty": _by_ty,
    "pyrefly": _by_pyrefly,
}


def complaints_of(checker: str, path: Path, folder: Path) -> dict[int, list[str]]:
    """What a checker finds wrong in a file, by line; `folder` is where its settings and cache may be put."""
    return CHECKERS[checker](path, folder)


def expected_lines(checker: str, path: Path) -> set[int]:
    """The lines that are marked as wrong for a checker."""
    found = set()
    for number, text in enumerate(path.read_text().splitlines(), 1):
        mark = re.search(r"# error: ([\w, ]+)$", text)
        if mark is not None and (mark[1] == "all" or checker in mark[1].split(", ")):
            found.add(number)
    return found
