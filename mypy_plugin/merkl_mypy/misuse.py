"""A Future used as if it were its value: operators, iteration, attributes.

Future's own class gets, for mypy alone, the special methods that its value might have. Each wants an argument that
nobody can give, so that a Future satisfies no protocol by them; the hooks below see the use, report it under a code
of MerkL's own, and answer Any, so that one mistake gives one error.
"""

from __future__ import annotations

from typing import Final

from mypy.checker import TypeChecker
from mypy.errorcodes import ErrorCode
from mypy.nodes import ARG_NAMED, ARG_STAR, ARG_STAR2, Argument, ComparisonExpr, FuncDef, Var
from mypy.plugin import AttributeContext, ClassDefContext, MethodSigContext
from mypy.plugins.common import add_method_to_class
from mypy.subtypes import is_subtype
from mypy.types import CallableType, FunctionLike, Instance, Type, UninhabitedType, get_proper_type

from merkl_mypy import codes, names
from merkl_mypy.shapes import any_type, is_future

_ARITHMETIC: Final = (
    "add sub mul matmul truediv floordiv mod divmod pow lshift and xor "
    "radd rsub rmul rmatmul rtruediv rfloordiv rmod rdivmod rpow rlshift rrshift rand rxor ror "
    "neg pos invert"
)
REFLECTED: Final = frozenset(
    f"__r{name}__"
    for name in [
        "add",
        "sub",
        "mul",
        "matmul",
        "truediv",
        "floordiv",
        "mod",
        "divmod",
        "pow",
        "lshift",
        "rshift",
        "and",
        "xor",
        "or",
    ]
)
_ITERATION: Final = "iter getitem setitem delitem contains aiter"
_COMPARISON: Final = "lt le ge"
_OTHER: Final = "call enter exit aenter aexit"

CODE_OF_METHOD: Final[dict[str, ErrorCode]] = {
    **{f"__{name}__": codes.FUTURE_VALUE for name in f"{_ARITHMETIC} {_OTHER}".split()},
    **{f"__{name}__": codes.FUTURE_ITER for name in _ITERATION.split()},
    **{f"__{name}__": codes.FUTURE_COMPARE for name in _COMPARISON.split()},
    "__getattr__": codes.FUTURE_ATTR,
}

_SAID: Final = {
    codes.FUTURE_VALUE.code: "used as a value",
    codes.FUTURE_ITER.code: "used as a container",
    codes.FUTURE_COMPARE.code: "compared with a value",
    codes.FUTURE_ATTR.code: "asked for an attribute of its value",
    codes.FUTURE_BOOL.code: "tested for truth",
    codes.FUTURE_FORMAT.code: "made into a string",
}


def add_methods(ctx: ClassDefContext) -> None:
    """Give Future the special methods that the hooks below wait for."""
    for name in CODE_OF_METHOD:
        if name in ctx.cls.info.names:
            continue
        nobody = Argument(Var("value"), UninhabitedType(), None, ARG_NAMED)
        made = add_method_to_class(ctx.api, ctx.cls, name, [nobody], ctx.api.named_type("builtins.object"))
        if made in ctx.cls.defs.body:
            ctx.cls.defs.body.remove(made)
        assert isinstance(made, FuncDef)


def message(typ: Type, code: ErrorCode) -> str:
    """What a user reads: what was done, and what to do instead."""
    proper = get_proper_type(typ)
    inside = ""
    if isinstance(proper, Instance) and is_future(proper):
        inside = " " + _short(proper)
    return (
        f"A Future{inside} is {_SAID[code.code]}: it is the handle of a result, not the result; "
        "pass it to a task, or call .eval()"
    )


def _short(typ: Instance) -> str:
    text = str(typ).replace(f"{names.FUTURE}", "Future").replace("builtins.", "")
    return f'"{text}"'


def method_used(ctx: MethodSigContext) -> FunctionLike:
    """The hook for the methods above."""
    api = ctx.api
    name = (ctx.default_signature.name or "").split(" ")[0]
    code = CODE_OF_METHOD.get(name, codes.FUTURE_VALUE)
    # mypy tries a reflected operator after the plain one has failed, and would show that failure: `review` finds
    # those by themselves.
    if isinstance(api, TypeChecker) and name not in REFLECTED and not _is_mirrored(ctx.context, name):
        api.fail(message(ctx.type, code), ctx.context, code=code)
    return permissive(ctx.default_signature)


_OPERATORS: Final = {"__lt__": "<", "__le__": "<=", "__ge__": ">=", "__gt__": ">"}


def _is_mirrored(context: object, name: str) -> bool:
    """Whether mypy asks for `f > 1` because it tries `1 < f` the other way round."""
    return (
        name in _OPERATORS
        and isinstance(context, ComparisonExpr)
        and _OPERATORS[name] not in context.operators
    )


def written_to(ctx: MethodSigContext) -> FunctionLike:
    """The hook for `>` and `>>`, which write to a path: with anything else they are a comparison or a shift."""
    api = ctx.api
    if not isinstance(api, TypeChecker) or not ctx.args or not ctx.args[0]:
        return ctx.default_signature
    given = get_proper_type(api.expr_checker.accept(ctx.args[0][0]))
    callee = ctx.default_signature
    if is_subtype(given, callee.arg_types[0]):
        return callee
    if _is_mirrored(ctx.context, "__gt__"):
        return permissive(callee)
    is_shift = (callee.name or "").startswith("__rshift__")
    code = codes.FUTURE_VALUE if is_shift else codes.FUTURE_COMPARE
    api.fail(message(ctx.type, code), ctx.context, code=code)
    return permissive(callee)


def attribute_read(ctx: AttributeContext) -> Type:
    """The hook for an attribute that Future does not have."""
    api = ctx.api
    if isinstance(api, TypeChecker):
        if ctx.context.line < 0:
            # Not read by the user: mypy compares a Future with a protocol, whose members it does not have.
            return api.named_type("builtins.object")
        api.fail(message(ctx.type, codes.FUTURE_ATTR), ctx.context, code=codes.FUTURE_ATTR)
    return any_type()


def permissive(callee: CallableType) -> CallableType:
    """`(*args: Any, **kwargs: Any) -> Any` under the same name."""
    return callee.copy_modified(
        arg_types=[any_type(), any_type()],
        arg_kinds=[ARG_STAR, ARG_STAR2],
        arg_names=[None, None],
        ret_type=any_type(),
        variables=[],
        unpack_kwargs=False,
    )
