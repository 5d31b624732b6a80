"""What is called: its name, whether it is generic, and what a task is declared to give."""

from __future__ import annotations

from mypy.checker import TypeChecker
from mypy.nodes import (
    CallExpr,
    Decorator,
    Expression,
    FuncDef,
    MemberExpr,
    OverloadedFuncDef,
    RefExpr,
    TypeInfo,
    Var,
)
from mypy.typeops import get_all_type_vars
from mypy.types import (
    CallableType,
    Instance,
    Overloaded,
    ProperType,
    Type,
    TypeVarLikeType,
    TypeVarType,
    get_proper_type,
)

from merkl_mypy import names
from merkl_mypy.shapes import is_future, strip


def full_name(expr: Expression) -> str:
    """The full name of what is called, also of a method that is read off its class; nothing where it has none."""
    if isinstance(expr, MemberExpr) and not expr.fullname and isinstance(expr.expr, RefExpr):
        return f"{expr.expr.fullname}.{expr.name}" if isinstance(expr.expr.node, TypeInfo) else ""
    return expr.fullname if isinstance(expr, RefExpr) else ""


def gives_future(expr: Expression) -> bool:
    """Whether this plainly is a call of a task that gives one Future, unless it stands in an `Eval` block."""
    typ = _type_of_task(expr.callee) if isinstance(expr, CallExpr) and expr.analyzed is None else None
    return typ is not None and _is_one(typ)


def _type_of_task(callee: Expression) -> CallableType | None:
    """The type of a task that is called by its name, which no hook has to be asked for."""
    node = callee.node if isinstance(callee, RefExpr) else None
    typ = node.var.type if isinstance(node, Decorator) else node.type if isinstance(node, Var) else None
    return typ if isinstance(typ, CallableType) and typ.fallback.type.fullname == names.TASK else None


def _is_one(task: CallableType) -> bool:
    return isinstance(task.ret_type, Instance) and is_future(task.ret_type)


def declared_result(api: TypeChecker, call: CallExpr) -> tuple[Type | None, list[TypeVarLikeType]]:
    """What the task that is called is declared to give, with the type variables in it, unless that is just one of these.

    From the context of a call mypy infers nothing for a bare type variable, though it does for `list[T]`.
    """
    typ: ProperType | None = _type_of_task(call.callee)
    if typ is None and isinstance(call.callee, MemberExpr) and isinstance(call.callee.expr, RefExpr):
        # What mypy has stored for a method is what it has inferred for the call.
        with api.msg.filter_errors(), api.local_type_map:
            typ = get_proper_type(api.expr_checker.accept(call.callee))
    if not isinstance(typ, CallableType) or not typ.variables or not _is_one(typ):
        return None, []
    inside = get_all_type_vars(typ.ret_type)
    variables = [one for one in typ.variables if any(one.id == each.id for each in inside)]
    item = get_proper_type(strip(typ.ret_type))
    if not variables or isinstance(item, TypeVarType):
        return None, []
    return (typ.ret_type, variables) if all(isinstance(one, TypeVarType) for one in variables) else (None, [])


def is_generic(call: CallExpr) -> bool:
    """Whether a function is called that is known to have type variables."""
    node = call.callee.node if isinstance(call.callee, RefExpr) else None
    typ = node.type if isinstance(node, (FuncDef, OverloadedFuncDef)) else None
    return isinstance(typ, (CallableType, Overloaded)) and any(item.variables for item in typ.items)


def may_be_generic(call: CallExpr) -> bool:
    """Whether the type of a call may depend on the context that it stands in."""
    node = call.callee.node if isinstance(call.callee, RefExpr) else None
    typ = node.type if isinstance(node, (Decorator, Var)) else None
    return not (isinstance(typ, CallableType) and not typ.variables)
