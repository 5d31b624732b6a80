"""`future | task`: the call `task(future)`, written the other way round."""

from __future__ import annotations

from mypy.checker import TypeChecker
from mypy.nodes import ARG_POS, CallExpr, TempNode
from mypy.plugin import MethodSigContext
from mypy.types import AnyType, CallableType, FunctionLike, Instance, Overloaded, get_proper_type

from merkl_mypy import codes, names
from merkl_mypy.misuse import message, permissive
from merkl_mypy.shapes import any_type


def piped_to(ctx: MethodSigContext) -> FunctionLike:
    """The hook for `|` with a Future on its left: mypy checks the call that it stands for."""
    api, callee = ctx.api, ctx.default_signature
    if not isinstance(api, TypeChecker) or not ctx.args or not ctx.args[0]:
        return callee
    task = ctx.args[0][0]
    given = get_proper_type(api.expr_checker.accept(task))
    taken = callee.copy_modified(arg_types=[given], variables=[], ret_type=any_type())
    if isinstance(given, AnyType):
        return taken
    if not _is_task(given):
        api.fail(message(ctx.type, codes.FUTURE_VALUE), ctx.context, code=codes.FUTURE_VALUE)
        return permissive(callee)
    call = CallExpr(task, [TempNode(ctx.type, context=ctx.context)], [ARG_POS], [None])
    call.set_line(ctx.context)
    return taken.copy_modified(ret_type=api.expr_checker.accept(call))


def _is_task(typ: object) -> bool:
    if isinstance(typ, Overloaded):
        return all(map(_is_task, typ.items))
    if isinstance(typ, CallableType):
        typ = typ.fallback
    return isinstance(typ, Instance) and typ.type.has_base(names.TASK)
