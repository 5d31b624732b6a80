"""`evaluate(structure)`: the same structure with Futures replaced by their values, at any depth."""

from __future__ import annotations

from mypy.checker import TypeChecker
from mypy.plugin import FunctionContext
from mypy.types import Type

from merkl_mypy.rewrite import Rewriter
from merkl_mypy.shapes import strip


def evaluated(ctx: FunctionContext) -> Type:
    """The type that the argument would have with values in the place of its Futures."""
    if not ctx.arg_types or not ctx.arg_types[0]:
        return ctx.default_return_type
    rewritten = Rewriter(ctx.api).rewrite(ctx.args[0][0]) if isinstance(ctx.api, TypeChecker) else None
    if rewritten is None or not isinstance(ctx.api, TypeChecker):
        return strip(ctx.arg_types[0][0])
    with ctx.api.msg.filter_errors():
        return ctx.api.expr_checker.accept(rewritten, ctx.api.expr_checker.type_context[-1])
