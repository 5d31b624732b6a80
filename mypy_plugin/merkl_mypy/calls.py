"""Calls of tasks: a plain mypy check of the original signature, in which Futures stand for their values.

A parameter whose argument is a Future is checked as `Future[A]` against it. Containers of Futures are swapped,
for the time of this one check, for expressions without Futures (see `rewrite`), and swapped back after it. A
call without Futures is not touched at all.
"""

from __future__ import annotations

from typing import Final

from mypy.argmap import map_actuals_to_formals
from mypy.checker import TypeChecker
from mypy.nodes import (
    ARG_NAMED,
    ARG_POS,
    ARG_STAR,
    ARG_STAR2,
    LAMBDA_NAME,
    CallExpr,
    ConditionalExpr,
    Decorator,
    Expression,
    MemberExpr,
    NameExpr,
    TempNode,
    TypeInfo,
    Var,
)
from mypy.plugin import (
    CheckerPluginInterface,
    FunctionContext,
    FunctionSigContext,
    MethodContext,
    MethodSigContext,
)
from mypy.typeops import is_literal_type_like, make_simplified_union
from mypy.types import (
    CallableType,
    FunctionLike,
    Instance,
    Overloaded,
    Type,
    TypeVarType,
    UnionType,
    UnpackType,
    get_proper_type,
)
from mypy.types_utils import is_overlapping_none, remove_optional

from merkl_mypy import names
from merkl_mypy.attributes import bind_signature, method_kind, method_result, pipe_signature
from merkl_mypy.eager import EagerCalls
from merkl_mypy.findings import forget_inside
from merkl_mypy.partials import MAP, for_map, makes_partial, mapped, of_class_partial
from merkl_mypy.quick import NOT_LIFTED, QuickSignature
from merkl_mypy.review import Reviews
from merkl_mypy.rewrite import Rewriter, leaf_type, may_hold_future
from merkl_mypy.shapes import (
    any_type,
    class_of,
    has_future,
    is_future,
    mentions_future,
    plain_signature,
    strip,
)

_NAMED: Final = frozenset([NameExpr, MemberExpr])
_TYPED: Final = frozenset([Decorator, Var])


class CallChecker:
    """Checks the calls of tasks in one mypy run."""

    def __init__(self, reviews: Reviews) -> None:
        self.reviews = reviews
        self._quiet = reviews.quiet
        # Calls whose arguments are swapped right now, with what to put back.
        self.pending: dict[int, tuple[CallExpr, list[Expression], str]] = {}
        # The same for calls that mypy checks more than once, and for those judged at a glance, of which there are many: these
        # wait for the review of the module.
        self._waiting: dict[int, tuple[CallExpr, list[Expression]]] = {}
        self.eager = EagerCalls()
        reviews.before.append(self._forget)
        # The signatures of the tasks of this module, by the identity of what they were made of.
        self._quick: dict[int, QuickSignature] = {}
        # Those of its methods, by the identity of their definitions.
        self._methods: dict[int, QuickSignature] = {}
        # The names under which tasks have been called.
        self.names: set[str] = set()
        # The name that mypy asks about, set right before each hook runs.
        self.name = ""
        # The overloaded call that was checked last, with the signature that it gets.
        self._checked: tuple[CallExpr, CallableType] | None = None

    def awaits(self, fullname: str) -> bool:
        """Whether a call under this name has its arguments swapped."""
        return any(name == fullname for _, _, name in self.pending.values())

    def signature(self, ctx: FunctionSigContext | MethodSigContext) -> FunctionLike:
        """The signature to check this call against."""
        callee, call = ctx.default_signature, ctx.context
        quick = self._quick.get(id(callee))
        if quick is None:
            if not isinstance(callee, CallableType) or callee.fallback.type.fullname != names.TASK:
                return callee
            quick = self._of_method(callee) or self._lay_out(callee, ctx.api)
        if quick is not None and quick.is_simple and type(call) is CallExpr:
            found = self._at_a_glance(ctx.api, call, quick)  # type: ignore[arg-type]  # as `_lay_out` has seen
            if found is not None:
                return found
        return self.check(ctx, callee)

    def _lay_out(self, callee: CallableType, api: CheckerPluginInterface) -> QuickSignature | None:
        if not isinstance(api, TypeChecker):
            return None
        self.reviews.ask(api)
        quick = QuickSignature(callee, class_of(api, names.FUTURE), self.name.rpartition(".")[2])
        if callee.is_bound and callee.definition is not None:
            self._methods[id(callee.definition)] = quick
        else:
            self._quick[id(callee)] = quick
        self.names.add(self.name)
        return quick

    def _of_method(self, callee: CallableType) -> QuickSignature | None:
        """What was laid out for another call of this method, which mypy binds anew each time."""
        quick = self._methods.get(id(callee.definition)) if callee.is_bound else None
        return quick if quick is not None and quick.is_for(callee) else None

    def _at_a_glance(self, api: TypeChecker, call: CallExpr, quick: QuickSignature) -> FunctionLike | None:
        """What most calls of a program come by: each step here is taken thousands of times."""
        target = call.callee
        node = target.node if type(target) in _NAMED else None  # type: ignore[attr-defined]
        # An item of an overload is called by another type than that of the name.
        if not quick.is_method and (type(node) not in _TYPED or node.type is not quick.callee):  # type: ignore[union-attr]
            return None
        if self.eager.holds(api, call):
            return None
        identity = id(call)
        if identity in self._waiting or identity in self.pending:
            self.restore(call)
        judged = quick.judge(api, call)
        if judged is None:
            return None
        signature, swapped, is_flat = judged
        if quick.is_generic:
            _settle_context(api, quick.plain)
        if is_flat:
            self._quiet.add(identity)
        if swapped is not None:
            self._waiting[identity] = (call, list(call.args))
            call.args[:] = swapped
        return signature

    def instance_signature(self, ctx: MethodSigContext) -> FunctionLike:
        """The same for a value of type `Task[P, R, Out]`, or one of a task's methods."""
        callee = ctx.default_signature
        if isinstance(ctx.type, Instance) and ctx.type.extra_attrs is not None:
            stored = get_proper_type(ctx.type.extra_attrs.attrs.get(names.SIGNATURE_ATTR))
            if isinstance(stored, Overloaded) and isinstance(ctx.api, TypeChecker):
                return self._overloaded(ctx.api, stored.items, ctx.context, callee)
            if isinstance(stored, CallableType):
                callee = stored
                if ctx.type.type.fullname == names.TASK:
                    _say_untyped(ctx, stored)
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
        plain = self._plain(callee)
        call, api = ctx.context, ctx.api
        if not isinstance(call, CallExpr) or not isinstance(api, TypeChecker):
            return plain
        if self.eager.holds(api, call):
            plain = plain.copy_modified(ret_type=strip(plain.ret_type))
        whole = get_proper_type(api.lookup_type(call.callee)) if api.has_type(call.callee) else None
        if isinstance(whole, Overloaded) and self._checked is not None and self._checked[0] is call:
            if any(item is callee for item in whole.items[1:]):
                return self._checked[1]  # mypy asks for each item of an overload in turn
        self.restore(call)
        _forget_stars(api, call)
        info = class_of(api, names.FUTURE)
        if isinstance(whole, Overloaded):
            return self._overloaded(api, whole.items, call, callee)
        if isinstance(get_proper_type(_future_item(plain.ret_type)), CallableType):
            # What mypy makes of a decorator that is given an overload it makes of no Future.
            return self._checked_apart(api, [callee], call, callee, info)
        _settle_context(api, plain)
        if _gives_union(plain) or makes_partial(plain):
            self.pending[id(call)] = (call, list(call.args), name)
        if not any(map(may_hold_future, call.args)):
            return plain
        return self._lifted(api, plain, call, info, name)

    def _overloaded(
        self, api: TypeChecker, items: list[CallableType], call: object, callee: CallableType
    ) -> CallableType:
        if not isinstance(call, CallExpr):
            return callee
        self.restore(call)
        _forget_stars(api, call)
        if self.eager.holds(api, call):
            items = [item.copy_modified(ret_type=strip(item.ret_type)) for item in items]
        return self._checked_apart(api, items, call, callee, class_of(api, names.FUTURE), overloaded=True)

    def _plain(self, callee: CallableType) -> CallableType:
        quick = self._quick.get(id(callee)) or self._of_method(callee)
        return plain_signature(callee).with_unpacked_kwargs() if quick is None else quick.plain

    def _forget(self, api: TypeChecker) -> None:
        """The module is done: put all arguments back, and let go of its types."""
        self.restore_all()
        self.eager.forget(api)
        self._quick.clear()
        self._methods.clear()

    def restore(self, call: object) -> None:
        """Put the original arguments of a call back."""
        entry = self.pending.pop(id(call), None) or self._waiting.pop(id(call), None)
        if entry is not None:
            entry[0].args[:] = entry[1]

    def restore_all(self) -> None:
        """Put the original arguments of all calls back: mypy is done with the module."""
        for call, args in self._waiting.values():
            call.args[:] = args
        self._waiting.clear()

    def finish(self, ctx: FunctionContext | MethodContext) -> Type:
        """After the check of a call: put its arguments back."""
        if id(ctx.context) in self.pending:
            self.restore(ctx.context)
        result = method_result(ctx) if isinstance(ctx, MethodContext) else of_class_partial(ctx)
        proper = get_proper_type(result)
        if isinstance(proper, Instance) and is_future(proper):
            return proper.copy_modified(args=[_simplified(proper.args[0])])
        return result

    def map_signature(self, ctx: FunctionSigContext) -> FunctionLike:
        """`map(task, fs)`: for the time of the check, a function of the items stands in the place of the task."""
        call, api = ctx.context, ctx.api
        if isinstance(call, CallExpr) and isinstance(api, TypeChecker) and id(call) not in self.pending:
            made = for_map(api, call)
            if made is not None:
                self.pending[id(call)] = (call, list(call.args), MAP)
                call.args[0] = made
        return ctx.default_signature

    def map_done(self, ctx: FunctionContext) -> Type:
        """After the check of such a call."""
        self.restore(ctx.context)
        return mapped(ctx)

    def _lifted(
        self, api: TypeChecker, plain: CallableType, call: CallExpr, info: TypeInfo, name: str
    ) -> CallableType:
        formals = map_actuals_to_formals(
            call.arg_kinds,
            call.arg_names,
            plain.arg_kinds,
            plain.arg_names,
            lambda i: leaf_type(api, call.args[i]) or any_type(),
        )
        of_actual: dict[int, list[int]] = {}
        for formal, actuals in enumerate(formals):
            for actual in actuals:
                of_actual.setdefault(actual, []).append(formal)
        # A call that leaves parameters out is checked on values: mypy then tells which one was forgotten.
        fits = all(
            actuals or not plain.arg_kinds[formal].is_required() for formal, actuals in enumerate(formals)
        )
        lifted = list(plain.arg_types)
        swapped: dict[int, Expression] = {}
        rewriter = Rewriter(api, self.eager)
        is_batch = method_kind(plain.fallback) == "batch"
        for index, arg in enumerate(call.args):
            targets = of_actual.get(index, [])
            if any(mentions_future(plain.arg_types[target]) for target in targets):
                continue
            if targets == [0] and is_batch and rewriter.is_future(arg):
                continue  # the items of a batch have to be there when the call is made: mypy says so
            if (
                fits
                and _takes_one(plain, call, formals, targets, index)
                and not isinstance(
                    arg, ConditionalExpr
                )  # of which mypy looks at each side with and without a context
                and rewriter.is_future(arg)
            ):
                lifted[targets[0]] = Instance(info, [plain.arg_types[targets[0]]])
                continue
            if call.arg_kinds[index] in (ARG_STAR, ARG_STAR2) and rewriter.is_future(arg):
                continue  # a Future cannot be unpacked: mypy says so
            new = rewriter.iterated(arg) if call.arg_kinds[index] == ARG_STAR else rewriter.rewrite(arg)
            if new is not None:
                swapped[index] = new
        if swapped:
            if _several_unpacks(plain, call):
                self._waiting[id(call)] = (call, list(call.args))
            else:
                self.pending[id(call)] = (call, list(call.args), name)
            for index, new in swapped.items():
                call.args[index] = new
        return plain.copy_modified(arg_types=lifted)

    def _checked_apart(
        self,
        api: TypeChecker,
        items: list[CallableType],
        call: CallExpr,
        callee: CallableType,
        info: TypeInfo,
        *,
        overloaded: bool = False,
    ) -> CallableType:
        """Check the call of one or several overload items here, so that mypy's own pass finds nothing to say."""
        plain = [plain_signature(item) for item in items]
        rewriter = Rewriter(api, self.eager)
        args = [
            (rewriter.iterated(arg) if kind == ARG_STAR else rewriter.rewrite(arg)) or arg
            for arg, kind in zip(call.args, call.arg_kinds, strict=True)
        ]
        values = [_future_item(item.ret_type) for item in plain]
        # Ambiguous items are joined by what they return, so they are told apart by values and not by Futures.
        if all(value is not None for value in values):
            plain = [item.copy_modified(ret_type=value) for item, value in zip(plain, values, strict=True)]
            contexts = api.expr_checker.type_context
            wanted = None if contexts[-1] is None else _future_item(contexts[-1])
            contexts.append(wanted)
            try:
                result = _check_items(api, plain, args, call, overloaded=overloaded)
            finally:
                contexts.pop()
            result = Instance(info, [_simplified(result)])
        else:
            result = _check_items(api, plain, args, call, overloaded=overloaded)
        # They have been looked at in the context of their parameters, without which mypy may judge them otherwise.
        self._waiting[id(call)] = (call, list(call.args))
        call.args[:] = [
            arg if kind.is_star() else TempNode(any_type(), context=arg)
            for arg, kind in zip(args, call.arg_kinds, strict=True)
        ]
        made = callee.copy_modified(
            arg_types=[any_type(), any_type()],
            arg_kinds=[ARG_STAR, ARG_STAR2],
            arg_names=[None, None],
            ret_type=result,
            variables=[],
            unpack_kwargs=False,
            definition=None,  # whether the item that was meant is deprecated has been said
        )
        self._checked = (call, made)
        return made


def _say_untyped(ctx: MethodSigContext, callee: CallableType) -> None:
    """Report what mypy would of the call of a function without annotations, where it sees an object that is called."""
    api = ctx.api
    if not isinstance(api, TypeChecker) or not isinstance(ctx.context, CallExpr) or not callee.implicit:
        return
    if api.options.disallow_untyped_calls and api.in_checked_function() and callee.name != LAMBDA_NAME:
        api.msg.untyped_function_call(callee, ctx.context)


def _check_items(
    api: TypeChecker, items: list[CallableType], args: list[Expression], call: CallExpr, *, overloaded: bool
) -> Type:
    # An overload may be left with one item, where others are for another platform.
    target = Overloaded(items) if overloaded else items[0]
    result, _ = api.expr_checker.check_call(target, args, call.arg_kinds, call, call.arg_names)
    return result


def _future_item(typ: Type) -> Type | None:
    """The `X` of `Future[X]`, else None."""
    proper = get_proper_type(typ)
    return proper.args[0] if isinstance(proper, Instance) and is_future(proper) else None


def _gives_union(plain: CallableType) -> bool:
    """Whether mypy would simplify what the plain call gives: it does so with unions, though not inside a Future."""
    item = _future_item(plain.ret_type)
    return item is not None and isinstance(get_proper_type(item), UnionType)


def _simplified(typ: Type) -> Type:
    proper = get_proper_type(typ)
    return make_simplified_union(proper.items) if isinstance(proper, UnionType) else typ


def _takes_one(
    plain: CallableType, call: CallExpr, formals: list[list[int]], targets: list[int], actual: int
) -> bool:
    """Whether the argument is the only one of one ordinary parameter."""
    if len(targets) != 1 or call.arg_kinds[actual] not in (ARG_POS, ARG_NAMED):
        return False
    formal = targets[0]
    if plain.arg_kinds[formal].is_star() or len(formals[formal]) != 1:
        return False
    return not isinstance(get_proper_type(plain.arg_types[formal]), NOT_LIFTED)


def _forget_stars(api: TypeChecker, call: CallExpr) -> None:
    """mypy has looked at unpacked arguments to find the parameters that they go to, before it asked about the call."""
    for arg, kind in zip(call.args, call.arg_kinds, strict=True):
        if kind.is_star() and not isinstance(arg, (NameExpr, MemberExpr)):
            forget_inside(api, arg)


def _several_unpacks(plain: CallableType, call: CallExpr) -> bool:
    """Whether mypy gives up early on this call, and the arguments would not be put back."""
    star = plain.var_arg()
    return star is not None and isinstance(star.typ, UnpackType) and call.arg_kinds.count(ARG_STAR) > 1


def _settle_context(api: TypeChecker, plain: CallableType) -> None:
    """Forget the context where mypy would not use it for the plain call.

    From the context of a call that returns a bare type variable (or None) mypy infers nothing, unless it is generic or
    a literal. For a Future of it that rule would no longer hold.
    """
    result = get_proper_type(plain.ret_type)
    if not plain.variables or not isinstance(result, Instance) or result.type.fullname != names.FUTURE:
        return
    context = api.expr_checker.type_context[-1]
    if context is None or not has_future(context):
        return
    returned, wanted = get_proper_type(result.args[0]), get_proper_type(strip(context))
    if is_overlapping_none(returned) and is_overlapping_none(wanted):
        returned = get_proper_type(remove_optional(returned))
    items = returned.items if isinstance(returned, UnionType) else [returned]
    if all(isinstance(get_proper_type(item), TypeVarType) for item in items):
        if not (isinstance(wanted, Instance) and wanted.args) and not is_literal_type_like(wanted):
            api.expr_checker.type_context[-1] = None
