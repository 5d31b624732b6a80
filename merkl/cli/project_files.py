"""The files of a project that use MerkL: those that import it, and those that import one of these."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
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
    texts = {os.fspath(path): _text_of(path) for path in _python_files(root)}
    using = {path for path, text in texts.items() if _IMPORTS_MERKL.search(text)}
    if not using:
        raise UsageError(f"no Python file in {root} imports merkl; name the modules to check")
    direct = using.copy()
    known = {part.removesuffix(".py") for path in texts for part in path.split(os.sep)}
    others = {
        path: texts.keys() & set(_imported_files(path, text, root, known))
        for path, text in texts.items()
        if path not in direct
    }
    while found := {path for path, imported in others.items() if path not in using and imported & using}:
        using |= found
    return ProjectFiles(
        [path for path in texts if path in direct], [path for path in texts if path in using - direct]
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


def _imported_files(path: str, text: str, root: Path, known: Collection[str]) -> Iterator[str]:
    """Where the modules that a file names in its imports would be, if they are the project's.

    `known` are the names of its files and folders: an import of anything else is none of it.
    """
    above = [folder for folder in Path(path).parents if folder == root or root in folder.parents]
    tops = list(map(os.fspath, (*above, root / "src", root.parent)))
    for names in _IMPORT.findall(text):
        for name in names.split(","):
            yield from _files_of_module(tops, name.split()[0] if name.strip() else "", known)
    for dots, module, names in _FROM.findall(text):
        inside = [name.split()[0] for name in names.strip("()").split(",") if name.strip()]
        folders = [os.fspath(folder) for folder in list(Path(path).parents)[len(dots) - 1 : len(dots)]]
        for each in (module, *(f"{module}.{name}".lstrip(".") for name in inside)):
            yield from _files_of_module(folders if dots else tops, each, known)


def _files_of_module(tops: Iterable[str], module: str, known: Collection[str]) -> Iterator[str]:
    if not module or module.partition(".")[0] in known:
        place = module.replace(".", os.sep)
        for top in tops:
            yield os.path.normpath(os.path.join(top, f"{place}.py"))
            yield os.path.normpath(os.path.join(top, place, "__init__.py"))
