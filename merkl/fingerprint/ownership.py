"""Whose code is it: the user's (entered), or the standard library's and installed packages' (only named)."""

from __future__ import annotations

import builtins
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType, MethodDescriptorType, ModuleType, WrapperDescriptorType

__all__ = ["Ownership"]

_OURS = {"merkl", "merkl_serializers", "merkl_mypy"}
_MAKERS = {"types", "typing", "abc", "dataclasses", "collections", "enum"}
#: `Py_TPFLAGS_HEAPTYPE`: made by a `class` statement or a call of `type`, not compiled into the interpreter.
_HEAP_TYPE = 1 << 9
_INSTALLED = {"site-packages", "dist-packages"}


class Ownership:
    """Tells the user's modules from others.

    The user's are all that are neither the standard library's nor installed: so those of the project, of
    editable installs, of folders on the path, `__main__`, notebook cells; and the packages named by `track`.
    """

    def __init__(self, project_root: Path | None, track: Sequence[str] = ()) -> None:
        self._root = os.path.realpath(project_root) if project_root is not None else None
        self._track = frozenset(track)
        self._files: dict[str, bool] = {}
        self._relative: dict[str, str] = {}
        paths = sysconfig.get_paths()
        self._library = tuple({os.path.realpath(paths[name]) + os.sep for name in ("stdlib", "platstdlib")})

    def owns_function(self, fn: FunctionType) -> bool:
        """Tell whether a function is the user's code."""
        return self._owns(fn.__globals__.get("__name__"), fn.__code__.co_filename, fn.__globals__)

    def owns_class(self, cls: type) -> bool:
        """Tell whether a class is the user's code."""
        module = sys.modules.get(cls.__module__)
        if cls.__module__ in _MAKERS and not hasattr(module, cls.__qualname__.partition(".")[0]):
            return True  # made on the user's behalf, by `make_dataclass` say, and so named after its maker
        if module is builtins:
            # What `exec` makes in a namespace without `__name__` says that it is a builtin.
            return bool(cls.__flags__ & _HEAP_TYPE) and getattr(builtins, cls.__name__, None) is not cls
        if not isinstance(module, ModuleType):  # not loaded, or an object was put in its place
            if _is_compiled(cls):
                return False
            return self._owns(cls.__module__, _file_of_methods(cls), {})
        return self.owns_module(module)

    def owns_module(self, module: ModuleType) -> bool:
        """Tell whether a module is the user's code."""
        namespace = module.__dict__
        path = namespace.get("__file__")
        if path is None:
            paths = list(namespace.get("__path__", ()))
            if paths:  # a namespace package
                return all(
                    self._owns(module.__name__, os.path.join(p, "__init__.py"), namespace) for p in paths
                )
            return module.__name__ == "__main__"
        return self._owns(module.__name__, path, namespace)

    def owns_path(self, name: str, path: str | None) -> bool:
        """Tell whether a module that is not imported yet is the user's, by its name and where it lies."""
        return path is not None and self._owns(name, path, {})

    def _owns(self, module: object, path: str, namespace: dict[str, object]) -> bool:
        name = module if isinstance(module, str) else ""
        if name.partition(".")[0] in _OURS:
            return False
        if self._track and any(name == tracked or name.startswith(tracked + ".") for tracked in self._track):
            return True
        if path.startswith("<") or not os.path.isabs(path):
            return self._owns_unfiled(name, path, namespace)
        return self._owns_file(path)

    def _owns_file(self, path: str) -> bool:
        known = self._files.get(path)
        if known is None:
            known = self._files[path] = self._is_users_file(path)
        return known

    def _is_users_file(self, path: str) -> bool:
        if not path.endswith((".py", ".pyw", ".pyc", ".ipy")) and path.endswith((".so", ".pyd", ".dylib")):
            return False
        real = os.path.realpath(path)
        for candidate in (path, real):
            if _INSTALLED.intersection(Path(candidate).parts):
                return False
            if any(candidate.startswith(folder) for folder in self._library):
                return False
        return True

    def _owns_unfiled(self, name: str, path: str, namespace: dict[str, object]) -> bool:
        """Tell it for code that comes from no file: a prompt, a cell, `exec`, or what a library generates."""
        if path.startswith("<frozen"):
            return False
        if name == "__main__" or not name:
            return True
        file = namespace.get("__file__")
        if isinstance(file, str) and os.path.isabs(file):
            return self._owns_file(file)
        return name.partition(".")[0] not in sys.stdlib_module_names and not isinstance(file, str)

    def relative(self, path: str) -> str:
        """Return a path relative to the project where it lies inside, else as it is."""
        known = self._relative.get(path)
        if known is None:
            known = self._relative[path] = self._make_relative(path)
        return known

    def _make_relative(self, path: str) -> str:
        if self._root is not None:
            real = os.path.realpath(path)
            if real.startswith(self._root + os.sep):
                return os.path.relpath(real, self._root)
        return path


def _is_compiled(cls: type) -> bool:
    """Say whether a class comes from C: only there does a class that has no source hold wrapped slots of its own."""
    return any(
        isinstance(value, WrapperDescriptorType | MethodDescriptorType) for value in vars(cls).values()
    )


def _file_of_methods(cls: type) -> str:
    """Return the file that the methods of a class come from."""
    files = (value.__code__.co_filename for value in vars(cls).values() if isinstance(value, FunctionType))
    return next(files, "<unknown>")
