"""Argument expressions with their Futures replaced by what they will be.

A container argument is checked as if the Futures inside it were plain: `[a, 1]`, where `a` is a `Future[int]`,
becomes `[<int>, 1]`, and mypy infers and checks that in the parameter's context as it would without MerkL.
Displays, comprehensions and constructor calls are copied with their parts replaced; any other expression is
replaced whole, by its stripped type.
"""

from __future__ import annotations

from mypy.checker import TypeChecker
from mypy.nodes import (
    ARG_POS,
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
    FloatExpr,
    FuncDef,
    GeneratorExpr,
    IntExpr,
    LambdaExpr,
    ListComprehension,
    ListExpr,
    MypyFile,
    OverloadedFuncDef,
    RefExpr,
    SetComprehension,
    SetExpr,
    StarExpr,
    StrExpr,
    TempNode,
    TupleExpr,
    TypeInfo,
    Var,
)
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    PartialType,
    ProperType,
    Type,
    TypeOfAny,
    TypeVarId,
    TypeVarType,
    get_proper_type,
)

from merkl_mypy.shapes import has_future, is_container, is_future, strip

_CONSTANTS = (IntExpr, StrExpr, FloatExpr, BytesExpr, ComplexExpr, EllipsisExpr, LambdaExpr)
_DEFINITIONS = (FuncDef, Decorator, OverloadedFuncDef, TypeInfo, MypyFile)


def future_type(api: TypeChecker, expr: Expression) -> ProperType | None:
    """The type of `expr` when it is a Future itself, else None; `expr` is left as it is."""
    if not may_hold_future(expr) or isinstance(
        expr,
        (
            ListExpr,
            DictExpr,
            SetExpr,
            TupleExpr,
            ListComprehension,
            SetComprehension,
            DictionaryComprehension,
        ),
    ):
        return None
    typ = leaf_type(api, expr)
    return typ if typ is not None and is_future(typ) else None


def may_hold_future(expr: Expression) -> bool:
    """Whether the kind of expression alone leaves room for a Future."""
    if isinstance(expr, _CONSTANTS):
        return False
    if isinstance(expr, RefExpr):
        if isinstance(expr.node, _DEFINITIONS):
            return False
        if expr.fullname in ("builtins.None", "builtins.True", "builtins.False"):
            return False
        # A variable still waiting for its type (`xs = []`) must be left to mypy: asking would settle it.
        return not (isinstance(expr.node, Var) and isinstance(expr.node.type, PartialType))
    if isinstance(expr, CallExpr) and isinstance(expr.callee, RefExpr):
        node = expr.callee.node
        if isinstance(node, FuncDef) and isinstance(node.type, CallableType) and not node.type.variables:
            return has_future(node.type.ret_type)
    return True


def leaf_type(api: TypeChecker, expr: Expression) -> ProperType | None:
    """The type of an expression on its own, found without reporting anything."""
    if isinstance(expr, RefExpr):
        return get_proper_type(api.expr_checker.accept(expr))
    with api.msg.filter_errors():
        return get_proper_type(api.expr_checker.accept(expr))


class Rewriter:
    """Rewrites argument expressions for one call; `rewrite` gives None where there is no Future."""

    def __init__(self, api: TypeChecker, future: TypeInfo) -> None:
        self.api = api
        self.future = future

    def rewrite(self, expr: Expression) -> Expression | None:
        """`expr` as it would be written with plain values, or None when it holds no Future."""
        if not may_hold_future(expr):
            return None
        if isinstance(expr, (ListExpr, SetExpr, TupleExpr)):
            items = self._all(expr.items)
            if items is None:
                return None
            made = type(expr)(items)
            return _placed(made, expr)
        if isinstance(expr, DictExpr):
            return self._dict(expr)
        if isinstance(expr, StarExpr):
            inner = self.rewrite(expr.expr)
            return None if inner is None else _placed(StarExpr(inner), expr)
        if isinstance(expr, ConditionalExpr):
            branches = self._all([expr.if_expr, expr.else_expr])
            if branches is None:
                return None
            return _placed(ConditionalExpr(expr.cond, branches[0], branches[1]), expr)
        if isinstance(expr, (ListComprehension, SetComprehension)):
            generator = self._generator(expr, expr.generator)
            return None if generator is None else _placed(type(expr)(generator), expr)
        if isinstance(expr, GeneratorExpr):
            return self._generator(expr, expr)
        if isinstance(expr, DictionaryComprehension):
            return self._dict_comprehension(expr)
        if isinstance(expr, CallExpr):
            return self._call(expr)
        return self._leaf(expr)

    def _all(self, exprs: list[Expression]) -> list[Expression] | None:
        made = [self.rewrite(expr) for expr in exprs]
        if all(item is None for item in made):
            return None
        return [old if new is None else new for old, new in zip(exprs, made, strict=True)]

    def _dict(self, expr: DictExpr) -> Expression | None:
        values = self._all([value for _, value in expr.items])
        if values is None:
            return None
        return _placed(DictExpr([(key, new) for (key, _), new in zip(expr.items, values, strict=True)]), expr)

    def _generator(self, whole: Expression, expr: GeneratorExpr) -> GeneratorExpr | None:
        leaf_type(self.api, whole)  # gives the index variables their types
        left = self.rewrite(expr.left_expr)
        if left is None:
            return None
        made = GeneratorExpr(left, expr.indices, expr.sequences, expr.condlists, expr.is_async)
        _placed(made, expr)
        return made

    def _dict_comprehension(self, expr: DictionaryComprehension) -> Expression | None:
        leaf_type(self.api, expr)
        value = self.rewrite(expr.value)
        if value is None:
            return None
        made = DictionaryComprehension(
            expr.key, value, expr.indices, expr.sequences, expr.condlists, expr.is_async
        )
        return _placed(made, expr)

    def _call(self, expr: CallExpr) -> Expression | None:
        if expr.analyzed is not None:
            return self.rewrite(expr.analyzed)
        if isinstance(expr.callee, RefExpr) and isinstance(expr.callee.node, TypeInfo):
            info = expr.callee.node
            if not (is_container(info) or info.typeddict_type is not None):
                return self._leaf(expr)
            args = self._all(expr.args)
            if args is None:
                return None
            return _placed(CallExpr(expr.callee, args, expr.arg_kinds, expr.arg_names), expr)
        return self._leaf(expr)

    def _leaf(self, expr: Expression) -> Expression | None:
        typ = leaf_type(self.api, expr)
        if typ is None or not has_future(typ):
            return None
        if isinstance(expr, RefExpr):
            return TempNode(strip(typ), context=expr)
        if is_future(typ) and isinstance(expr, CallExpr) and _may_be_generic(expr):
            return self._value_of(expr)
        return TempNode(strip(self.api.expr_checker.accept(expr)), context=expr)

    def _value_of(self, expr: Expression) -> Expression:
        """A call of `def [T] (Future[T]) -> T`, through which mypy's own inference passes the context on."""
        upper = self.api.named_type("builtins.object")
        no_default = AnyType(TypeOfAny.from_omitted_generics)
        value = TypeVarType("T", "T", TypeVarId(-1), [], upper, no_default)
        fallback = self.api.named_type("builtins.function")
        formal: Type = Instance(self.future, [value])
        getter = CallableType([formal], [ARG_POS], [None], value, fallback, variables=[value])
        return _placed(CallExpr(TempNode(getter, context=expr), [expr], [ARG_POS], [None]), expr)


def _may_be_generic(call: CallExpr) -> bool:
    """Whether the type of a call may depend on the context that it stands in."""
    node = call.callee.node if isinstance(call.callee, RefExpr) else None
    typ = node.type if isinstance(node, (Decorator, Var)) else None
    return not (isinstance(typ, CallableType) and not typ.variables)


def _placed(made: Expression, source: Context) -> Expression:
    made.set_line(source)
    return made
