"""The attributes of a task whose types follow from its signature: `fn`, `run`, `bind`, `map`, `grid`."""

from __future__ import annotations

from collections.abc import Callable

from mypy.argmap import map_actuals_to_formals
from mypy.checker import TypeChecker
from mypy.nodes import (
    ARG_NAMED,
    ARG_NAMED_OPT,
    ARG_OPT,
    ARG_POS,
    ARG_STAR,
    ARG_STAR2,
    ArgKind,
    CallExpr,
    Context,
    Expression,
    TempNode,
)
from mypy.plugin import AttributeContext, MethodContext
from mypy.typeops import get_all_type_vars
from mypy.types import (
    CallableType,
    Instance,
    LiteralType,
    Overloaded,
    Parameters,
    ParamSpecType,
    ProperType,
    Type,
    get_proper_type,
)

from merkl_mypy import codes, names
from merkl_mypy.decorators import parameters, task_callable
from merkl_mypy.shapes import any_type, class_of, has_future, is_future, plain_signature, strip


def attribute_hook(name: str) -> Callable[[AttributeContext], Type]:
    """The hook for one attribute of a task."""

    def hook(ctx: AttributeContext) -> Type:
        api = ctx.api
        if not isinstance(api, TypeChecker) or ctx.is_lvalue:
            return ctx.default_attr_type
        typ = get_proper_type(ctx.type)
        if isinstance(typ, Overloaded):
            return _overloaded(api, name, typ, ctx)
        signature = signature_of(api, typ)
        if signature is None:
            return ctx.default_attr_type
        kind = method_kind(typ.fallback) if isinstance(typ, CallableType) else None
        if name in ("map", "grid") and signature[0].param_spec() is not None:
            text = f'The plugin does not check the arguments that "{name}" passes on to a function'
            api.note(text, ctx.context, code=codes.UNSUPPORTED)
        return _attribute(api, name, *signature, kind)

    return hook


def _overloaded(api: TypeChecker, name: str, typ: Overloaded, ctx: AttributeContext) -> Type:
    """The attribute of an overloaded task; what is left of it after `bind` or `|` would depend on the item that is meant."""
    found = [signature for item in typ.items if (signature := signature_of(api, item)) is not None]
    made = [_attribute(api, name, *signature) for signature in found]
    if name == "fn":
        return Overloaded([item for item in made if isinstance(item, CallableType)])
    if name in ("run", "map", "grid") and made and isinstance(first := made[0], Instance):
        signatures = [_kept_signature(item) for item in made]
        items = [item for item in signatures if item is not None]
        return first.copy_with_extra_attr(names.SIGNATURE_ATTR, Overloaded(items))
    what = "|" if name == "__or__" else name
    text = f'The plugin does not know which overload of this task "{what}" is about, so it cannot check what comes of it'
    api.note(text, ctx.context, code=codes.UNSUPPORTED)
    return ctx.default_attr_type


def _kept_signature(method: Type) -> CallableType | None:
    if not isinstance(method, Instance) or method.extra_attrs is None:
        return None
    kept = get_proper_type(method.extra_attrs.attrs.get(names.SIGNATURE_ATTR))
    return kept if isinstance(kept, CallableType) else None


def signature_of(api: TypeChecker, typ: ProperType) -> tuple[CallableType, Type] | None:
    """The plain parameters with what a call gives, and what the function returns."""
    function = api.named_type("builtins.function")
    if isinstance(typ, CallableType) and typ.fallback.type.fullname == names.TASK:
        plain = plain_signature(typ).copy_modified(fallback=function)
        returned = typ.fallback.args[1]
        if get_all_type_vars(returned):
            # The fallback's arguments do not follow when mypy binds the callable; its result does.
            returned = strip(typ.ret_type)
        if typ.fallback.extra_attrs is not None and names.ASYNC_ATTR in typ.fallback.extra_attrs.attrs:
            any_ = any_type()
            returned = api.named_generic_type("typing.Coroutine", [any_, any_, returned])
        return plain, returned
    if isinstance(typ, Instance) and typ.type.fullname == names.TASK:
        spec, returned, out = typ.args
        proper = get_proper_type(spec)
        if isinstance(proper, Parameters):
            made = CallableType(
                proper.arg_types,
                proper.arg_kinds,
                proper.arg_names,
                out,
                function,
                variables=proper.variables,
                is_ellipsis_args=proper.is_ellipsis_args,
            )
            return made, returned
        if isinstance(proper, ParamSpecType):
            call = get_proper_type(api.expr_checker.analyze_external_member_access("__call__", typ, typ))
            if isinstance(call, CallableType):
                return call.copy_modified(fallback=function), returned
    return None


def _attribute(
    api: TypeChecker, name: str, plain: CallableType, returned: Type, kind: str | None = None
) -> Type:
    if name == "fn":
        return plain.copy_modified(ret_type=returned)
    made: CallableType
    if name == "run":
        made = plain.copy_modified(ret_type=_awaited(returned) if kind is None else strip(plain.ret_type))
    elif name == "map":
        made = _over_iterables(api, plain, named=False)
    elif name == "grid":
        made = _over_iterables(api, plain, named=True)
    else:
        made = plain
    said = LiteralType(name, api.named_type("builtins.str"))
    method = Instance(class_of(api, names.TASK_METHOD), [parameters(made), made.ret_type])
    method = method.copy_with_extra_attr(names.SIGNATURE_ATTR, made)
    if name == "bind":
        method = method.copy_with_extra_attr(names.RETURNED_ATTR, _awaited(returned))
    return method.copy_with_extra_attr(names.KIND_ATTR, said)


def _awaited(returned: Type) -> Type:
    proper = get_proper_type(returned)
    if isinstance(proper, Instance) and proper.type.fullname == "typing.Coroutine":
        return proper.args[2]
    return returned


def _over_iterables(api: TypeChecker, plain: CallableType, *, named: bool) -> CallableType:
    """`map` takes an iterable for each positional parameter, `grid` one for each parameter by name."""
    kept: list[tuple[Type, ArgKind, str | None]] = []
    for typ, kind, name in zip(plain.arg_types, plain.arg_kinds, plain.arg_names, strict=True):
        # What a ParamSpec stands for cannot be said of iterables.
        passed_on = isinstance(get_proper_type(typ), ParamSpecType)
        each = any_type() if passed_on else api.named_generic_type("typing.Iterable", [typ])
        if named and kind == ARG_STAR2:
            kept.append((each, kind, name))
        elif named and not kind.is_star() and name is not None:
            kept.append((each, ARG_NAMED if kind.is_required() else ARG_NAMED_OPT, name))
        elif not named and (kind.is_positional() or kind == ARG_STAR):
            kept.append((each, kind, None))
    result = api.named_generic_type("builtins.list", [plain.ret_type])
    return plain.copy_modified(
        arg_types=[typ for typ, _, _ in kept],
        arg_kinds=[kind for _, kind, _ in kept],
        arg_names=[name for _, _, name in kept],
        ret_type=result,
    )


def bind_signature(api: TypeChecker, plain: CallableType, call: Context, returned: Type) -> CallableType:
    """The signature of one call of `bind`: any of the parameters, giving the task of those that are left."""
    kinds = {ARG_POS: ARG_OPT, ARG_NAMED: ARG_NAMED_OPT}
    optional = plain.copy_modified(arg_kinds=[kinds.get(kind, kind) for kind in plain.arg_kinds])
    given = _given(api, optional, call)
    settled = {var.id for index in given for var in get_all_type_vars(plain.arg_types[index])}
    left = _left(plain, given)
    task = task_callable(api, left, returned, plain.ret_type, class_of(api, names.FUTURE))
    # Type variables that no given argument settles stay open in the task that comes out.
    task = task.copy_modified(variables=[var for var in plain.variables if var.id not in settled])
    return optional.copy_modified(ret_type=task, variables=[v for v in plain.variables if v.id in settled])


def pipe_signature(api: TypeChecker, left: CallableType, other: Expression | None) -> CallableType:
    """The signature of `left | other`: the task of `left`'s parameters that gives what `other` makes of its result.

    Whether `other` takes that result is checked as a plain call of it with one argument.
    """
    taken = left.copy_modified(
        arg_types=[any_type()], arg_kinds=[ARG_POS], arg_names=[None], variables=[], ret_type=any_type()
    )
    if other is None:
        return taken
    typ = get_proper_type(api.expr_checker.accept(other))
    found = signature_of(api, typ)
    if found is None:
        function = left.copy_modified(
            arg_types=[strip(left.ret_type)], arg_kinds=[ARG_POS], arg_names=[None], ret_type=any_type()
        )
        return taken.copy_modified(arg_types=[task_callable_of(api, function)])
    value = TempNode(strip(left.ret_type), context=other)
    out, _ = api.expr_checker.check_call(found[0], [value], [ARG_POS], other, [None])
    future = class_of(api, names.FUTURE)
    return taken.copy_modified(ret_type=task_callable(api, left, strip(out), out, future))


def task_callable_of(api: TypeChecker, function: CallableType) -> Type:
    """Any task of these parameters, as an instance of Task."""
    return Instance(class_of(api, names.TASK), [parameters(function), any_type(), any_type()])


def _given(api: TypeChecker, signature: CallableType, call: Context) -> dict[int, bool]:
    """The parameters that a call of `bind` fixes; True for those given by name."""
    if not isinstance(call, CallExpr):
        return {}
    formals = map_actuals_to_formals(
        call.arg_kinds,
        call.arg_names,
        signature.arg_kinds,
        signature.arg_names,
        lambda i: api.expr_checker.accept(call.args[i]),
    )
    return {
        formal: any(call.arg_kinds[actual].is_named() for actual in actuals)
        for formal, actuals in enumerate(formals)
        if actuals and not signature.arg_kinds[formal].is_star()
    }


def _left(plain: CallableType, given: dict[int, bool]) -> CallableType:
    """The parameters that are left; those after one that was given by name can be given by name only."""
    left: list[tuple[Type, ArgKind, str | None]] = []
    by_name = False
    for index, (typ, kind, name) in enumerate(
        zip(plain.arg_types, plain.arg_kinds, plain.arg_names, strict=True)
    ):
        if index in given:
            by_name = by_name or given[index]
        elif by_name and kind.is_positional():
            left.append((typ, ARG_NAMED if kind == ARG_POS else ARG_NAMED_OPT, name))
        else:
            left.append((typ, kind, name))
    return plain.copy_modified(
        arg_types=[typ for typ, _, _ in left],
        arg_kinds=[kind for _, kind, _ in left],
        arg_names=[name for _, _, name in left],
    )


def method_result(ctx: MethodContext) -> Type:
    """`map` over a Future of a list gives a Future of the list of results."""
    kind = method_kind(ctx.type)
    if kind == "map" and isinstance(ctx.api, TypeChecker):
        result = get_proper_type(ctx.default_return_type)
        if any(is_future(get_proper_type(typ)) for types in ctx.arg_types for typ in types):
            if isinstance(result, Instance) and has_future(result):
                return Instance(class_of(ctx.api, names.FUTURE), [strip(result)])
    return ctx.default_return_type


def method_kind(typ: ProperType) -> str | None:
    if isinstance(typ, Instance) and typ.extra_attrs is not None:
        kind = get_proper_type(typ.extra_attrs.attrs.get(names.KIND_ATTR))
        if isinstance(kind, LiteralType):
            return str(kind.value)
    return None
