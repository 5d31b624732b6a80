"""Calls inside `with Eval():`, which run at once and give values."""

from __future__ import annotations

from mypy.checker import TypeChecker
from mypy.nodes import (
    CallExpr,
    Decorator,
    Expression,
    FuncDef,
    ImportBase,
    ImportFrom,
    LambdaExpr,
    Node,
    RefExpr,
    WithStmt,
)

from merkl_mypy import names
from merkl_mypy.walk import has_copies, is_statement, parts


class EagerCalls:
    """Which calls of the module that is being checked run at once."""

    def __init__(self) -> None:
        # By module: where modules import each other, mypy begins with all of them before it is done with any. Calls are
        # known by identity, those of which mypy checks copies by where they stand.
        self._calls: dict[str, set[int | tuple[int, int]]] = {}

    def holds(self, api: TypeChecker, call: CallExpr) -> bool:
        """Whether the call stands in an `Eval` block, and in no function that is only defined there."""
        name = api.tree.fullname
        calls = self._calls.get(name)
        if calls is None:
            self.begin(api)
            calls = self._calls[name]
        return bool(calls) and (id(call) in calls or (call.line, call.column) in calls)

    def begin(self, api: TypeChecker) -> None:
        """Find the calls of a module that mypy is about to check."""
        found: set[int | tuple[int, int]] = set()
        self._calls[api.tree.fullname] = found
        if any(map(_may_bring_eval, api.tree.imports)):
            for statement in api.tree.defs:
                _find(statement, found)

    def forget(self, api: TypeChecker) -> None:
        """The module is done; before it is checked again it may be another."""
        self._calls.pop(api.tree.fullname, None)


def _find(node: Node, found: set[int | tuple[int, int]], *, is_copied: bool = False) -> None:
    is_copied = is_copied or (isinstance(node, FuncDef) and has_copies(node))
    if isinstance(node, WithStmt) and any(map(is_eval, node.expr)):
        _collect(node.body, found, is_copied)
    for part in parts(node):
        if is_statement(part):
            _find(part, found, is_copied=is_copied)


def _collect(node: Node, found: set[int | tuple[int, int]], is_copied: bool) -> None:
    if isinstance(node, CallExpr):
        found.add((node.line, node.column) if is_copied else id(node))
    for part in parts(node):
        if not isinstance(part, (FuncDef, Decorator, LambdaExpr)):
            _collect(part, found, is_copied)


def _may_bring_eval(statement: ImportBase) -> bool:
    return not isinstance(statement, ImportFrom) or any(name == "Eval" for name, _ in statement.names)


def is_eval(expr: Expression) -> bool:
    """Whether this is `Eval()`, as it stands after `with`."""
    return (
        isinstance(expr, CallExpr)
        and isinstance(expr.callee, RefExpr)
        and expr.callee.fullname in (names.EVAL, f"{names.MERKL}.Eval")
    )
