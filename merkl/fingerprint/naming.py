"""Names for what is only named: things of the standard library and of installed packages.

A name is the same on every supported Python version, so it leaves out where in its package a thing is defined
(`pathlib._local.Path` is `pathlib.Path`), and which C accelerator gave it.
"""

from __future__ import annotations

import sys
from types import ModuleType

__all__ = ["calls_by_name", "mangled", "module_name", "name_of", "normal_name", "package_of"]

_PLATFORM = {"posixpath": "os.path", "ntpath": "os.path", "posix": "os", "nt": "os"}
#: Old spellings in `typing` of what the language has itself.
_TYPING = {
    f"typing.{name}": f"builtins.{name.lower()}"
    for name in ("List", "Dict", "Set", "FrozenSet", "Tuple", "Type")
}
#: Packages that call only such methods of an object as have special names, or the name of what was called.
_CALLING_NO_METHODS = {
    "annotated_types",
    "attr",
    "attrs",
    "merkl",
    "msgspec",
    "numpy",
    "pandas",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
}
#: What looks attributes up by computed names.
_LOOKING_UP = {
    "builtins.dir",
    "builtins.eval",
    "builtins.exec",
    "builtins.globals",
    "builtins.locals",
    "builtins.vars",
    "inspect",
    "operator.attrgetter",
    "operator.methodcaller",
    "unittest",
}


def mangled(class_name: str, name: str) -> str:
    """Return what a name in the body of a class is called outside.

    >>> mangled("_Tree", "__grow"), mangled("_Tree", "__len__")
    ('_Tree__grow', '__len__')
    """
    if name.startswith("__") and not name.endswith("__"):
        return f"_{class_name.lstrip('_')}{name}"
    return name


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


def calls_by_name(dotted: str) -> bool:
    """Tell whether a thing that is only named may call methods that the user's code does not mention."""
    package = package_of(dotted)
    if package:
        return package not in _CALLING_NO_METHODS
    return dotted in _LOOKING_UP or dotted.partition(".")[0] in _LOOKING_UP


def package_of(dotted: str) -> str:
    """Return the import name of the installed package behind a name, "" for the standard library."""
    top = dotted.partition(".")[0]
    return "" if top in sys.stdlib_module_names or top in {"builtins", "os", ""} else top
