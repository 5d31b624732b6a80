"""The user's modules, found by the names under which bodies import them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from merkl.fingerprint.ownership import Ownership

__all__ = ["UserModules", "absolute_name"]


class UserModules:
    """Finds modules of the user's by name, and imports them if need be."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    def find(self, absolute: str) -> object:
        """Return a module of the user's, or what the user has put in the place of one.

        None for other modules, and where it cannot be imported.
        """
        module: object = sys.modules.get(absolute)
        if module is None:
            if not self._may_be_users(absolute.partition(".")[0]):
                return None
            try:
                module = importlib.import_module(absolute)
            except Exception:  # noqa: BLE001 - importing runs the user's code; the body will meet the same error
                return None
        return module if self._is_users(module) else None

    def _may_be_users(self, top: str) -> bool:
        if top in sys.builtin_module_names:
            return False
        if top in sys.modules:
            return self._is_users(sys.modules[top])
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            return False
        return spec is not None and self._ownership.owns_path(
            top, spec.origin or next(iter(spec.submodule_search_locations or ()), None)
        )

    def _is_users(self, module: object) -> bool:
        if isinstance(module, ModuleType):
            return self._ownership.owns_module(module)
        return self._ownership.owns_class(type(module))


def absolute_name(module: str, level: int, namespace: dict[str, object]) -> str:
    """Return the full name of a module imported by a code of these globals, `level` packages up.

    Raises ImportError or ValueError where there is no such package.
    """
    if not level:
        return module
    package = namespace.get("__package__")
    if not isinstance(package, str) or not package:
        name = str(namespace.get("__name__", ""))
        package = name if "__path__" in namespace else name.rpartition(".")[0]
    return importlib.util.resolve_name("." * level + module, package)
