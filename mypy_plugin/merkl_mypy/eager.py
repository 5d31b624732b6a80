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
    MypyFile,
    Node,
    RefExpr,
    WithStmt,
)

from merkl_mypy import names
from merkl_mypy.walk import is_statement, parts


class EagerCalls:
    """Which calls of the module that is being checked run at once."""

    def __init__(self) -> None:
        self._tree: MypyFile | None = None
        self._calls: set[int] = set()

    def holds(self, api: TypeChecker, call: CallExpr) -> bool:
        """Whether the call stands in an `Eval` block, and in no function that is only defined there."""
        if api.tree is not self._tree:
            self.begin(api)
        return id(call) in self._calls

    def begin(self, api: TypeChecker) -> None:
        """Find the calls of a module that mypy is about to check."""
        self._tree = api.tree
        self._calls = set()
        if any(map(_may_bring_eval, api.tree.imports)):
            for statement in api.tree.defs:
                self._find(statement)

    def forget(self) -> None:
        """The module is done; before it is checked again it may be another."""
        self._tree = None
        self._calls = set()

    def _find(self, node: Node) -> None:
        if isinstance(node, WithStmt) and any(map(is_eval, node.expr)):
            self._collect(node.body)
        for part in parts(node):
            if is_statement(part):
                self._find(part)

    def _collect(self, node: Node) -> None:
        if isinstance(node, CallExpr):
            self._calls.add(id(node))
        for part in parts(node):
            if not isinstance(part, (FuncDef, Decorator, LambdaExpr)):
                self._collect(part)


def _may_bring_eval(statement: ImportBase) -> bool:
    return not isinstance(statement, ImportFrom) or any(name == "Eval" for name, _ in statement.names)


def is_eval(expr: Expression) -> bool:
    """Whether this is `Eval()`, as it stands after `with`."""
    return (
        isinstance(expr, CallExpr)
        and isinstance(expr.callee, RefExpr)
        and expr.callee.fullname in (names.EVAL, f"{names.MERKL}.Eval")
    )
