"""The text and all nodes of a module in order, by plain tables: mypy's own visitors cannot be subclassed outside mypy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from mypy import nodes
from mypy.nodes import (
    Block,
    BytesExpr,
    EllipsisExpr,
    FloatExpr,
    FuncDef,
    IntExpr,
    MypyFile,
    NameExpr,
    Node,
    OverloadedFuncDef,
    Statement,
    StrExpr,
)
from mypy.types import CallableType, TypeVarType

# The parts of each kind of node, by the name of its class; a part is a node, a list or a dict of parts, or None.
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
    "ClassDef": ("decorators", "keywords", "defs"),
    "FuncDef": ("arguments", "body"),
    "Argument": ("initializer",),
    "Decorator": ("decorators", "func"),
    "OverloadedFuncDef": ("items", "impl"),
    "LambdaExpr": ("arguments", "body"),
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


_BY_CLASS: Final[dict[type, tuple[str, ...]]] = {getattr(nodes, name): of for name, of in _PARTS.items()}
# What may hold lists, pairs or None in its lists.
_NESTED: Final = frozenset(
    getattr(nodes, name)
    for name in ("DictExpr", "GeneratorExpr", "DictionaryComprehension", "TryStmt", "MatchStmt")
)
_SEVERAL: Final = (list, tuple)
_STATEMENTS: Final = (Statement, Block, FuncDef, OverloadedFuncDef)
#: Expressions that have no parts.
LEAVES: Final = frozenset([NameExpr, StrExpr, IntExpr, FloatExpr, BytesExpr, EllipsisExpr])


def parts(node: Node) -> list[Node]:
    """The nodes right below `node`, in order."""
    kind = type(node)
    of_class = _BY_CLASS.get(kind)
    if of_class is None:
        return []
    found: list[Any] = []
    for name in of_class:
        part = getattr(node, name)
        if type(part) is list:
            if kind in _NESTED:
                found += _flattened(part)
            else:
                found += part
        elif type(part) is dict:
            found += part.values()
        elif part is not None:
            found.append(part)
    return found


def _flattened(part: list[Any]) -> list[Node]:
    found: list[Any] = []
    for one in part:
        if isinstance(one, _SEVERAL):
            found += one
        else:
            found.append(one)
    return [one for one in found if one is not None]


def is_statement(node: Node) -> bool:
    """Whether other statements may stand below this node, other than in a lambda."""
    return isinstance(node, _STATEMENTS)


def has_copies(function: FuncDef) -> bool:
    """Whether mypy checks copies of a function, one for each value that a type variable may have, and not itself."""
    variables = list(function.type.variables) if isinstance(function.type, CallableType) else []
    if function.info:
        variables += function.info.defn.type_vars
    return bool(variables) and any(isinstance(one, TypeVarType) and bool(one.values) for one in variables)


def text_of(file: MypyFile) -> bytes:
    """What a module's file holds; nothing where it is gone."""
    try:
        return Path(file.path).read_bytes()
    except OSError:
        return b""
