"""All nodes of a module in order, by plain tables: mypy's own visitors cannot be subclassed outside mypy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mypy.nodes import Block, FuncDef, Node, OverloadedFuncDef, Statement

# The parts of each kind of node, by the name of its class; a part is a node, a list of parts, or None.
_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "Block": ("body",),
    "ExpressionStmt": ("expr",),
    "AssignmentStmt": ("lvalues", "rvalue"),
    "OperatorAssignmentStmt": ("lvalue", "rvalue"),
    "IfStmt": ("expr", "body", "else_body"),
    "WhileStmt": ("expr", "body", "else_body"),
    "ForStmt": ("index", "expr", "body", "else_body"),
    "ReturnStmt": ("expr",),
    "AssertStmt": ("expr", "msg"),
    "DelStmt": ("expr",),
    "RaiseStmt": ("expr", "from_expr"),
    "TryStmt": ("body", "types", "handlers", "else_body", "finally_body"),
    "WithStmt": ("expr", "body"),
    "MatchStmt": ("subject", "guards", "bodies"),
    "ClassDef": ("defs",),
    "FuncDef": ("body",),
    "Decorator": ("func",),
    "OverloadedFuncDef": ("items", "impl"),
    "LambdaExpr": ("body",),
    "CallExpr": ("callee", "args"),
    "MemberExpr": ("expr",),
    "IndexExpr": ("base", "index"),
    "SliceExpr": ("begin_index", "end_index", "stride"),
    "OpExpr": ("left", "right"),
    "ComparisonExpr": ("operands",),
    "UnaryExpr": ("expr",),
    "ConditionalExpr": ("cond", "if_expr", "else_expr"),
    "ListExpr": ("items",),
    "TupleExpr": ("items",),
    "SetExpr": ("items",),
    "DictExpr": ("items",),
    "StarExpr": ("expr",),
    "ListComprehension": ("generator",),
    "SetComprehension": ("generator",),
    "GeneratorExpr": ("left_expr", "sequences", "condlists"),
    "DictionaryComprehension": ("key", "value", "sequences", "condlists"),
    "YieldExpr": ("expr",),
    "YieldFromExpr": ("expr",),
    "AwaitExpr": ("expr",),
    "AssignmentExpr": ("target", "value"),
}


def parts(node: Node) -> Iterator[Node]:
    """The nodes right below `node`."""
    for name in _PARTS.get(type(node).__name__, ()):
        yield from _flat(getattr(node, name, None))


def is_statement(node: Node) -> bool:
    """Whether other statements may stand below this node, other than in a lambda."""
    return isinstance(node, (Statement, Block, FuncDef, OverloadedFuncDef))


def _flat(part: Any) -> Iterator[Node]:
    if isinstance(part, Node):
        yield part
    elif isinstance(part, (list, tuple)):
        for one in part:
            yield from _flat(one)
