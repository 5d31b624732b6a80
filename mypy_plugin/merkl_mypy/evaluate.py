"""`evaluate(structure)`: the same structure with Futures replaced by their values, at any depth."""

from __future__ import annotations

from mypy.plugin import FunctionContext
from mypy.types import Type

from merkl_mypy.shapes import strip


def evaluated(ctx: FunctionContext) -> Type:
    """The type of the argument without its Futures."""
    if ctx.arg_types and ctx.arg_types[0]:
        return strip(ctx.arg_types[0][0])
    return ctx.default_return_type
