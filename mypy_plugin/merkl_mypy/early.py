"""The types of tasks that are used before mypy has come to them.

mypy infers the type of a decorated function when it comes to the decorator, and of `fit = task(plain)` when it comes to
that. At the top level of a module, or in a class, it cannot put off what uses it. Where modules import each other it may
come to the use first, though at run time the definition does. The type of a plain function is known from its annotations
alone; so is that of most tasks.
"""

from __future__ import annotations

from collections.abc import Iterator

from mypy.checker import TypeChecker
from mypy.nodes import (
    ARG_POS,
    AssignmentStmt,
    CallExpr,
    ClassDef,
    Decorator,
    Expression,
    FuncDef,
    MypyFile,
    NameExpr,
    RefExpr,
    Statement,
    SymbolTable,
    TypeInfo,
    Var,
)
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
                for assignment in _assigned(tree.defs):
                    _infer_assigned(api, assignment)


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


def _assigned(statements: list[Statement]) -> Iterator[AssignmentStmt]:
    """The assignments of calls to names, of a module and of its classes."""
    for statement in statements:
        if isinstance(statement, ClassDef):
            yield from _assigned(statement.defs.body)
        elif isinstance(statement, AssignmentStmt) and isinstance(statement.rvalue, CallExpr):
            yield statement


def _infer_assigned(api: TypeChecker, assignment: AssignmentStmt) -> None:
    """The type of `fit = task(plain)` and `fit = task(retries=2)(plain)`."""
    call, target = assignment.rvalue, assignment.lvalues[0]
    variable = target.node if isinstance(target, NameExpr) else None
    if not isinstance(call, CallExpr) or call.arg_kinds != [ARG_POS] or not isinstance(variable, Var):
        return
    kind = _kind(call.callee)
    given = call.args[0].node if isinstance(call.args[0], RefExpr) else None
    if kind is None or variable.type is not None or not isinstance(given, FuncDef):
        return
    function = given.type or function_type(given, api.named_type("builtins.function"))
    if isinstance(function, CallableType):
        made = task_type(api, call, kind, function, None, False)
        variable.type = made.copy_modified(name=None)  # as mypy does with what it infers for a variable
        variable.is_ready = True


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
