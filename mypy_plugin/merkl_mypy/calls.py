"""Calls of tasks: a plain mypy check of the original signature, in which Futures stand for their values.

A parameter whose argument is a Future is checked as `Future[A]` against it. Containers of Futures are swapped,
for the time of this one check, for expressions without Futures (see `rewrite`), and swapped back after it. A
call without Futures is not touched at all.
"""

from __future__ import annotations

from mypy.argmap import map_actuals_to_formals
from mypy.checker import TypeChecker
from mypy.nodes import ARG_NAMED, ARG_POS, ARG_STAR, ARG_STAR2, CallExpr, Expression, TypeInfo
from mypy.plugin import FunctionContext, FunctionSigContext, MethodContext, MethodSigContext
from mypy.typeops import is_literal_type_like
from mypy.types import (
    CallableType,
    FunctionLike,
    Instance,
    Overloaded,
    ParamSpecType,
    Type,
    TypeVarType,
    UnionType,
    UnpackType,
    get_proper_type,
)

from merkl_mypy import names
from merkl_mypy.attributes import bind_signature, method_kind, method_result, pipe_signature
from merkl_mypy.review import Reviews
from merkl_mypy.rewrite import Rewriter, future_type, may_hold_future
from merkl_mypy.shapes import any_type, class_of, mentions_future, plain_signature


def is_task(typ: Type | None) -> bool:
    """Whether `typ` is what a decorated function has become."""
    proper = get_proper_type(typ)
    if isinstance(proper, Overloaded):
        return any(item.fallback.type.fullname == names.TASK for item in proper.items)
    return isinstance(proper, CallableType) and proper.fallback.type.fullname == names.TASK


class CallChecker:
    """Checks the calls of tasks in one mypy run."""

    def __init__(self, reviews: Reviews) -> None:
        self.reviews = reviews
        # Calls whose arguments are swapped right now, with what to put back.
        self.pending: dict[int, tuple[CallExpr, list[Expression], str]] = {}
        # The name that mypy asks about, set right before each hook runs.
        self.name = ""

    def awaits(self, fullname: str) -> bool:
        """Whether a call under this name has its arguments swapped."""
        return any(name == fullname for _, _, name in self.pending.values())

    def signature(self, ctx: FunctionSigContext | MethodSigContext) -> FunctionLike:
        """The signature to check this call against."""
        callee = ctx.default_signature
        if isinstance(ctx.api, TypeChecker):
            self.reviews.ask(ctx.api)
        if not is_task(callee):
            return callee
        return self.check(ctx, callee)

    def instance_signature(self, ctx: MethodSigContext) -> FunctionLike:
        """The same for a value of type `Task[P, R, Out]`, or one of a task's methods."""
        callee = ctx.default_signature
        if isinstance(ctx.type, Instance) and ctx.type.extra_attrs is not None:
            stored = get_proper_type(ctx.type.extra_attrs.attrs.get(names.SIGNATURE_ATTR))
            if isinstance(stored, CallableType):
                callee = stored
                kind = method_kind(ctx.type)
                if kind == "__or__" and isinstance(ctx.api, TypeChecker):
                    return pipe_signature(
                        ctx.api, stored, ctx.args[0][0] if ctx.args and ctx.args[0] else None
                    )
                if kind == "bind" and isinstance(ctx.api, TypeChecker):
                    returned = ctx.type.extra_attrs.attrs[names.RETURNED_ATTR]
                    callee = bind_signature(ctx.api, stored, ctx.context, returned)
        return self.check(ctx, callee)

    def check(self, ctx: FunctionSigContext | MethodSigContext, callee: CallableType) -> FunctionLike:
        """`callee` with plain parameters, but `Future[A]` where the argument is a Future."""
        name = self.name  # asking for argument types runs other hooks
        plain = plain_signature(callee)
        call, api = ctx.context, ctx.api
        if not isinstance(call, CallExpr) or not isinstance(api, TypeChecker):
            return plain
        self.restore(call)
        if not any(map(may_hold_future, call.args)):
            _settle_context(api, plain)
            return plain
        info = class_of(api, names.FUTURE)
        whole = get_proper_type(api.lookup_type(call.callee)) if api.has_type(call.callee) else None
        if isinstance(whole, Overloaded):
            return self._overloaded(api, whole, call, callee, info)
        _settle_context(api, plain)
        return self._lifted(api, plain, call, info, name)

    def restore(self, call: object) -> None:
        """Put the original arguments of a call back."""
        entry = self.pending.pop(id(call), None)
        if entry is not None:
            entry[0].args[:] = entry[1]

    def finish(self, ctx: FunctionContext | MethodContext) -> Type:
        """After the check of a call: put its arguments back."""
        self.restore(ctx.context)
        if isinstance(ctx, MethodContext):
            return method_result(ctx)
        return ctx.default_return_type

    def _lifted(
        self, api: TypeChecker, plain: CallableType, call: CallExpr, info: TypeInfo, name: str
    ) -> CallableType:
        formals = map_actuals_to_formals(
            call.arg_kinds,
            call.arg_names,
            plain.arg_kinds,
            plain.arg_names,
            lambda i: api.expr_checker.accept(call.args[i]),
        )
        of_actual: dict[int, list[int]] = {}
        for formal, actuals in enumerate(formals):
            for actual in actuals:
                of_actual.setdefault(actual, []).append(formal)
        lifted = list(plain.arg_types)
        swapped: dict[int, Expression] = {}
        rewriter = Rewriter(api, info)
        for index, arg in enumerate(call.args):
            targets = of_actual.get(index, [])
            if any(mentions_future(plain.arg_types[target]) for target in targets):
                continue
            if _takes_one(plain, call, formals, targets, index) and future_type(api, arg) is not None:
                lifted[targets[0]] = Instance(info, [plain.arg_types[targets[0]]])
                continue
            if call.arg_kinds[index] in (ARG_STAR, ARG_STAR2) and future_type(api, arg) is not None:
                continue  # a Future cannot be unpacked: mypy says so
            new = rewriter.rewrite(arg)
            if new is not None:
                swapped[index] = new
        if swapped and not _several_unpacks(plain, call):
            self.pending[id(call)] = (call, list(call.args), name)
            for index, new in swapped.items():
                call.args[index] = new
        return plain.copy_modified(arg_types=lifted)

    def _overloaded(
        self, api: TypeChecker, whole: Overloaded, call: CallExpr, callee: CallableType, info: TypeInfo
    ) -> CallableType:
        """Check the whole overload here, then let mypy's own pass over each item find nothing to say."""
        plain = [plain_signature(item) for item in whole.items]
        rewriter = Rewriter(api, info)
        args = [rewriter.rewrite(arg) or arg for arg in call.args]
        if all(new is old for new, old in zip(args, call.args, strict=True)):
            return plain_signature(callee)
        result, _ = api.expr_checker.check_call(Overloaded(plain), args, call.arg_kinds, call, call.arg_names)
        return callee.copy_modified(
            arg_types=[any_type(), any_type()],
            arg_kinds=[ARG_STAR, ARG_STAR2],
            arg_names=[None, None],
            ret_type=result,
            variables=[],
        )


def _takes_one(
    plain: CallableType, call: CallExpr, formals: list[list[int]], targets: list[int], actual: int
) -> bool:
    """Whether the argument is the only one of one ordinary parameter."""
    if len(targets) != 1 or call.arg_kinds[actual] not in (ARG_POS, ARG_NAMED):
        return False
    formal = targets[0]
    if plain.arg_kinds[formal].is_star() or len(formals[formal]) != 1:
        return False
    # A callable parameter may bring a ParamSpec, which mypy reads off the argument's own type only.
    odd = (UnpackType, ParamSpecType, CallableType)
    return not isinstance(get_proper_type(plain.arg_types[formal]), odd)


def _several_unpacks(plain: CallableType, call: CallExpr) -> bool:
    """Whether mypy gives up early on this call, and the arguments would not be put back."""
    star = plain.var_arg()
    return star is not None and isinstance(star.typ, UnpackType) and call.arg_kinds.count(ARG_STAR) > 1


def _settle_context(api: TypeChecker, plain: CallableType) -> None:
    """Forget the context where mypy would not use it for the plain call.

    From the context of a call that returns a bare type variable mypy infers nothing, unless it is generic or a
    literal. For a Future of it that rule would no longer hold.
    """
    result = get_proper_type(plain.ret_type)
    if not plain.variables or not isinstance(result, Instance) or result.type.fullname != names.FUTURE:
        return
    returned = get_proper_type(result.args[0])
    items = returned.items if isinstance(returned, UnionType) else [returned]
    if not all(isinstance(get_proper_type(item), TypeVarType) for item in items):
        return
    context = get_proper_type(api.expr_checker.type_context[-1])
    if isinstance(context, Instance) and context.type.fullname == names.FUTURE:
        wanted = get_proper_type(context.args[0])
        if not (isinstance(wanted, Instance) and wanted.args) and not is_literal_type_like(wanted):
            api.expr_checker.type_context[-1] = None
