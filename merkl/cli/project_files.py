"""The files of a project that use MerkL: those that import it, and those that import one of these."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from merkl.cli.errors import UsageError

__all__ = ["ProjectFiles", "find_project_files"]

_SKIPPED = frozenset(
    {"tests", "test", "build", "dist", "docs", "node_modules", "site-packages", "venv", "env"}
)
_IMPORTS_MERKL = re.compile(r"^\s*(?:from|import)\s+merkl\b", re.MULTILINE)
_IMPORT = re.compile(r"^\s*import\s+([\w., ]+)", re.MULTILINE)
_FROM = re.compile(r"^\s*from\s+(\.*)([\w.]*)\s+import\s+(\([^)]*\)|[^\n#;]+)", re.MULTILINE)


@dataclass(slots=True)
class ProjectFiles:
    """The files of a folder that import merkl, and those that only import such a file, however far off."""

    direct: list[str] = field(default_factory=list)
    indirect: list[str] = field(default_factory=list)


def find_project_files(root: Path) -> ProjectFiles:
    """Return the Python files below a folder that use MerkL, tests aside.

    Raises `UsageError` where no file imports it.
    """
    texts = {path: _text_of(path) for path in _python_files(root)}
    using = {path for path, text in texts.items() if _IMPORTS_MERKL.search(text)}
    if not using:
        raise UsageError(f"no Python file in {root} imports merkl; name the modules to check")
    direct = using.copy()
    others = {path: set(_imported_files(path, text, root)) & texts.keys() for path, text in texts.items()}
    while found := {path for path, imported in others.items() if path not in using and imported & using}:
        using |= found
    return ProjectFiles(
        [str(path) for path in texts if path in direct],
        [str(path) for path in texts if path in using - direct],
    )


def _python_files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if _is_looked_into(Path(folder) / name))
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith(("test_", "conftest.", "setup.")):
                yield Path(folder) / name


def _is_looked_into(folder: Path) -> bool:
    name = folder.name
    return not (name.startswith((".", "_")) or name in _SKIPPED or (folder / "pyvenv.cfg").exists())


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _imported_files(path: Path, text: str, root: Path) -> Iterator[Path]:
    """Where the modules that a file names in its imports would be, if they are the project's."""
    tops = [folder for folder in path.parents if folder == root or root in folder.parents]
    tops += (root / "src", root.parent)
    for names in _IMPORT.findall(text):
        for name in names.split(","):
            for top in tops:
                yield from _files_of_module(top, name.split()[0] if name.strip() else "")
    for dots, module, names in _FROM.findall(text):
        above = [path.parents[len(dots) - 1]] if 0 < len(dots) <= len(path.parents) else tops
        inside = [name.split()[0] for name in names.strip("()").split(",") if name.strip()]
        for top in above:
            yield from _files_of_module(top, module)
            for name in inside:
                yield from _files_of_module(top, f"{module}.{name}".lstrip("."))


def _files_of_module(top: Path, module: str) -> tuple[Path, ...]:
    place = top.joinpath(*module.split("."))
    return place.with_name(f"{place.name}.py"), place / "__init__.py"
