"""The syntax trees of loaded modules, and the classes in them, parsed once each."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Iterator

__all__ = ["class_node", "module_tree"]


@functools.lru_cache(maxsize=256)
def module_tree(module: str) -> ast.Module | None:
    """Give the syntax tree of a loaded module, or None when it has no source that parses."""
    try:
        return ast.parse(inspect.getsource(sys.modules[module]))
    except Exception:  # noqa: BLE001  (no such module, no source, or none that parses)
        return None


def class_node(cls: type) -> ast.ClassDef | None:
    """Give the definition of a class in its module's source; None when there is none, or more than one."""
    found = _classes(cls.__module__).get(cls.__qualname__, [])
    return found[0] if len(found) == 1 else None


@functools.lru_cache(maxsize=256)
def _classes(module: str) -> dict[str, list[ast.ClassDef]]:
    tree = module_tree(module)
    found: dict[str, list[ast.ClassDef]] = {}
    for name, node in _named(tree, "") if tree is not None else ():
        found.setdefault(name, []).append(node)
    return found


def _named(parent: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.ClassDef):
            yield prefix + node.name, node
            yield from _named(node, f"{prefix}{node.name}.")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _named(node, f"{prefix}{node.name}.<locals>.")
        elif isinstance(node, (ast.stmt, ast.excepthandler)):
            yield from _named(node, prefix)
