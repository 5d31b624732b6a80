"""Types that are written as ordinary expressions: `int`, `list[str]`, `int | None`, `Literal["a"]`."""

from __future__ import annotations

from typing import Final

from mypy.checker import TypeChecker
from mypy.constant_fold import constant_fold_expr
from mypy.nodes import (
    Context,
    Expression,
    IndexExpr,
    NameExpr,
    OpExpr,
    RefExpr,
    TupleExpr,
    TypeAlias,
    TypeInfo,
)
from mypy.typeops import make_simplified_union
from mypy.types import Instance, LiteralType, NoneType, TupleType, Type, UnionType, get_proper_type

from merkl_mypy import codes
from merkl_mypy.shapes import any_type

_TYPING: Final = ("typing.", "typing_extensions.")


def type_of_expression(api: TypeChecker, expr: Expression) -> Type:
    """The type that an expression means; Any, with a note, where it cannot be told."""
    found = _read(api, expr)
    if found is None:
        _unknown(api, expr)
        return any_type()
    return found


def _read(api: TypeChecker, expr: Expression) -> Type | None:
    if isinstance(expr, NameExpr) and expr.name == "None":
        return NoneType()
    if isinstance(expr, RefExpr):
        if isinstance(expr.node, TypeInfo):
            return Instance(expr.node, [any_type() for _ in expr.node.type_vars])
        if isinstance(expr.node, TypeAlias) and not expr.node.alias_tvars:
            return get_proper_type(expr.node.target)
        return any_type() if expr.fullname == "typing.Any" else None
    if isinstance(expr, OpExpr) and expr.op == "|":
        sides = [_read(api, expr.left), _read(api, expr.right)]
        known = [side for side in sides if side is not None]
        return UnionType.make_union(known) if len(known) == 2 else None
    if isinstance(expr, IndexExpr) and isinstance(expr.base, RefExpr):
        items = expr.index.items if isinstance(expr.index, TupleExpr) else [expr.index]
        return _subscripted(api, expr.base, items)
    return None


def _subscripted(api: TypeChecker, base: RefExpr, items: list[Expression]) -> Type | None:
    name = base.fullname.removeprefix(_TYPING[0]).removeprefix(_TYPING[1])
    if name == "Literal":
        literals = [_literal(api, item) for item in items]
        return make_simplified_union([one for one in literals if one is not None]) if all(literals) else None
    if name == "Annotated":
        return _read(api, items[0])
    arguments = [_read(api, item) for item in items]
    known = [one for one in arguments if one is not None]
    if len(known) != len(items):
        return None
    if name == "Optional":
        return UnionType.make_union([known[0], NoneType()])
    if name == "Union":
        return UnionType.make_union(known)
    if base.fullname in ("builtins.tuple", "typing.Tuple"):
        return TupleType(known, api.named_generic_type("builtins.tuple", [make_simplified_union(known)]))
    if isinstance(base.node, TypeInfo) and len(base.node.type_vars) == len(known):
        return Instance(base.node, known)
    return None


def _literal(api: TypeChecker, expr: Expression) -> Type | None:
    value = constant_fold_expr(expr, api.tree.fullname)
    if isinstance(value, bool):
        return LiteralType(value, api.named_type("builtins.bool"))
    if isinstance(value, (int, str)):
        return LiteralType(value, api.named_type(f"builtins.{type(value).__name__}"))
    found = get_proper_type(api.expr_checker.accept(expr))
    return found.last_known_value if isinstance(found, Instance) else None


def _unknown(api: TypeChecker, context: Context) -> None:
    api.note("The plugin does not know this type; it is taken as Any", context, code=codes.UNSUPPORTED)
