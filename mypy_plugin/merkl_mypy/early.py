"""The types of tasks that are used before mypy has come to them.

mypy infers the type of a decorated function when it comes to the decorator, and of `fit = task(plain)` when it comes to
that. At the top level of a module, in a class, or in a function inside of another, it cannot put off what uses it. Where
modules import each other, or functions below use each other, it may come to the use first, though at run time the
definition does. An overload is to mypy what was written, until it comes to the decorator. The type of a plain function is
known from its annotations alone; so is that of most tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mypy.checker import TypeChecker
from mypy.nodes import (
    ARG_POS,
    AssignmentStmt,
    Block,
    CallExpr,
    ClassDef,
    Decorator,
    Expression,
    ForStmt,
    FuncDef,
    IfStmt,
    MypyFile,
    NameExpr,
    Node,
    OverloadedFuncDef,
    RefExpr,
    Statement,
    SymbolTable,
    TryStmt,
    TypeInfo,
    Var,
    WhileStmt,
    WithStmt,
)
from mypy.typeops import function_type
from mypy.types import CallableType, Overloaded

from merkl_mypy import names
from merkl_mypy.decorators import first_is_self, is_task, task_type
from merkl_mypy.walk import parts

_BRANCHES: Final = (Block, ForStmt, IfStmt, TryStmt, WhileStmt, WithStmt)


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
                for function in _decorated(tree.names, tree):
                    _infer(api, function)
                for assignment in _assigned(tree.defs):
                    _infer_assigned(api, assignment)
        if (key := (f"{api.tree.fullname} inside", id(api.tree))) not in self._done:
            self._done.add(key)
            for function in _local(api.tree.defs, is_inside=False):
                _infer(api, function)


def _reached(tree: MypyFile, depth: int) -> Iterator[MypyFile]:
    if tree.is_stub or tree.is_cache_skeleton:
        return
    yield tree
    if depth:
        for symbol in tree.names.values():
            if isinstance(symbol.node, MypyFile):
                yield from _reached(symbol.node, depth - 1)


def _decorated(table: SymbolTable, tree: MypyFile) -> Iterator[Decorator | OverloadedFuncDef]:
    """The decorated functions of a module, and those that it imports by name, with the methods of classes."""
    for symbol in table.values():
        if isinstance(symbol.node, (Decorator, OverloadedFuncDef)):
            yield symbol.node
        elif isinstance(symbol.node, TypeInfo) and table is tree.names:
            yield from _decorated(symbol.node.names, tree)


def _local(statements: Iterable[Node], *, is_inside: bool) -> Iterator[Decorator | OverloadedFuncDef]:
    """The decorated functions that are defined inside of functions."""
    for statement in statements:
        if isinstance(statement, ClassDef):
            yield from _local(statement.defs.body, is_inside=is_inside)
        elif isinstance(statement, FuncDef):
            yield from _local(statement.body.body, is_inside=True)
        elif isinstance(statement, (Decorator, OverloadedFuncDef)):
            if is_inside:
                yield statement
            function = statement if isinstance(statement, Decorator) else statement.impl
            function = function.func if isinstance(function, Decorator) else function
            if function is not None:
                yield from _local(function.body.body, is_inside=True)
        elif isinstance(statement, _BRANCHES):
            yield from _local(parts(statement), is_inside=is_inside)


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


def _infer(api: TypeChecker, decorator: Decorator | OverloadedFuncDef) -> None:
    if isinstance(decorator, OverloadedFuncDef):
        return _infer_overloaded(api, decorator)
    function = decorator.func.type or function_type(decorator.func, api.named_type("builtins.function"))
    if decorator.var.type is not None or len(decorator.decorators) != 1 or decorator.var.is_property:
        return
    kind = _kind(decorator.decorators[0])
    if kind is None or not isinstance(function, CallableType):
        return
    decorator.var.type = task_type(api, decorator, kind, function, None, first_is_self(decorator))
    decorator.var.is_ready = True


def _infer_overloaded(api: TypeChecker, overloads: OverloadedFuncDef) -> None:
    """The type of an overload whose implementation is decorated."""
    implementation = overloads.impl
    if (
        not isinstance(implementation, Decorator)
        or len(implementation.decorators) != 1
        or overloads.is_property
    ):
        return
    kind = _kind(implementation.decorators[0])
    # Under `overload` alone, an item has the type that is written there.
    items = [
        each.func.type or function_type(each.func, api.named_type("builtins.function"))
        for each in overloads.items
        if isinstance(each, Decorator) and len(each.decorators) == 1
    ]
    # Under a name that is not defined, or defined before, there are no items.
    if kind is None or not items or len(items) != len(overloads.items) or is_task(overloads.type):
        return
    skips = first_is_self(implementation)
    overloads.type = Overloaded(
        [
            task_type(api, implementation, kind, item, None, skips)
            for item in items
            if isinstance(item, CallableType)
        ]
    )


def _kind(decorator: Expression) -> str | None:
    """What the decorator makes, where its options say nothing about what a call gives."""
    if isinstance(decorator, CallExpr):
        if "outs" in decorator.arg_names or None in decorator.arg_names:
            return None
        decorator = decorator.callee
    kind = names.DECORATORS.get(decorator.fullname) if isinstance(decorator, RefExpr) else None
    return kind if kind in ("task", "pipeline") else None
