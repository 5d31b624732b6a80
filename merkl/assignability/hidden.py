"""What only type checkers see of a class: a base or a member that stands under `if TYPE_CHECKING:`."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from merkl._base.sources import class_node, module_tree

__all__ = ["has_other_bases", "is_for_run_time", "is_redefined", "members_for_checkers"]


def is_for_run_time(cls: type, name: str) -> bool:
    """Say whether a class defines `name` where type checkers do not look, under `if not TYPE_CHECKING:`."""
    node = class_node(cls)
    return node is not None and any(
        isinstance(each, ast.FunctionDef) and each.name == name
        for block in node.body
        if _asks(block) and isinstance(block, ast.If)
        for each in (block.body if isinstance(block.test, ast.UnaryOp) else block.orelse)
    )


def is_redefined(cls: type) -> bool:
    """Say whether type checkers see another definition of a class than the one that runs."""
    return class_node(cls) is None and cls.__name__ in _names_for_checkers(cls.__module__)


def has_other_bases(cls: type) -> bool:
    """Say whether a base of a class may be something else to type checkers."""
    names, node = _names_for_checkers(cls.__module__), class_node(cls)
    return node is not None and any(
        isinstance(each, ast.Name) and each.id in names
        for base in node.bases
        if not _declares_parameters(base)
        for each in ast.walk(base)
    )


def _declares_parameters(base: ast.expr) -> bool:
    """Whether it is `Generic[T]` or `Protocol[T]`: another definition of `T` makes no other base."""
    head = base.value if isinstance(base, ast.Subscript) else None
    return getattr(head, "attr", getattr(head, "id", "")) in ("Generic", "Protocol")


def members_for_checkers(cls: type) -> frozenset[str]:
    """Give the names that a class defines under `if TYPE_CHECKING:`."""
    node = class_node(cls)
    return (
        frozenset(name for block in node.body if _asks(block) for name in _bound(block))
        if node
        else frozenset()
    )


@functools.lru_cache(maxsize=512)
def _names_for_checkers(module: str) -> frozenset[str]:
    """The names that are bound under `if TYPE_CHECKING:`."""
    tree = module_tree(module)
    asking = [node for node in ast.walk(tree) if _asks(node)] if tree is not None else []
    return frozenset(name for block in asking for name in _bound(block))


def _asks(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and any(
        "TYPE_CHECKING" in (getattr(each, "id", ""), getattr(each, "attr", ""))
        for each in ast.walk(node.test)
    )


def _bound(block: ast.AST) -> Iterator[str]:
    for node in ast.walk(block):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
