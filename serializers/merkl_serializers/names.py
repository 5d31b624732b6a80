"""What a class, a module or a function is called, the same in every process, and whose code it is."""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Final

from merkl_serializers.wire import pack_str

__all__ = [
    "SCRIPT_NAME",
    "class_header",
    "class_name",
    "is_builtin_module",
    "is_installed",
    "module_name",
    "resolves",
]

#: Where a standard-library class lives has moved between versions; keys must not.
_MOVED: Final = {
    "pathlib._local": "pathlib",
    "pathlib._abc": "pathlib",
    "pathlib.types": "pathlib",
    "_collections": "collections",
    "zipfile._path": "zipfile",
}

#: What the script is called that a process was started with, and in the processes that multiprocessing spawns.
_SCRIPTS: Final = ("__main__", "__mp_main__")

#: What the folders are called that packages are installed into.
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})

#: The attribute of `__main__` by which a process that works for a script knows the name of that script. `__file__` and
#: `__spec__` would have the processes that it starts run the script.
SCRIPT_NAME: Final = "__merkl_script__"


def module_name(name: str | None) -> str:
    """Return the name of a module; for a script the one that it has when imported."""
    if name not in _SCRIPTS:
        return _MOVED.get(name, name) if name else ""
    main = sys.modules.get("__main__")
    told = getattr(main, SCRIPT_NAME, None)
    if isinstance(told, str):
        return told
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name not in _SCRIPTS:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return _imported_name(file) if isinstance(file, str) else "__main__"


@functools.cache
def _imported_name(file: str) -> str:
    path = Path(file).absolute()
    parts = [path.stem]
    for folder in path.parents:
        if not (folder / "__init__.py").is_file():
            break
        parts.insert(0, folder.name)
    return ".".join(parts).removesuffix(".__main__")


def class_name(cls: type) -> tuple[str, str]:
    """Return module and qualified name of a class."""
    return module_name(cls.__module__), cls.__qualname__


def class_header(cls: type) -> bytes:
    """Return the encoding of a class's name, as it stands before the value of an instance."""
    module, name = class_name(cls)
    return pack_str(module) + pack_str(name)


def is_builtin_module(module: str | None) -> bool:
    """Say whether a module belongs to Python itself; one of the user's may have its name (`profile.py`, `code.py`).

    >>> is_builtin_module("collections.abc"), is_builtin_module("numpy")
    (True, False)
    """
    top = str(module).partition(".")[0]
    if not module or top not in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(top), "__file__", None)
    return not isinstance(file, str) or _is_in_standard_library(file)


@functools.cache
def _is_in_standard_library(file: str) -> bool:
    paths = sysconfig.get_paths()
    folders = {paths["stdlib"], paths["platstdlib"], os.path.dirname(os.__file__)}
    places = {os.path.abspath(file), os.path.realpath(file)}
    return any(place.startswith(f"{folder}{os.sep}") for place in places for folder in folders)


@functools.cache
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths["purelib"], paths["platlib"], *site.getsitepackages(), site.getusersitepackages()}
    return tuple(f"{folder}/" for folder in sorted(folders))


def is_installed(module: str | None) -> bool:
    """Say whether a module is Python's own or an installed package's, and so is named instead of entered."""
    if is_builtin_module(module):
        return True
    loaded = sys.modules.get(module or "")
    file = getattr(loaded, "__file__", None)
    if not isinstance(file, str):
        return False
    return file.startswith(_library_folders()) or _is_in_other_environment(file)


@functools.cache
def _is_in_other_environment(file: str) -> bool:
    """Say whether a file lies among the packages of another environment, which `PYTHONPATH` or a `.pth` file names."""
    return not _INSTALLED.isdisjoint(Path(file).parts)


def resolves(value: object, module: str | None, qualname: str) -> bool:
    """Say whether looking up a qualified name in a loaded module gives this very object."""
    found: object = sys.modules.get(module or "")
    if not isinstance(found, ModuleType):
        return False
    for part in qualname.split("."):
        found = getattr(found, part, None)
        if found is None:
            return False
    return found is value
