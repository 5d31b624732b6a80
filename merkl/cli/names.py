"""From `module.function` or `path/to/file.py:function` to the function itself."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from merkl.cli.errors import UsageError
from merkl.graph.task import Task

__all__ = ["find_function", "load_module", "make_importable", "make_project_importable"]


def make_importable(folder: Path) -> None:
    """Have the modules in a folder found by `import`, before those of other folders."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def make_project_importable(folder: Path) -> None:
    """Have the modules of a folder found, and after all others those of its `src`, installed or not."""
    make_importable(folder)
    source = folder / "src"
    if source.is_dir() and not (source / "__init__.py").exists() and str(source) not in sys.path:
        sys.path.append(str(source))


def find_function(name: str) -> Any:
    """Return the function, task or pipeline that a name on the command line means.

    Raises `UsageError` with the closest names where there is none, or where the module does not import.
    """
    make_project_importable(Path.cwd())
    path, colon, inner = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _find_attribute(_load_file(Path(path)), inner, name)
    if name.endswith(".py"):
        raise UsageError(f"{name} is a file; say which function of it: {name}:FUNCTION")
    if colon:
        return _find_attribute(_import(path, name), inner, name)
    module, dot, inner = name.rpartition(".")
    if not dot:
        raise UsageError(f"{name!r} names no function; wanted is MODULE.FUNCTION or path/to/file.py:FUNCTION")
    return _find_in_modules(module, inner, name)


def load_module(name: str) -> ModuleType:
    """Return the module of a name or of the path of a file.

    Raises `UsageError` where there is none, and whatever the module itself raises while it is imported.
    """
    make_project_importable(Path.cwd())
    return _load_file(Path(name)) if name.endswith(".py") else _import(name, name)


def _find_in_modules(module: str, inner: str, name: str) -> Any:
    # A method is `module.Class.method`: the module may end earlier than the last dot.
    rest = [inner]
    while True:
        if _exists(module):
            return _find_attribute(_import(module, name), ".".join(rest), name)
        parent, dot, last = module.rpartition(".")
        if not dot or not _exists(parent):
            if dot:
                module, rest = parent, [last, *rest]
                continue
            raise UsageError(f"there is no module {module!r}{_suggest(module, _modules_here())}")
        loaded = _import(parent, name)
        if not hasattr(loaded, last):
            raise UsageError(
                f"there is no module {module!r}{_suggest(last, _submodules(loaded), prefix=parent + '.')}"
            )
        module, rest = parent, [last, *rest]


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ModuleNotFoundError, ValueError, AttributeError):
        return False


def _import(module: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise UsageError(f"there is no module {module!r}{_suggest(module, _modules_here())}") from None
        raise UsageError(
            f"{name}: importing {module!r} failed: it needs the module {error.name!r}, which is not there"
        ) from error
    except SyntaxError as error:
        raise UsageError(f"{name}: {error.filename}:{error.lineno}: {error.msg}") from error


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        nearby = [str(p) for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise UsageError(f"there is no file {path}{_suggest(str(path), nearby)}")
    # A file in a package is loaded as the module that it is: under another name its classes would be others.
    top = path.resolve()
    parts = [top.stem]
    while (top.parent / "__init__.py").exists():
        top = top.parent
        parts.insert(0, top.name)
    make_importable(top.parent)
    name = ".".join(parts)
    return _import(name, str(path)) if _is_file_of(name, path) else _exec_file(path)


def _is_file_of(module: str, path: Path) -> bool:
    if not all(part.isidentifier() for part in module.split(".")):
        return False
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == path.resolve()


def _exec_file(path: Path) -> ModuleType:
    name = "".join(c if c.isalnum() else "_" for c in path.stem)
    spec = importlib.util.spec_from_file_location(f"_merkl_{name}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise UsageError(f"{error.filename}:{error.lineno}: {error.msg}") from error
    return module


def _find_attribute(module: ModuleType, inner: str, name: str) -> Any:
    found: Any = module
    for part in inner.split("."):
        if not hasattr(found, part):
            raise UsageError(
                f"{name}: {module.__name__!r} has no {part!r}{_suggest(part, _callables(found))}"
            )
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(
            f"{name} is {type(found).__name__}, not a function{_suggest(inner, _callables(module))}"
        )
    return found


def _callables(namespace: Any) -> list[str]:
    found = vars(namespace) if hasattr(namespace, "__dict__") else {}
    own = getattr(namespace, "__name__", "")
    return [
        name
        for name, value in found.items()
        if callable(value)
        and not name.startswith("_")
        and (isinstance(value, Task) or str(getattr(value, "__module__", "")).startswith(own))
    ]


def _modules_here() -> list[str]:
    return [
        *(p.stem for p in Path.cwd().glob("*.py")),
        *(
            p.name
            for p in Path.cwd().iterdir()
            if p.is_dir() and p.name.isidentifier() and any(p.glob("*.py"))
        ),
    ]


def _submodules(package: ModuleType) -> list[str]:
    folders = [Path(folder) for folder in getattr(package, "__path__", ())]
    modules = [p.stem for folder in folders for p in folder.glob("*.py") if p.stem != "__init__"]
    packages = [p.parent.name for folder in folders for p in folder.glob("*/__init__.py")]
    return modules + packages + _callables(package)


def _suggest(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    known = sorted(set(known))
    close = difflib.get_close_matches(name, known, 3, 0.5)
    if close:
        return "; did you mean " + " or ".join(repr(prefix + n) for n in close) + "?"
    return f"; there are {', '.join(prefix + n for n in known[:8])}" if known else ""
