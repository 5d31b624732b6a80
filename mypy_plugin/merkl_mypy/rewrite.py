"""Argument expressions with their Futures replaced by what they will be.

A container argument is checked as if the Futures inside it were plain: `[a, 1]`, where `a` is a `Future[int]`,
becomes `[<int>, 1]`, and mypy infers and checks that in the parameter's context as it would without MerkL.
Displays, comprehensions and constructor calls are copied with their parts replaced; any other expression is
replaced whole, by its stripped type.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mypy.checker import TypeChecker, is_valid_inferred_type
from mypy.errorcodes import ASSIGNMENT, VAR_ANNOTATED
from mypy.maptype import map_instance_to_supertype
from mypy.nodes import (
    ARG_POS,
    AssignmentExpr,
    BytesExpr,
    CallExpr,
    ComplexExpr,
    ConditionalExpr,
    Context,
    Decorator,
    DictExpr,
    DictionaryComprehension,
    EllipsisExpr,
    Expression,
    ExpressionStmt,
    FloatExpr,
    FuncDef,
    GeneratorExpr,
    IndexExpr,
    IntExpr,
    LambdaExpr,
    ListComprehension,
    ListExpr,
    MemberExpr,
    MypyFile,
    OpExpr,
    OverloadedFuncDef,
    RefExpr,
    SetComprehension,
    SetExpr,
    StarExpr,
    StrExpr,
    TempNode,
    TupleExpr,
    TypeAlias,
    TypeApplication,
    TypeInfo,
    Var,
)
from mypy.types import (
    CallableType,
    Instance,
    PartialType,
    ProperType,
    TupleType,
    TypedDictType,
    TypeType,
    get_proper_type,
)

from merkl_mypy import names
from merkl_mypy.callees import declared_result, full_name, gives_future, is_generic, may_be_generic
from merkl_mypy.eager import EagerCalls
from merkl_mypy.recall import recalled
from merkl_mypy.shapes import (
    CONTAINERS,
    Opened,
    any_type,
    class_of,
    has_future,
    is_container,
    is_future,
    strip,
)

_CONTAINERS = (
    ListExpr,
    DictExpr,
    SetExpr,
    TupleExpr,
    ListComprehension,
    SetComprehension,
    DictionaryComprehension,
)
_CONSTANTS = (IntExpr, StrExpr, FloatExpr, BytesExpr, ComplexExpr, EllipsisExpr, LambdaExpr)
# What hands on the items of the displays that it is given, whose Futures mypy has joined with values to `object`.
_PASS_ON = frozenset(
    [
        *("builtins.zip", "builtins.enumerate", "builtins.reversed"),
        *("itertools.chain", "itertools.chain.from_iterable", "itertools.islice"),
        *("copy.copy", "copy.deepcopy", "dataclasses.replace"),
    ]
)
# What joins containers into one.
_OPERATORS = frozenset({"+", "*", "|", "or", "and"})
# What gives one of its sides, and tests the left one only.
_CHOICES = frozenset({"or", "and"})
_DEFINITIONS = (FuncDef, OverloadedFuncDef, TypeInfo, MypyFile)


def may_be_future(expr: Expression) -> bool:
    """Whether the kind of expression alone leaves room for a Future itself."""
    return may_hold_future(expr) and not isinstance(expr, _CONTAINERS)


def may_hold_future(expr: Expression) -> bool:
    """Whether the kind of expression alone leaves room for a Future."""
    if isinstance(expr, _CONSTANTS):
        return False
    if isinstance(expr, RefExpr):
        if isinstance(expr.node, _DEFINITIONS):
            return False
        if isinstance(expr.node, Decorator):  # which may make anything of a function
            return (
                not isinstance(get_proper_type(expr.node.var.type), CallableType)
                and expr.node.var.type is not None
            )
        if expr.fullname in ("builtins.None", "builtins.True", "builtins.False"):
            return False
        return not _is_waiting(expr)
    if isinstance(expr, CallExpr) and isinstance(expr.callee, RefExpr):
        node = expr.callee.node
        if isinstance(node, FuncDef) and isinstance(node.type, CallableType) and not node.type.variables:
            return has_future(node.type.ret_type)
    return True


def _is_waiting(expr: Expression) -> bool:
    """Whether this is a variable still waiting for its type (`xs = []`): it is left to mypy, for asking would settle it."""
    node = expr.node if isinstance(expr, RefExpr) else None
    return isinstance(node, Var) and isinstance(node.type, PartialType)


def leaf_type(api: TypeChecker, expr: Expression) -> ProperType | None:
    """The type of an expression on its own, found without reporting anything."""
    if isinstance(expr, RefExpr):
        return get_proper_type(api.expr_checker.accept(expr))
    with api.msg.filter_errors():
        return get_proper_type(api.expr_checker.accept(expr))


class Rewriter:
    """Rewrites argument expressions for one call; `rewrite` gives None where there is no Future."""

    def __init__(self, api: TypeChecker, eager: EagerCalls | None = None) -> None:
        self.api = api
        self._eager = eager  # without which no call is known to give a Future before mypy has looked at it

    def is_future(self, expr: Expression) -> bool:
        """Whether an expression is a Future itself; it is left as it is."""
        if not may_be_future(expr):
            return False
        if self._gives_future(expr):
            return True
        typ = leaf_type(self.api, expr)
        return typ is not None and is_future(typ)

    def _gives_future(self, expr: Expression) -> bool:
        return (
            self._eager is not None
            and gives_future(expr)
            and isinstance(expr, CallExpr)
            and not self._eager.holds(self.api, expr)
        )

    def rewrite(self, expr: Expression) -> Expression | None:
        """`expr` as it would be written with plain values, or None when it holds no Future."""
        if not may_hold_future(expr):
            return None
        return (
            self._rewritten(expr) if isinstance(expr, RefExpr) else recalled(self.api, expr, self._rewritten)
        )

    def _rewritten(self, expr: Expression) -> Expression | None:
        if isinstance(expr, (ListExpr, SetExpr, TupleExpr)):
            items = self._all(expr.items)
            if items is None:
                return None
            made = type(expr)(items)
            return _placed(made, expr)
        if isinstance(expr, DictExpr):
            return self._dict(expr)
        if isinstance(expr, StarExpr):
            inner = self.iterated(expr.expr)
            return None if inner is None else _placed(StarExpr(inner), expr)
        if isinstance(expr, ConditionalExpr):
            return self._conditional(expr)
        if isinstance(expr, (ListComprehension, SetComprehension)):
            generator = self._generator(expr.generator)
            return None if generator is None else _placed(type(expr)(generator), expr)
        if isinstance(expr, GeneratorExpr):
            return self._generator(expr)
        if isinstance(expr, DictionaryComprehension):
            return self._dict_comprehension(expr)
        if isinstance(expr, OpExpr) and expr.op in _OPERATORS:
            return self._operation(expr)
        if isinstance(expr, CallExpr):
            return self._call(expr)
        if isinstance(expr, AssignmentExpr):
            return self._named(expr)
        if isinstance(expr, IndexExpr) and _is_display(expr.base):
            base = self.rewrite(expr.base)
            return None if base is None else _placed(IndexExpr(base, expr.index), expr)
        return self._leaf(expr)

    def iterated(self, expr: Expression) -> Expression | None:
        """The same for what is unpacked on the spot: an iterator over Futures, as of `map`, is one over values."""
        if self.is_future(expr):
            return None  # a Future is not iterated over: mypy says so
        made = self.rewrite(expr)
        if made is not None or not may_hold_future(expr):
            return made
        typ = leaf_type(self.api, expr)
        iterable = class_of(self.api, "typing.Iterable")
        if not isinstance(typ, Instance) or not typ.type.has_base(iterable.fullname):
            return None
        item = map_instance_to_supertype(typ, iterable).args[0]
        if not has_future(item):
            return None
        self.api.expr_checker.accept(expr)  # reports what is wrong inside
        return TempNode(Instance(iterable, [strip(item)]), context=expr)

    def _all(self, exprs: list[Expression], iterated: list[bool] | None = None) -> list[Expression] | None:
        each = iterated or [False] * len(exprs)
        made = [
            self.iterated(expr) if unpacks else self.rewrite(expr)
            for expr, unpacks in zip(exprs, each, strict=True)
        ]
        if all(item is None for item in made):
            return None
        return [old if new is None else new for old, new in zip(exprs, made, strict=True)]

    def _dict(self, expr: DictExpr) -> Expression | None:
        made = [(key and self.rewrite(key), self.rewrite(value)) for key, value in expr.items]
        if not any(key or value for key, value in made):
            return None
        items = [
            (new_key or key, new or value)
            for (new_key, new), (key, value) in zip(made, expr.items, strict=True)
        ]
        return _placed(DictExpr(items), expr)

    def _conditional(self, expr: ConditionalExpr) -> Expression | None:
        made: list[Expression | None] = []
        with self.api.msg.filter_errors():
            self.api.expr_checker.accept(expr.cond)
            narrowed = self.api.find_isinstance_check(expr.cond)
        for branch, types in zip((expr.if_expr, expr.else_expr), narrowed, strict=True):
            with self.api.binder.frame_context(can_skip=True, fall_through=0):
                self.api.push_type_map(types)
                made.append(self.rewrite(branch))
        if made == [None, None]:
            return None
        return _placed(ConditionalExpr(expr.cond, made[0] or expr.if_expr, made[1] or expr.else_expr), expr)

    def _operation(self, expr: OpExpr) -> Expression | None:
        used = [expr.left] if expr.op in _CHOICES else [expr.left, expr.right]
        if any(map(self.is_future, used)):
            return self._leaf(expr)  # a misuse, which mypy reports there
        left = self.rewrite(expr.left)
        with self._beside(expr):
            right = self.rewrite(expr.right)
        if left is None and right is None:
            return None
        made = OpExpr(expr.op, left or expr.left, right or expr.right, expr.analyzed)
        made.right_always, made.right_unreachable = expr.right_always, expr.right_unreachable
        return _placed(made, expr)

    @contextmanager
    def _beside(self, expr: OpExpr) -> Iterator[None]:
        """Where the right side of an operation is looked at: after `x and` x is true, after `x or` it is not."""
        if expr.op not in _CHOICES:
            yield
            return
        with self.api.msg.filter_errors():
            self.api.expr_checker.accept(expr.left)
            holds, fails = self.api.find_isinstance_check(expr.left)
        with self.api.binder.frame_context(can_skip=True, fall_through=0):
            self.api.push_type_map(holds if expr.op == "and" else fails)
            yield

    def _generator(self, expr: GeneratorExpr) -> GeneratorExpr | None:
        with self._inside(expr):
            left = self.rewrite(expr.left_expr)
        if left is None:
            return None
        made = GeneratorExpr(left, expr.indices, expr.sequences, expr.condlists, expr.is_async)
        _placed(made, expr)
        return made

    @contextmanager
    def _inside(self, expr: GeneratorExpr | DictionaryComprehension) -> Iterator[None]:
        """Where the conditions of a comprehension hold."""
        with self.api.binder.frame_context(can_skip=True, fall_through=0):
            with self.api.msg.filter_errors():
                self.api.expr_checker.check_for_comp(expr)
            yield

    def _dict_comprehension(self, expr: DictionaryComprehension) -> Expression | None:
        with self._inside(expr):
            key, value = expr.key and self.rewrite(expr.key), self.rewrite(expr.value)
        if key is None and value is None:
            return None
        made = DictionaryComprehension(
            key or expr.key, value or expr.value, expr.indices, expr.sequences, expr.condlists, expr.is_async
        )
        return _placed(made, expr)

    def _call(self, expr: CallExpr) -> Expression | None:
        if expr.analyzed is not None:
            return self.rewrite(expr.analyzed)
        shown = _display_of(expr)
        if shown is not None:
            return self.rewrite(shown)
        if not any(map(may_hold_future, expr.args)):
            return self._leaf(expr)
        info = _class_called(self.api, expr.callee)
        if info is not None:
            if not (is_container(info) or info.typeddict_type is not None or info.is_newtype):
                return self._passed_on(expr) or self._leaf(expr)
            unpacks = info.fullname in CONTAINERS
            args = self._all(expr.args, [unpacks and kind == ARG_POS for kind in expr.arg_kinds])
            if args is None:
                return None
            return _placed(CallExpr(expr.callee, args, expr.arg_kinds, expr.arg_names), expr)
        return self._passed_on(expr) or self._leaf(expr)

    def _passed_on(self, expr: CallExpr) -> Expression | None:
        """`zip("ab", [1, f])` and `sum([[f], [1]], [])`, where mypy knows of no Future any more."""
        name = full_name(expr.callee)
        if name == "builtins.sum":
            summed = expr.args[0] if len(expr.args) == 2 else None
            if isinstance(summed, CallExpr):
                summed = _display_of(summed)
            if not isinstance(summed, (ListExpr, TupleExpr)):
                return None
            if any(map(self.is_future, summed.items)):
                return None  # Futures are no numbers: mypy says so
        elif name not in _PASS_ON and not _is_replace(expr.callee):
            return None
        args = self._all(expr.args)
        if args is None:
            return None
        return _placed(CallExpr(expr.callee, args, expr.arg_kinds, expr.arg_names), expr)

    def _named(self, expr: AssignmentExpr) -> Expression | None:
        with self.api.msg.filter_errors(save_filtered_errors=True) as errors:
            self.api.expr_checker.accept(expr)  # gives the variable its type
        value = self.rewrite(expr.value)
        # What is assigned mypy looks at without the parameter's context.
        typ = None if value is None else self.api.expr_checker.accept(value)
        if typ is None or not is_valid_inferred_type(typ, self.api.options):
            # That a type cannot be inferred, mypy says once only.
            self.api.msg.add_errors([one for one in errors.filtered_errors() if one.code is VAR_ANNOTATED])
        elif value is not None:  # mypy itself will not look at the assignment any more
            self.api.msg.add_errors([one for one in errors.filtered_errors() if one.code is ASSIGNMENT])
        return None if typ is None else TempNode(typ, context=expr)

    def _leaf(self, expr: Expression) -> Expression | None:
        if self._gives_future(expr):
            # What its value is makes no difference here: mypy would look at all that is in the call for nothing.
            if isinstance(expr, CallExpr) and may_be_generic(expr):
                return self._value_of(expr, Instance(class_of(self.api, names.FUTURE), [any_type()]))
            return self._stripped(expr)
        typ = leaf_type(self.api, expr)
        if typ is None or not has_future(typ):
            return None
        if isinstance(expr, RefExpr):
            return TempNode(strip(typ), context=expr)
        if isinstance(expr, CallExpr):
            if may_be_generic(expr) if is_future(typ) else is_generic(expr):
                return self._value_of(expr, typ)
        return self._stripped(expr)

    def _stripped(self, expr: Expression) -> Expression:
        return TempNode(strip(self.api.expr_checker.accept(expr)), context=expr)

    def _value_of(self, expr: CallExpr, typ: ProperType) -> Expression:
        """A call of `def [T] (list[Future[T]]) -> list[T]`, through which mypy's own inference passes the context on."""
        formal, variables = declared_result(self.api, expr) if is_future(typ) else (None, [])
        if formal is None:
            opened = Opened(self.api.named_type("builtins.object"))
            formal, variables = typ.accept(opened), opened.variables
            if opened.is_mixed:
                return self._stripped(expr)
        fallback = self.api.named_type("builtins.function")
        getter = CallableType([formal], [ARG_POS], [None], strip(formal), fallback, variables=variables)
        return _placed(CallExpr(TempNode(getter, context=expr), [expr], [ARG_POS], [None]), expr)


def _class_called(api: TypeChecker, callee: Expression) -> TypeInfo | None:
    """The class that a call makes an object of: `Params(…)`, `Params[int](…)`, also by an alias or a `type[Params]`."""
    if isinstance(callee, IndexExpr) and isinstance(callee.analyzed, TypeApplication):
        callee = callee.analyzed.expr
    node = callee.node if isinstance(callee, RefExpr) else None
    if isinstance(node, TypeInfo):
        return node
    if isinstance(node, TypeAlias):
        return _class_of(get_proper_type(node.target))
    typ = get_proper_type(node.type) if isinstance(node, Var) else None
    if typ is None and isinstance(callee, MemberExpr) and not _is_waiting(callee.expr):
        typ = leaf_type(api, callee)  # of `self.Params(…)`
    if isinstance(typ, CallableType) and typ.is_type_obj():
        return typ.type_object()
    return _class_of(typ.item) if isinstance(typ, TypeType) else None


def _class_of(typ: ProperType) -> TypeInfo | None:
    if isinstance(typ, TupleType):
        return typ.partial_fallback.type
    if isinstance(typ, TypedDictType):
        return typ.fallback.type
    return typ.type if isinstance(typ, Instance) else None


def _is_replace(callee: Expression) -> bool:
    """Whether this is the method of a NamedTuple that makes a changed one."""
    return isinstance(callee, MemberExpr) and callee.name == "_replace"


def _display_of(call: CallExpr) -> Expression | None:
    """The display that a call of the plugin's own stands for (see `joins`)."""
    getter = call.callee.type if isinstance(call.callee, TempNode) else None
    if isinstance(getter, CallableType) and getter.name == names.JOINED:
        function = getter.definition
        shown = function.body.body[0] if isinstance(function, FuncDef) else None
        return shown.expr if isinstance(shown, ExpressionStmt) else None
    return None


def _is_display(expr: Expression) -> bool:
    if isinstance(expr, CallExpr):
        return _display_of(expr) is not None
    return isinstance(expr, (ListExpr, TupleExpr, DictExpr))


def _placed(made: Expression, source: Context) -> Expression:
    made.set_line(source)
    return made
