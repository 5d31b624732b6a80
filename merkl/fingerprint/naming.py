"""Names for what is only named: things of the standard library and of installed packages.

A name is the same on every supported Python version, so it leaves out where in its package a thing is defined
(`pathlib._local.Path` is `pathlib.Path`), and which C accelerator gave it.
"""

from __future__ import annotations

import sys
from types import ModuleType

__all__ = ["module_name", "name_of", "normal_name", "package_of"]

_PLATFORM = {"posixpath": "os.path", "ntpath": "os.path", "posix": "os", "nt": "os"}
#: Old spellings in `typing` of what the language has itself.
_TYPING = {
    f"typing.{name}": f"builtins.{name.lower()}"
    for name in ("List", "Dict", "Set", "FrozenSet", "Tuple", "Type")
}


def module_name(module: ModuleType) -> str:
    """Return the name of a module that is only named."""
    return _PLATFORM.get(module.__name__, module.__name__)


def normal_name(dotted: str) -> str:
    """Return one spelling for names that mean the same thing."""
    top, _, rest = dotted.partition(".")
    top = _PLATFORM.get(top, top)
    return _TYPING.get(dotted, f"{top}.{rest}" if rest else top)


def name_of(thing: object) -> str:
    """Return the name of a class, function or other thing that is only named, from what it says of itself."""
    module = getattr(thing, "__module__", None) or getattr(type(thing), "__module__", "")
    qualname = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    if not isinstance(qualname, str):
        qualname = type(thing).__qualname__
        module = type(thing).__module__
    top = str(module).partition(".")[0]
    if top.startswith("_") and top.lstrip("_") in sys.stdlib_module_names:
        top = top.lstrip("_")
    if top == "io" and qualname == "open":
        top = "builtins"
    return normal_name(f"{top}.{qualname}")


def package_of(dotted: str) -> str:
    """Return the import name of the installed package behind a name, "" for the standard library."""
    top = dotted.partition(".")[0]
    return "" if top in sys.stdlib_module_names or top in {"builtins", "os", ""} else top
