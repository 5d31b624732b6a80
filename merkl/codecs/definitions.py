"""Classes by name: what they are stored as, and where they are found again, be it the script that runs or an imported module."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from merkl_serializers.names import module_name

from merkl.codecs.base import DecodeError

__all__ = ["MAIN", "class_name", "is_reachable", "is_script", "loaded_definition", "resolve_class"]

MAIN = "__main__"


def class_name(kind: type) -> str:
    """Return the name that a class is stored under; that of a script is the one that it has when its file is imported.

    >>> import dataclasses
    >>> class_name(dataclasses.Field)
    'dataclasses:Field'
    """
    return f"{module_name(kind.__module__)}:{kind.__qualname__}"


def resolve_class(name: str) -> type:
    """Return the class that is stored under a name. A script is never imported a second time for it.

    Raises:
        DecodeError: there is none (any more), or it is no class.

    >>> resolve_class("fractions:Fraction")
    <class 'fractions.Fraction'>
    """
    found = loaded_definition(name)
    module, _, qualname = name.partition(":")
    if found is None and module not in sys.modules and not is_script(module):
        try:
            importlib.import_module(module)
        except Exception as error:
            raise DecodeError(
                f"the result is made of the class {name}, which cannot be found: {error}"
            ) from error
        found = loaded_definition(name)
    if found is None:
        raise DecodeError(
            f"the result is made of the class {name}, which cannot be found: {module} has no {qualname}"
        )
    if not isinstance(found, type):
        raise DecodeError(f"the result is made of the class {name}, which is no class now")
    return found


def is_reachable(kind: type) -> bool:
    """Say whether a class is what its own name leads to."""
    return loaded_definition(class_name(kind)) is kind


def loaded_definition(name: str) -> Any:
    """Return what is stored under a name if its module is loaded, None if there is nothing."""
    module_of_it, _, qualname = name.partition(":")
    for module in _modules(module_of_it):
        found: Any = module
        for part in qualname.split("."):
            found = getattr(found, part, None)
        if found is not None:
            return found
    return None


def _modules(name: str) -> Iterator[ModuleType]:
    if is_script(name):
        yield sys.modules[MAIN]
    loaded = sys.modules.get(name)
    if loaded is not None:
        yield loaded


def is_script(name: str) -> bool:
    """Say whether a module of that name is the script that runs."""
    return name in (MAIN, module_name(MAIN)) and MAIN in sys.modules
