"""Where the names in an annotation may live, beside the module: enclosing functions and classes, type-only imports."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from merkl._base.sources import module_tree
from merkl._base.type_forms import strings_in

__all__ = ["Scope", "capture_scope", "enclosing_scopes", "type_checking_imports"]

_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Scope:
    """Names that an inner function's annotations mention, kept from the functions and classes around it."""

    names: Mapping[str, Any] = field(default_factory=dict)


def capture_scope(fn: Any) -> Scope | None:
    """Keep what the string annotations of `fn` name in the functions now being run around it, or None.

    Call it where `fn` is being defined. It costs next to nothing for a function at module level.

    >>> def outer():
    ...     class Local: ...
    ...     def inner(x: "Local"): ...
    ...     return capture_scope(inner)
    >>> sorted(outer().names)
    ['Local']
    """
    qualname = getattr(fn, "__qualname__", "")
    if "." not in qualname:
        return None
    wanted: set[str] = set()
    for annotation in (getattr(fn, "__annotations__", None) or {}).values():
        for text in strings_in(annotation):
            wanted.update(_NAME.findall(text))
    if not wanted:
        return None
    kept: dict[str, Any] = {}
    for names in reversed(_frames_around(fn)):
        kept.update({name: names[name] for name in wanted & names.keys()})
    return Scope(kept) if kept else None


def enclosing_scopes(thing: Any) -> list[Mapping[str, Any]]:
    """Give the namespaces around a function or class, innermost first: running functions, then classes."""
    qualname = getattr(thing, "__qualname__", "")
    if "." not in qualname:
        return []
    return [*_frames_around(thing), *_classes_around(thing, qualname)]


def _frames_around(thing: Any) -> list[Mapping[str, Any]]:
    code = getattr(thing, "__code__", None)
    filename = code.co_filename if code is not None else None
    qualname: str = thing.__qualname__
    found: list[tuple[int, dict[str, Any]]] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        outer = frame.f_code.co_qualname
        if (
            (qualname.startswith((f"{outer}.<locals>.", f"{outer}.")))
            and (frame.f_code.co_filename == filename or filename is None)
            and frame.f_globals.get("__name__") == getattr(thing, "__module__", None)
        ):
            names = dict(frame.f_locals)
            names.update({p.__name__: p for p in names.get("__type_params__", ())})
            found.append((len(outer), names))
        frame = frame.f_back
    found.sort(key=lambda item: -item[0])  # stable: of two runs of one function the later stays first
    return [names for _, names in found]


def _classes_around(thing: Any, qualname: str) -> list[Mapping[str, Any]]:
    at: Any = sys.modules.get(getattr(thing, "__module__", None) or "")
    found: list[Mapping[str, Any]] = []
    for part in qualname.split(".")[:-1]:
        at = vars(at).get(part) if hasattr(at, "__dict__") else None
        if not isinstance(at, type):
            break
        params = {p.__name__: p for p in getattr(at, "__type_params__", ())}
        found.insert(0, {**params, **vars(at)})
    # A method sees the names of its own class, but a function in a function sees no class around that.
    return found[:1]


@functools.lru_cache(maxsize=512)
def _imports_for_checkers(module: str) -> tuple[tuple[str, str, str | None], ...]:
    """(bound name, module, attribute or None) for each import under `if TYPE_CHECKING:` of a module."""
    tree = module_tree(module)
    if tree is None:
        return ()
    found: list[tuple[str, str, str | None]] = []
    for block in ast.walk(tree):
        if not (isinstance(block, ast.If) and ast.unparse(block.test).rpartition(".")[2] == "TYPE_CHECKING"):
            continue
        for node in (n for statement in block.body for n in ast.walk(statement)):
            if isinstance(node, ast.Import):
                found.extend(
                    (a.asname, a.name, None)
                    if a.asname
                    else (a.name.partition(".")[0], a.name.partition(".")[0], None)
                    for a in node.names
                )
            elif isinstance(node, ast.ImportFrom):
                source = _absolute(module, node.module or "", node.level)
                found.extend((a.asname or a.name, source, a.name) for a in node.names)
    return tuple(found)


def _absolute(module: str, name: str, level: int) -> str:
    if not level:
        return name
    package = getattr(sys.modules[module], "__package__", None) or module.rpartition(".")[0]
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{name}" if name else base


def type_checking_imports(module: str | None) -> dict[str, Any]:
    """Give the names that `module` imports for type checkers only, as far as their modules are loaded anyway."""
    found: dict[str, Any] = {}
    for bound, source, attribute in _imports_for_checkers(module) if module in sys.modules and module else ():
        home = sys.modules.get(source)
        if attribute is None:
            if home is not None:
                found[bound] = home
        elif home is not None and hasattr(home, attribute):
            found[bound] = getattr(home, attribute)
        elif f"{source}.{attribute}" in sys.modules:
            found[bound] = sys.modules[f"{source}.{attribute}"]
    return found
