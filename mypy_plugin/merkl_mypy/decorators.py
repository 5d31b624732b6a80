"""What `@task`, `@batch` and `@pipeline` make of a function's type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from mypy import message_registry
from mypy.checker import TypeChecker
from mypy.errorcodes import ARG_TYPE
from mypy.messages import format_type
from mypy.nodes import (
    ARG_POS,
    IMPLICITLY_ABSTRACT,
    ArgKind,
    CallExpr,
    Context,
    Decorator,
    Expression,
    FuncDef,
    Node,
    OverloadedFuncDef,
    TypeInfo,
)
from mypy.plugin import FunctionContext, MethodContext
from mypy.types import (
    AnyType,
    CallableType,
    FunctionLike,
    Instance,
    LiteralType,
    Overloaded,
    Parameters,
    ProperType,
    TupleType,
    Type,
    TypeType,
    TypeVarType,
    UnionType,
    get_proper_type,
)

from merkl_mypy import codes, names
from merkl_mypy.outs import OutsOption, call_result, outs_option, stored_outs
from merkl_mypy.serializable import check_definition, exempt_names
from merkl_mypy.shapes import any_type, class_of, lift, plain_signature
from merkl_mypy.walk import parts

_PART_BOUND: Final = "__mypy_partial_paramspec_"  # how mypy begins what it notes of a partial in a decorator
_SINGLE_DISPATCH: Final = "functools._SingleDispatchCallable"


def decorator_called(kind: str) -> Callable[[FunctionContext], Type]:
    """The hook for `task(fn)` and `task(outs=…)`: both `@task` and `@task(…)` come through here."""

    def hook(ctx: FunctionContext) -> Type:
        api = ctx.api
        if not isinstance(api, TypeChecker):
            return ctx.default_return_type
        function = _only_argument(ctx)
        is_single = kind == "batch" and function is not None and is_task(function)
        if function is None or is_single:
            return _decorator(api, ctx, kind, function if is_single else None)
        made = decorate(api, ctx, kind, function, None, any_type())
        return made if kind == "pipeline" else _check_serializable(api, ctx, made)

    return hook


def _only_argument(ctx: FunctionContext) -> Type | None:
    """What stands alone between the parentheses, such as the function under the decorator."""
    first, *rest = ctx.arg_types
    if len(first) == 1 and not any(rest) and ctx.arg_kinds[0][0] == ARG_POS:
        return first[0]
    return None


def _decorator(api: TypeChecker, ctx: FunctionContext, kind: str, single: Type | None) -> Type:
    """What `task(…)` with options is: a decorator, whose type remembers what was said."""
    call = ctx.context
    if not isinstance(call, CallExpr):
        return any_type()
    made = options_given(api, kind, call, call.args, call.arg_kinds, call.arg_names)
    if single is not None and isinstance(made, Instance):
        return of_single(made, get_proper_type(single))
    return made


def options_given(
    api: TypeChecker,
    kind: str,
    call: CallExpr,
    args: Sequence[Expression],
    arg_kinds: Sequence[ArgKind],
    arg_names: Sequence[str | None],
) -> ProperType:
    """The decorator that options make, which stand among the arguments of `call`."""
    checked = _options_of(api, kind)
    returned, _ = api.expr_checker.check_call(checked, list(args), list(arg_kinds), call, list(arg_names))
    made = get_proper_type(returned)
    if not isinstance(made, Instance):
        return made
    if "outs" in arg_names:
        given = args[list(arg_names).index("outs")]
        option = outs_option(api, given, api.expr_checker.accept(given))
        if option is not None:
            made = made.copy_with_extra_attr(names.OUTS_ATTR, option)
    exempt = exempt_names(api, call)
    return made if exempt is None else made.copy_with_extra_attr(names.EXEMPT_ATTR, exempt)


def with_options_of(decorator: Instance, before: Instance) -> Instance:
    """A decorator with what was said before, where it says nothing itself."""
    kept = {} if before.extra_attrs is None else before.extra_attrs.attrs
    said = {} if decorator.extra_attrs is None else decorator.extra_attrs.attrs
    for name, typ in kept.items():
        if name not in said:
            decorator = decorator.copy_with_extra_attr(name, typ)
    return decorator


def _options_of(api: TypeChecker, kind: str) -> Type:
    """The signature of a decorator with options."""
    module, _, name = names.OPTIONS[kind].rpartition(".")
    node = api.modules[module].names[name].node
    typ = get_proper_type(node.type if isinstance(node, (FuncDef, OverloadedFuncDef)) else None)
    if isinstance(typ, CallableType):
        return typ.copy_modified(name=kind, definition=None)
    if isinstance(typ, Overloaded):
        return Overloaded([item.copy_modified(name=kind, definition=None) for item in typ.items])
    raise LookupError(names.OPTIONS[kind])


def of_single(decorator: Instance, task: ProperType) -> Instance:
    """`batch(single)`: the decorator that remembers what a call of the single task gives."""
    if isinstance(task, CallableType) and not task.variables:
        return decorator.copy_with_extra_attr(names.SINGLE_ATTR, task)
    if isinstance(task, Instance) and len(task.args) == 3:
        return decorator.copy_with_extra_attr(names.SINGLE_ATTR, task.args[2])
    return decorator


def decorator_applied(kind: str) -> Callable[[MethodContext], Type]:
    """The hook for the second step of `@task(…)`: what its result does with the function."""

    def hook(ctx: MethodContext) -> Type:
        if not isinstance(ctx.api, TypeChecker) or not ctx.arg_types or not ctx.arg_types[0]:
            return ctx.default_return_type
        option = stored_outs(ctx.type)
        made = decorate(ctx.api, ctx, kind, ctx.arg_types[0][0], option, ctx.default_return_type)
        if kind != "pipeline":
            made = _check_serializable(ctx.api, ctx, made)
        return _with_items_of(ctx.api, made, ctx.type)

    return hook


def _with_items_of(api: TypeChecker, made: Type, decorator: ProperType) -> Type:
    """A batch whose items are what the single task gives, where it was made of one."""
    if not isinstance(decorator, Instance) or decorator.extra_attrs is None:
        return made
    single = get_proper_type(decorator.extra_attrs.attrs.get(names.SINGLE_ATTR))
    task = get_proper_type(made)
    if single is None or not isinstance(task, CallableType):
        return made
    item = single.ret_type if isinstance(single, CallableType) else single
    result = api.named_generic_type("builtins.list", [item])
    kept = task.fallback.extra_attrs
    fallback = Instance(task.fallback.type, [*task.fallback.args[:2], result], extra_attrs=kept)
    return task.copy_modified(ret_type=result, fallback=fallback)


def _check_serializable(api: TypeChecker, ctx: FunctionContext | MethodContext, made: Type) -> Type:
    """What goes into a task is hashed, and what comes out of it is stored; the task remembers what is exempt."""
    task = get_proper_type(made)
    if not isinstance(task, CallableType) or task.fallback.type.fullname != names.TASK:
        return made
    exempt = None
    if isinstance(ctx, MethodContext) and isinstance(ctx.type, Instance) and ctx.type.extra_attrs is not None:
        exempt = get_proper_type(ctx.type.extra_attrs.attrs.get(names.EXEMPT_ATTR))
    declared = get_proper_type(task.fallback.args[0])
    if not isinstance(declared, Parameters):
        declared = plain_signature(task)
    check_definition(api, ctx.context, declared, task.fallback.args[1], exempt)
    if exempt is None:
        return made
    return task.copy_modified(fallback=task.fallback.copy_with_extra_attr(names.EXEMPT_ATTR, exempt))


def decorate(
    api: TypeChecker,
    ctx: FunctionContext | MethodContext,
    kind: str,
    function: Type,
    option: OutsOption,
    default: Type,
) -> Type:
    """The task's type: the function's own parameters, widened by Futures, and the result of a call."""
    proper = get_proper_type(function)
    known = _known_already(ctx.context, kind, proper, option)
    if known is not None:
        return known
    bound_to_self = first_is_self(ctx.context)
    overloads = overloads_of(api, ctx.context)
    if overloads is not None and isinstance(ctx.context, Decorator):
        # At run time the decorator of the implementation makes the whole overload a task. mypy is left to compare the
        # items with the implementation as they were written.
        signatures = _items_of(overloads)
        if not all(map(is_task, signatures)):
            overloads.type = Overloaded(
                [
                    item if is_task(item) else task_type(api, ctx.context, kind, item, option, bound_to_self)
                    for item in signatures
                ]
            )
            # What has no annotations, mypy does not compare with the items.
            return function if ctx.context.func.type is not None else any_type()
    if isinstance(proper, TypeVarType):
        return decorate(api, ctx, kind, proper.upper_bound, option, default)
    if isinstance(proper, UnionType):
        return UnionType.make_union(
            [decorate(api, ctx, kind, item, option, default) for item in proper.items]
        )
    called = proper if isinstance(proper, AnyType) else _called(api, proper, ctx.context)
    if isinstance(called, UnionType):  # of a class that is one of several
        return decorate(api, ctx, kind, called, option, default)
    if isinstance(called, AnyType):
        _unknown(api, ctx.context, kind)
        return any_type()
    if isinstance(called, Overloaded):
        return Overloaded(
            [task_type(api, ctx.context, kind, item, option, bound_to_self) for item in called.items]
        )
    if isinstance(called, CallableType):
        return task_type(api, ctx.context, kind, called, option, bound_to_self)
    api.fail(
        f'Argument 1 to "{kind}" has incompatible type {format_type(proper, api.options)}; expected a function',
        ctx.context,
        code=ARG_TYPE,
    )
    return default


def _called(api: TypeChecker, typ: ProperType, context: Context) -> ProperType | None:
    """The signature of what is called when a value of this type is called."""
    if isinstance(typ, FunctionLike):
        _can_be_made(api, typ, context)
        return typ
    if isinstance(typ, TypeType):
        return get_proper_type(api.expr_checker.analyze_type_type_callee(typ.item, context))
    if isinstance(typ, TupleType):
        typ = typ.partial_fallback
    kept = _partial(typ) or _dispatched(typ)
    if kept is None and isinstance(typ, Instance) and typ.type.has_readable_member("__call__"):
        return get_proper_type(api.expr_checker.analyze_external_member_access("__call__", typ, context))
    return kept


def _can_be_made(api: TypeChecker, typ: FunctionLike, context: Context) -> None:
    """Report a class of which there are no objects, as mypy does where it is called."""
    first = typ.items[0]
    if not first.is_type_obj() or first.from_type_type:
        return
    info = first.type_object()
    if info.is_protocol:
        api.fail(message_registry.CANNOT_INSTANTIATE_PROTOCOL.format(info.name), context)
    elif info.is_abstract and not info.fallback_to_any:
        missing = {
            name: status == IMPLICITLY_ABSTRACT and api.expr_checker.can_return_none(info, name)
            for name, status in info.abstract_attributes
        }
        api.msg.cannot_instantiate_abstract_class(info.name, missing, context)


def _unknown(api: TypeChecker, context: Context, kind: str) -> None:
    text = f'The plugin does not know the type of this function, so it cannot check the calls of what "{kind}" makes of it'
    api.note(text, context, code=codes.UNSUPPORTED)


def _known_already(context: Context, kind: str, function: ProperType, option: OutsOption) -> Type | None:
    """The type that the task was given before mypy came to it (see `early`)."""
    if not isinstance(context, Decorator) or len(context.decorators) != 1 or option is not None:
        return None
    typ = context.var.type
    if kind == "batch" or function is not context.func.type or not isinstance(typ, CallableType):
        return None
    return typ if typ.fallback.type.fullname == names.TASK else None


def overloads_of(api: TypeChecker, context: Context) -> OverloadedFuncDef | None:
    """The overloaded function whose implementation is decorated."""
    if not isinstance(context, Decorator):
        return None
    function = context.func
    table = function.info.names if function.info else api.tree.names
    symbol = table.get(function.name)
    found = None if symbol is None else symbol.node
    if found is context:
        return None
    if not isinstance(found, OverloadedFuncDef) or found.impl is not context:
        # A local one, or one of several of that name, such as under a condition.
        scopes: list[Node] = [scope for scope in api.scope.stack if isinstance(scope, FuncDef)]
        scopes = scopes or list(api.tree.defs)
        found = next((one for scope in scopes if (one := _inside(scope, context)) is not None), None)
    if found is None or found.is_property:
        return None
    return found


def _items_of(overloads: OverloadedFuncDef) -> list[CallableType]:
    """The signatures of an overload; of items under other decorators, such as `deprecated`, what those make of them."""
    found: list[CallableType] = []
    for item in overloads.items:
        typ = get_proper_type(item.type) if isinstance(item, Decorator) else None
        if isinstance(typ, CallableType):
            # By its definition mypy knows that an item is deprecated.
            found.append(typ if typ.definition is not None else typ.copy_modified(definition=item))
    return found


def _inside(node: Node, implementation: Decorator) -> OverloadedFuncDef | None:
    """The overloaded function below `node` with this implementation."""
    for part in parts(node):
        if isinstance(part, OverloadedFuncDef):
            if part.impl is implementation:
                return part
        found = _inside(part, implementation)
        if found is not None:
            return found
    return None


def _partial(typ: ProperType) -> CallableType | None:
    """The signature that mypy keeps for a `functools.partial`."""
    if isinstance(typ, Instance) and typ.extra_attrs is not None:
        kept = get_proper_type(typ.extra_attrs.attrs.get("__mypy_partial"))
        if isinstance(kept, CallableType):
            # What is left of the arguments of a ParamSpec may be given, though one part alone is.
            is_part = any(name.startswith(_PART_BOUND) for name in typ.extra_attrs.immutable)
            return kept if is_part else kept.copy_modified(special_sig=None)
    return None


def _dispatched(typ: ProperType) -> CallableType | None:
    """The signature that mypy keeps for a `functools.singledispatch`: that of the function for any other argument."""
    if isinstance(typ, Instance) and typ.type.fullname == _SINGLE_DISPATCH and len(typ.args) == 2:
        kept = get_proper_type(typ.args[1])
        return kept if isinstance(kept, CallableType) else None
    return None


def task_type(
    api: TypeChecker,
    context: Context,
    kind: str,
    function: CallableType,
    option: OutsOption,
    skip_first: bool,
) -> CallableType:
    """What a function becomes; with `skip_first` its first parameter is what a method is bound to."""
    future = class_of(api, names.FUTURE)
    returned = awaited(function.ret_type)
    result = call_result(api, context, kind, returned, option, future)
    made = task_callable(api, function, returned, result, future, skip_first=skip_first)
    if returned is not function.ret_type:
        fallback = made.fallback.copy_with_extra_attr(names.ASYNC_ATTR, any_type())
        made = made.copy_modified(fallback=fallback)
    if kind != "task":
        said = LiteralType(kind, api.named_type("builtins.str"))
        made = made.copy_modified(fallback=made.fallback.copy_with_extra_attr(names.KIND_ATTR, said))
    return made


def is_task(typ: Type | None) -> bool:
    """Whether `typ` is what a decorated function has become."""
    proper = get_proper_type(typ)
    if isinstance(proper, Overloaded):
        return any(item.fallback.type.fullname == names.TASK for item in proper.items)
    if isinstance(proper, CallableType):
        return proper.fallback.type.fullname == names.TASK
    return isinstance(proper, Instance) and proper.type.fullname == names.TASK


def task_callable(
    api: TypeChecker,
    function: CallableType,
    returned: Type,
    result: Type,
    future: TypeInfo,
    *,
    skip_first: bool = False,
) -> CallableType:
    """A callable with widened parameters that gives `result`, whose attributes are those of `Task`."""
    skipped = 1 if skip_first and function.arg_kinds and function.arg_kinds[0].is_positional() else 0
    arg_types = [
        typ if index < skipped or (function.unpack_kwargs and kind.is_star()) else lift(typ, future)
        for index, (typ, kind) in enumerate(zip(function.arg_types, function.arg_kinds, strict=True))
    ]
    fallback = Instance(class_of(api, names.TASK), [parameters(function), returned, result])
    return function.copy_modified(
        arg_types=arg_types,
        ret_type=result,
        fallback=fallback,
        type_guard=None,
        type_is=None,
        from_type_type=False,
    )


def parameters(function: CallableType) -> Type:
    """The `P` of a callable."""
    spec = function.param_spec()
    if spec is not None:
        return spec
    return Parameters(
        function.arg_types,
        function.arg_kinds,
        function.arg_names,
        variables=function.variables,
        is_ellipsis_args=function.is_ellipsis_args,
    )


def awaited(returned: Type) -> Type:
    """What a call of the function gives in the end: a coroutine's result, else the return type itself."""
    proper = get_proper_type(returned)
    if isinstance(proper, Instance) and proper.type.fullname in ("typing.Coroutine", "types.CoroutineType"):
        return proper.args[2]
    return returned


def first_is_self(context: object) -> bool:
    """Whether a decorated function is a method whose first parameter is what it is bound to."""
    if not isinstance(context, Decorator):
        return False
    function = context.func
    return bool(function.info) and not function.is_static
