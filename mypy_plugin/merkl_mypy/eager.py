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
from merkl_mypy.walk import is_statement, parts


class EagerCalls:
    """Which calls of the module that is being checked run at once."""

    def __init__(self) -> None:
        # By module: where modules import each other, mypy begins with all of them before it is done with any.
        self._calls: dict[str, set[int]] = {}

    def holds(self, api: TypeChecker, call: CallExpr) -> bool:
        """Whether the call stands in an `Eval` block, and in no function that is only defined there."""
        name = api.tree.fullname
        if name not in self._calls:
            self.begin(api)
        calls = self._calls[name]
        return bool(calls) and id(call) in calls

    def begin(self, api: TypeChecker) -> None:
        """Find the calls of a module that mypy is about to check."""
        found = self._calls[api.tree.fullname] = set()
        if any(map(_may_bring_eval, api.tree.imports)):
            for statement in api.tree.defs:
                _find(statement, found)

    def forget(self, api: TypeChecker) -> None:
        """The module is done; before it is checked again it may be another."""
        self._calls.pop(api.tree.fullname, None)


def _find(node: Node, found: set[int]) -> None:
    if isinstance(node, WithStmt) and any(map(is_eval, node.expr)):
        _collect(node.body, found)
    for part in parts(node):
        if is_statement(part):
            _find(part, found)


def _collect(node: Node, found: set[int]) -> None:
    if isinstance(node, CallExpr):
        found.add(id(node))
    for part in parts(node):
        if not isinstance(part, (FuncDef, Decorator, LambdaExpr)):
            _collect(part, found)


def _may_bring_eval(statement: ImportBase) -> bool:
    return not isinstance(statement, ImportFrom) or any(name == "Eval" for name, _ in statement.names)


def is_eval(expr: Expression) -> bool:
    """Whether this is `Eval()`, as it stands after `with`."""
    return (
        isinstance(expr, CallExpr)
        and isinstance(expr.callee, RefExpr)
        and expr.callee.fullname in (names.EVAL, f"{names.MERKL}.Eval")
    )
