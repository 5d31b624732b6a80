"""`Task` and its decorators as mypy sees them: one exact signature in place of the overloads for other checkers."""

from __future__ import annotations

from mypy.nodes import (
    ARG_STAR,
    ARG_STAR2,
    Argument,
    Block,
    ClassDef,
    Decorator,
    FuncDef,
    IfStmt,
    OverloadedFuncDef,
    OverloadPart,
    Statement,
    Var,
)
from mypy.plugin import ClassDefContext
from mypy.plugins.common import add_attribute_to_class, add_method_to_class
from mypy.types import CallableType, ParamSpecFlavor, ParamSpecType, UnboundType, UnionType

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
    # In an import cycle, which a module of the user's closes that has the name of one that merkl imports (`json.py`), mypy
    # comes here again.
    earlier = info.names.get("__call__")
    if earlier is not None and earlier.plugin_generated:
        del info.names["__call__"]
    made = add_method_to_class(ctx.api, ctx.cls, "__call__", [args, kwargs], out)
    if made in ctx.cls.defs.body:
        ctx.cls.defs.body.remove(made)
    # A decorated method is bound as the callable that it is to mypy. What is declared to be a Task, such as what a
    # property returns, is taken at its word and not bound once more.
    info.names.pop("__get__", None)
    for name in names.TASK_ATTRIBUTES:
        add_attribute_to_class(ctx.api, ctx.cls, name, any_type(), override_allow_incompatible=True)


def leave_one_way(ctx: ClassDefContext) -> None:
    """Drop the overloads of the decorators: the plugin gives the result itself, and trying each would cost mypy time.

    `task`, `batch` and `pipeline` become what they are at run time, a function of anything; their decorators keep the
    first overload, which takes any object. This runs when the first class of the module is analysed, before its
    functions are.
    """
    tree = getattr(ctx.api, "modules", {}).get(ctx.cls.info.module_name)
    if tree is not None:
        _trim(tree.defs)


def _trim(statements: list[Statement]) -> None:
    for index, statement in enumerate(statements):
        if isinstance(statement, IfStmt):
            for block in statement.body:
                _trim(block.body)
        elif isinstance(statement, ClassDef):
            if statement.name.endswith("Decorator"):
                _trim(statement.defs.body)
        elif isinstance(statement, Block):
            _trim(statement.body)
        elif isinstance(statement, OverloadedFuncDef):
            of_functions = [item for item in statement.items if _takes_function(item)]
            if len(of_functions) < 2:
                continue
            *_, last = statement.items
            only = last if isinstance(last, FuncDef) else of_functions[0]
            if isinstance(only, Decorator):
                only = only.func
                only.is_decorated = False
            elif isinstance(last, FuncDef):
                _hide_types(last)
            statements[index] = only


def _hide_types(function: FuncDef) -> None:
    """Let a decorator return Any in a form that mypy does not take for Any before it asks the plugin.

    It takes any object: given as an argument for Any, `Scale(2)` would be a `Scale[Any]`.
    """
    for signature in (function.type, function.unanalyzed_type):
        if isinstance(signature, CallableType):
            signature.ret_type = UnionType([any_type(), any_type()])
            signature.arg_types[0] = UnboundType("object")


def _takes_function(item: OverloadPart) -> bool:
    """Whether this is an overload for `@task` on a function."""
    return isinstance(item, Decorator) and any(arg.variable.name == "fn" for arg in item.func.arguments)
