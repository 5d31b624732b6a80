"""`functools.partial` and `map` of tasks and of decorators: `partial(task, retries=3)`, `partial(fit, f)(g)`, `map(load, fs)`."""

from __future__ import annotations

from typing import Final

from mypy.checker import TypeChecker
from mypy.nodes import ARG_POS, CallExpr, Expression, RefExpr, TempNode
from mypy.plugin import FunctionContext, MethodContext
from mypy.plugins.functools import partial_call_callback, partial_new_callback
from mypy.types import CallableType, Instance, ProperType, Type, TypeVarType, get_proper_type

from merkl_mypy import names
from merkl_mypy.attributes import signature_of
from merkl_mypy.decorators import (
    decorate,
    decorator_applied,
    is_task,
    of_single,
    options_given,
    parameters,
    task_callable,
    with_options_of,
)
from merkl_mypy.outs import stored_outs
from merkl_mypy.rewrite import Rewriter
from merkl_mypy.shapes import any_type, class_of, plain_signature, strip

PARTIAL: Final = "functools.partial"
MAP: Final = "builtins.map"
_KEPT: Final = "__mypy_partial"  # where mypy keeps the signature of a partial


def partial_made(ctx: FunctionContext) -> Type:
    """The hook for `functools.partial(…)`: of a task it checks the arguments as values, of a decorator its options."""
    api, call = ctx.api, ctx.context
    if not isinstance(api, TypeChecker) or not isinstance(call, CallExpr) or not ctx.arg_types[0]:
        return partial_new_callback(ctx)
    kind = _decorator_kind(ctx.args[0][0])
    if kind is not None:
        return _of_decorator(api, ctx, kind, call)
    first = get_proper_type(ctx.arg_types[0][0])
    given = _signature(api, first)
    if given is not None:
        ctx = ctx._replace(arg_types=[[plain_signature(given)], *ctx.arg_types[1:]])
    elif task_of_partial(first) is None:
        return partial_new_callback(ctx)
    made_of = get_proper_type(
        partial_new_callback(ctx._replace(args=[ctx.args[0], *_values(api, ctx.args[1:])]))
    )
    task = task_of_partial(made_of)
    if task is None or not isinstance(made_of, Instance):
        return made_of
    spec = parameters(task)
    fallback = task.fallback.copy_modified(args=[spec, *task.fallback.args[1:]])
    return made_of.copy_with_extra_attr(_KEPT, task.copy_modified(fallback=fallback))


def _of_decorator(api: TypeChecker, ctx: FunctionContext, kind: str, call: CallExpr) -> Type:
    """What `partial(task, …)` is: a decorator with options, or what makes a task of the function that it was given."""
    given = get_proper_type(ctx.arg_types[1][0]) if ctx.arg_types[1] else None
    is_single = kind == "batch" and is_task(given)
    if given is not None and not is_single and len(call.args) == 2 and call.arg_kinds[1] == ARG_POS:
        made = decorate(api, ctx, kind, given, None, any_type())
        maker = CallableType([], [], [], made, api.named_type("builtins.function"), special_sig="partial")
        return api.named_generic_type(PARTIAL, [made]).copy_with_extra_attr(_KEPT, maker)
    decorator = options_given(api, kind, call, call.args[1:], call.arg_kinds[1:], call.arg_names[1:])
    if is_single and given is not None and isinstance(decorator, Instance):
        decorator = of_single(decorator, given)
    return api.named_generic_type(PARTIAL, [any_type()]).copy_with_extra_attr(names.DECORATOR_ATTR, decorator)


def partial_called(ctx: MethodContext) -> Type:
    """The hook for the call of a partial."""
    api, typ = ctx.api, get_proper_type(ctx.type)
    if not isinstance(api, TypeChecker) or not isinstance(typ, Instance):
        return partial_call_callback(ctx)
    decorator = decorator_of(typ)
    if decorator is not None:
        return _decorated(api, ctx, decorator)
    if task_of_partial(typ) is None:
        return partial_call_callback(ctx)
    return partial_call_callback(ctx._replace(args=_values(api, ctx.args)))


def _decorated(api: TypeChecker, ctx: MethodContext, decorator: Instance) -> Type:
    """What `partial(task, retries=3)` gives: a task of a function, or with more options a decorator once more."""
    kind = names.DECORATOR_CALLS[f"{decorator.type.fullname}.__call__"]
    call = ctx.context
    if isinstance(call, CallExpr):
        options = [index for index, name in enumerate(call.arg_names) if name is not None]
        if options:
            said = options_given(
                api,
                kind,
                call,
                [call.args[index] for index in options],
                [call.arg_kinds[index] for index in options],
                [call.arg_names[index] for index in options],
            )
            said_type = get_proper_type(said)
            if not isinstance(said_type, Instance):
                return said
            decorator = with_options_of(said_type, decorator)
    if not ctx.arg_types or not ctx.arg_types[0]:
        return decorator
    given = get_proper_type(ctx.arg_types[0][0])
    if kind == "batch" and is_task(given):
        return of_single(decorator, given)
    return decorator_applied(kind)(ctx._replace(type=decorator, default_return_type=any_type()))


def makes_partial(task: CallableType) -> bool:
    """Whether this is `task(functools.partial)`: the class itself as a task."""
    made = get_proper_type(task.fallback.args[1]) if is_task(task) else None
    if not isinstance(made, Instance) or made.type.fullname != PARTIAL:
        return False
    item = get_proper_type(made.args[0])
    return isinstance(item, TypeVarType) and item.fullname == made.type.defn.type_vars[0].fullname


def of_class_partial(ctx: FunctionContext) -> Type:
    """What a call gives, where it may be one of the class `partial` as a task: mypy checks what is passed on."""
    future = ctx.default_return_type
    plain = future.args[0] if isinstance(future, Instance) and future.args else None
    if not isinstance(plain, Instance) or plain.type.fullname != PARTIAL or not isinstance(future, Instance):
        return future
    api, call = ctx.api, ctx.context
    if not isinstance(api, TypeChecker) or not isinstance(call, CallExpr) or not api.has_type(call.callee):
        return future
    callee = get_proper_type(api.lookup_type(call.callee))
    if not isinstance(callee, CallableType) or not makes_partial(callee):
        return future
    plain.set_line(call)
    return future.copy_modified(args=[partial_new_callback(ctx._replace(default_return_type=plain))])


def decorator_of(typ: ProperType) -> Instance | None:
    """The decorator that a value is: `task(retries=3)`, or a partial of `task`."""
    found: ProperType | None = typ
    if isinstance(typ, Instance) and typ.type.fullname == PARTIAL and typ.extra_attrs is not None:
        found = get_proper_type(typ.extra_attrs.attrs.get(names.DECORATOR_ATTR))
    if isinstance(found, Instance) and f"{found.type.fullname}.__call__" in names.DECORATOR_CALLS:
        return found
    return None


def task_of_partial(typ: ProperType) -> CallableType | None:
    """The signature that is left of a task in a partial of it."""
    if isinstance(typ, Instance) and typ.extra_attrs is not None:
        kept = get_proper_type(typ.extra_attrs.attrs.get(_KEPT))
        if isinstance(kept, CallableType) and is_task(kept):
            return kept
    return None


def _signature(api: TypeChecker, typ: ProperType) -> CallableType | None:
    """The signature of a task, which may also be declared: `t: Task[[int], str, Future[str]]`."""
    if isinstance(typ, CallableType):
        return typ if is_task(typ) else None
    found = signature_of(api, typ) if isinstance(typ, Instance) else None
    if found is None:
        return None
    return task_callable(api, found[0], found[1], found[0].ret_type, class_of(api, names.FUTURE))


def _values(api: TypeChecker, groups: list[list[Expression]]) -> list[list[Expression]]:
    """The arguments with values in the place of their Futures."""
    rewriter = Rewriter(api)
    return [[rewriter.rewrite(arg) or arg for arg in group] for group in groups]


def _decorator_kind(expr: Expression) -> str | None:
    return names.DECORATORS.get(expr.fullname) if isinstance(expr, RefExpr) else None


def mapped(ctx: FunctionContext) -> Type:
    """The hook for `map(task, functions)`: an iterator of tasks."""
    api = ctx.api
    if not isinstance(api, TypeChecker) or len(ctx.args) < 2 or not ctx.args[0] or not ctx.args[1]:
        return ctx.default_return_type
    made = get_proper_type(ctx.default_return_type)
    kind, option = _decorator_kind(ctx.args[0][0]), None
    if kind is None:
        decorator = decorator_of(get_proper_type(ctx.arg_types[0][0]))
        if decorator is None:
            return made
        kind, option = names.DECORATOR_CALLS[f"{decorator.type.fullname}.__call__"], stored_outs(decorator)
    item = _item_of(api, ctx.args[1][0])
    if item is None or not isinstance(made, Instance):
        return made
    return made.copy_modified(args=[decorate(api, ctx, kind, item, option, any_type())])


def for_map(api: TypeChecker, call: CallExpr) -> Expression | None:
    """What stands for the task in `map(fit, fs)`: a function of the very items, since mypy infers none from `T | Future[T]`."""
    if len(call.args) < 2 or any(kind != ARG_POS for kind in call.arg_kinds):
        return None
    task = _signature(api, get_proper_type(api.expr_checker.accept(call.args[0])))
    if task is None:
        return None
    items, values = [], []
    for arg in call.args[1:]:
        item, value = _item_of(api, arg), _item_of(api, Rewriter(api).iterated(arg) or arg)
        if item is None or value is None:
            return None
        items.append(item)
        values.append(TempNode(strip(value), context=call))
    with api.msg.filter_errors(filter_errors=True) as watcher:
        given, _ = api.expr_checker.check_call(
            plain_signature(task), list(values), [ARG_POS for _ in values], call, [None for _ in values]
        )
    if watcher.has_new_errors():
        return None
    function = CallableType(
        list(items),
        [ARG_POS for _ in items],
        [None for _ in items],
        given,
        api.named_type("builtins.function"),
    )
    return TempNode(function, context=call.args[0])


def _item_of(api: TypeChecker, expr: Expression) -> ProperType | None:
    """The type of what an iteration over an expression gives."""
    with api.msg.filter_errors(filter_errors=True) as watcher:
        _, item = api.analyze_iterable_item_type(expr)
    return None if watcher.has_new_errors() else get_proper_type(item)
