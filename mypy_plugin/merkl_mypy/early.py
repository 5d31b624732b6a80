"""The types of tasks that are used before mypy has come to them.

mypy infers the type of a decorated function when it comes to the decorator, and at the top level of a module, or in a
class, it cannot put off what uses it. Where modules import each other it may come to the use first, though at run time
the definition does. The type of a plain function is known from its annotations alone; so is that of most tasks.
"""

from __future__ import annotations

from collections.abc import Iterator

from mypy.checker import TypeChecker
from mypy.nodes import CallExpr, Decorator, Expression, MypyFile, RefExpr, SymbolTable, TypeInfo
from mypy.typeops import function_type
from mypy.types import CallableType

from merkl_mypy import names
from merkl_mypy.decorators import first_is_self, task_type


class EarlyTypes:
    """Infers the types of the tasks that a module can reach before mypy checks it, each module once."""

    def __init__(self) -> None:
        self._done: set[tuple[str, int]] = set()

    def begin(self, api: TypeChecker) -> None:
        """Look at a module, and at those that it imports and that are checked in this run."""
        if names.FUTURE.rpartition(".")[0] not in api.modules:
            return
        for tree in _reached(api.tree, 2):
            key = tree.fullname, id(tree)
            if key not in self._done:
                self._done.add(key)
                for decorator in _decorated(tree.names, tree):
                    _infer(api, decorator)


def _reached(tree: MypyFile, depth: int) -> Iterator[MypyFile]:
    if tree.is_stub or tree.is_cache_skeleton:
        return
    yield tree
    if depth:
        for symbol in tree.names.values():
            if isinstance(symbol.node, MypyFile):
                yield from _reached(symbol.node, depth - 1)


def _decorated(table: SymbolTable, tree: MypyFile) -> Iterator[Decorator]:
    """The decorated functions of a module, and those that it imports by name, with the methods of classes."""
    for symbol in table.values():
        if isinstance(symbol.node, Decorator):
            yield symbol.node
        elif isinstance(symbol.node, TypeInfo) and table is tree.names:
            yield from _decorated(symbol.node.names, tree)


def _infer(api: TypeChecker, decorator: Decorator) -> None:
    function = decorator.func.type or function_type(decorator.func, api.named_type("builtins.function"))
    if decorator.var.type is not None or len(decorator.decorators) != 1 or decorator.var.is_property:
        return
    kind = _kind(decorator.decorators[0])
    if kind is None or not isinstance(function, CallableType):
        return
    decorator.var.type = task_type(api, decorator, kind, function, None, first_is_self(decorator))
    decorator.var.is_ready = True


def _kind(decorator: Expression) -> str | None:
    """What the decorator makes, where its options say nothing about what a call gives."""
    if isinstance(decorator, CallExpr):
        if "outs" in decorator.arg_names or None in decorator.arg_names:
            return None
        decorator = decorator.callee
    kind = names.DECORATORS.get(decorator.fullname) if isinstance(decorator, RefExpr) else None
    return kind if kind in ("task", "pipeline") else None
