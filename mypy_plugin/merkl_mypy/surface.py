"""`Task` as mypy sees it: one exact `__call__` in place of the overloads for other checkers, and typed methods."""

from __future__ import annotations

from mypy.nodes import ARG_STAR, ARG_STAR2, Argument, Var
from mypy.plugin import ClassDefContext
from mypy.plugins.common import add_attribute_to_class, add_method_to_class
from mypy.types import ParamSpecFlavor, ParamSpecType

from merkl_mypy import names
from merkl_mypy.shapes import any_type


def complete_task_class(ctx: ClassDefContext) -> None:
    """Replace the call and the methods of `Task`, whose types the attribute hooks then give exactly."""
    info = ctx.cls.info
    if info.fullname != names.TASK or len(info.defn.type_vars) != 3:
        return
    spec, _, out = info.defn.type_vars
    if not isinstance(spec, ParamSpecType):
        return
    args = Argument(Var("args"), spec.with_flavor(ParamSpecFlavor.ARGS), None, ARG_STAR)
    kwargs = Argument(Var("kwargs"), spec.with_flavor(ParamSpecFlavor.KWARGS), None, ARG_STAR2)
    made = add_method_to_class(ctx.api, ctx.cls, "__call__", [args, kwargs], out)
    if made in ctx.cls.defs.body:
        ctx.cls.defs.body.remove(made)
    for name in names.TASK_ATTRIBUTES:
        add_attribute_to_class(ctx.api, ctx.cls, name, any_type(), override_allow_incompatible=True)
