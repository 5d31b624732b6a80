"""The review of a module after mypy has checked it: misuse of Futures that no hook of mypy's can see.

Boolean tests, f-strings, `%`, comparisons, reflected operators, and arguments of plain functions reach no hook. The
types that mypy has found for every expression are all there when a module is done; so the first hook that runs in a
module asks mypy to check one more function after all others, made up here, whose only statement is a call that leads
back to `Reviewer`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mypy.checker import DeferredNode, TypeChecker
from mypy.errorcodes import ErrorCode
from mypy.nodes import (
    ARG_NAMED,
    ARG_POS,
    AssertStmt,
    Block,
    CallExpr,
    ClassDef,
    ComparisonExpr,
    ConditionalExpr,
    Decorator,
    DictionaryComprehension,
    Expression,
    ExpressionStmt,
    FuncDef,
    GeneratorExpr,
    IfStmt,
    MatchStmt,
    MemberExpr,
    Node,
    OpExpr,
    RefExpr,
    ReturnStmt,
    StrExpr,
    TempNode,
    TupleExpr,
    TypeInfo,
    UnaryExpr,
    WhileStmt,
)
from mypy.plugin import FunctionContext
from mypy.types import AnyType, CallableType, Instance, NoneType, ProperType, Type, get_proper_type

from merkl_mypy import codes, names
from merkl_mypy.misuse import message
from merkl_mypy.shapes import has_future, is_future
from merkl_mypy.walk import parts

PROBE: Final = "merkl_mypy.review"

_TAKES_ANYTHING: Final = frozenset(
    [
        "builtins.repr",
        "builtins.id",
        "builtins.type",
        "builtins.isinstance",
        "builtins.issubclass",
        "builtins.hash",
        "builtins.callable",
        "functools.partial",
        "typing.cast",
        "typing.reveal_type",
        "typing.assert_type",
        "builtins.getattr",
        "builtins.hasattr",
        "builtins.setattr",
        "copy.copy",
        "copy.deepcopy",
    ]
)
_MAKES_STRINGS: Final = frozenset(["builtins.str", "builtins.format", "builtins.bytes", "builtins.print"])


class Reviews:
    """Which modules are to be reviewed in this run."""

    def __init__(self) -> None:
        self._asked: set[tuple[str, bool]] = set()
        #: What has to be done before a module is looked at.
        self.before: list[Callable[[], None]] = []

    def ask(self, api: TypeChecker) -> None:
        """Have the module that is being checked reviewed when it is done."""
        # mypy checks the top level of modules first and the bodies of functions later: each is reviewed when done.
        asked = (api.tree.fullname, bool(getattr(api, "recurse_into_functions", True)))
        if asked in self._asked or names.FUTURE.rpartition(".")[0] not in api.modules:
            return
        self._asked.add(asked)
        self._defer(api)

    def _defer(self, api: TypeChecker, round_: int = 1) -> None:
        api.deferred_nodes.append(DeferredNode(_probe(api, round_), None))

    def run(self, ctx: FunctionContext) -> Type:
        """The hook that the probe leads to: wait for functions that mypy put off, then look at the module."""
        api = ctx.api
        if isinstance(api, TypeChecker) and api.tree is not None:
            first = isinstance(ctx.context, CallExpr) and bool(ctx.context.args)
            if first:
                self._defer(api, 2)
            else:
                for prepare in self.before:
                    prepare()
                self._asked -= {(api.tree.fullname, False), (api.tree.fullname, True)}
                Reviewer(api).review()
        return NoneType()


def _probe(api: TypeChecker, round_: int) -> FuncDef:
    function = api.named_type("builtins.function")
    any_object = api.named_type("builtins.object")
    takes = [any_object] if round_ == 1 else []
    callee = CallableType(
        takes, [ARG_POS for _ in takes], [None for _ in takes], NoneType(), function, name=PROBE
    )
    arguments: list[Expression] = [StrExpr("wait")] if round_ == 1 else []
    call = CallExpr(TempNode(callee), arguments, [ARG_POS for _ in takes], [None for _ in takes])
    made = FuncDef(
        "__merkl_review__", [], Block([ExpressionStmt(call)]), CallableType([], [], [], NoneType(), function)
    )
    made._fullname = f"{api.tree.fullname}.__merkl_review__"
    # Where only the top level is checked, mypy passes over functions that define nothing for it.
    made.def_or_infer_vars = True
    made.set_line(1)
    call.set_line(1)
    return made


class Reviewer:
    """Reports misuse of Futures in one module, from the types that mypy has stored."""

    def __init__(self, api: TypeChecker) -> None:
        self.api = api
        self._class: TypeInfo | None = None
        self._function: FuncDef | None = None
        self._looks: dict[type[Node], Callable[[Any], None]] = {
            IfStmt: self._if_stmt,
            WhileStmt: self._while_stmt,
            AssertStmt: self._assert_stmt,
            ConditionalExpr: self._conditional_expr,
            UnaryExpr: self._unary_expr,
            GeneratorExpr: self._generator_expr,
            DictionaryComprehension: self._dictionary_comprehension,
            MatchStmt: self._match_stmt,
            OpExpr: self._op_expr,
            ComparisonExpr: self._comparison_expr,
            CallExpr: self._call_expr,
            ExpressionStmt: self._expression_stmt,
            ReturnStmt: self._return_stmt,
        }
        self._bodies: list[bool] = []  # whether each enclosing function is a task's body

    def review(self) -> None:
        """Look at the whole module."""
        for statement in self.api.tree.defs:
            self._visit(statement)

    def _visit(self, node: Node) -> None:
        if isinstance(node, ClassDef):
            outer, self._class = self._class, node.info
            self._below(node)
            self._class = outer
        elif isinstance(node, Decorator):
            self._in_function(node.func, any(map(_makes_task, node.decorators)))
        elif isinstance(node, FuncDef):
            self._in_function(node, False)
        else:
            look = self._looks.get(type(node))
            if look is not None:
                look(node)
            self._below(node)

    def _below(self, node: Node) -> None:
        for part in parts(node):
            self._visit(part)

    # -- where we are --------------------------------------------------------------------------------

    def _in_function(self, function: FuncDef, is_task: bool) -> None:
        outer = self._function
        if outer is None:
            self._function = function
        self._bodies.append(is_task)
        self._below(function)
        self._bodies.pop()
        self._function = outer

    # -- what is wrong -------------------------------------------------------------------------------

    def _if_stmt(self, o: IfStmt) -> None:
        for test in o.expr:
            self._truth(test)

    def _while_stmt(self, o: WhileStmt) -> None:
        self._truth(o.expr)

    def _assert_stmt(self, o: AssertStmt) -> None:
        self._truth(o.expr)

    def _conditional_expr(self, o: ConditionalExpr) -> None:
        self._truth(o.cond)

    def _unary_expr(self, o: UnaryExpr) -> None:
        if o.op == "not":
            self._truth(o.expr)

    def _generator_expr(self, o: GeneratorExpr) -> None:
        for conditions in o.condlists:
            for condition in conditions:
                self._truth(condition)

    def _dictionary_comprehension(self, o: DictionaryComprehension) -> None:
        for conditions in o.condlists:
            for condition in conditions:
                self._truth(condition)

    def _match_stmt(self, o: MatchStmt) -> None:
        if self._is_future(o.subject):
            self._report(o.subject, codes.FUTURE_VALUE)
        for guard in o.guards:
            if guard is not None:
                self._truth(guard)

    def _op_expr(self, o: OpExpr) -> None:
        if o.op in ("and", "or"):
            self._truth(o.left)
        elif o.op == "%" and isinstance(self._type(o.left), Instance) and _is_text(self._type(o.left)):
            operands = o.right.items if isinstance(o.right, TupleExpr) else [o.right]
            for operand in operands:
                if self._is_future(operand):
                    self._report(operand, codes.FUTURE_FORMAT)
        elif self._is_future(o.right) and not self._is_future(o.left) and o.op not in ("|", ">>"):
            self._report(o.right, codes.FUTURE_VALUE)

    def _comparison_expr(self, o: ComparisonExpr) -> None:
        for operator, left, right in zip(o.operators, o.operands, o.operands[1:], strict=False):
            if operator in ("==", "!=") and self._is_future(left) != self._is_future(right):
                future, value = (left, right) if self._is_future(left) else (right, left)
                if not isinstance(self._type(value), (AnyType, type(None))):
                    self._report(future, codes.FUTURE_COMPARE)
            elif operator in ("<", "<=", ">=", ">") and self._is_future(right) and not self._is_future(left):
                self._report(right, codes.FUTURE_COMPARE)

    def _call_expr(self, o: CallExpr) -> None:
        if (
            isinstance(o.callee, MemberExpr)
            and o.callee.name == "format"
            and isinstance(o.callee.expr, StrExpr)
        ):
            if "!r" not in o.callee.expr.value:
                self._strings(o)
        else:
            self._arguments(o)

    def _expression_stmt(self, o: ExpressionStmt) -> None:
        if self._bodies and self._bodies[-1] and isinstance(o.expr, CallExpr):
            typ = self._type(o.expr)
            if typ is not None and has_future(typ) and not _is_write(o.expr):
                self._report(
                    o.expr,
                    codes.TASK_IN_TASK,
                    "This call inside a task's body makes a Future that nothing evaluates; "
                    "call the task's .fn or .run, or make the calls in a pipeline",
                )

    def _return_stmt(self, o: ReturnStmt) -> None:
        if self._bodies and self._bodies[-1] and o.expr is not None:
            typ = self._type(o.expr)
            if typ is not None and has_future(typ):
                self._report(
                    o.expr,
                    codes.FUTURE_RETURN,
                    "A task's body returns a Future; return its value (.eval()), or make the function a pipeline",
                )

    # -- helpers -------------------------------------------------------------------------------------

    def _type(self, expr: Expression) -> ProperType | None:
        if not self.api.has_type(expr):
            return None
        return get_proper_type(self.api.lookup_type(expr))

    def _is_future(self, expr: Expression) -> bool:
        typ = self._type(expr)
        return typ is not None and is_future(typ)

    def _truth(self, expr: Expression) -> None:
        if self._is_future(expr):
            self._report(expr, codes.FUTURE_BOOL)
        if isinstance(expr, OpExpr) and expr.op in ("and", "or"):
            self._truth(expr.right)

    def _strings(self, call: CallExpr) -> None:
        for argument in call.args:
            if self._is_future(argument):
                self._report(argument, codes.FUTURE_FORMAT)

    def _arguments(self, call: CallExpr) -> None:
        """Futures given to a plain function that can only want their values."""
        if not call.args or not any(map(self._is_future, call.args)):
            return
        name = call.callee.fullname if isinstance(call.callee, RefExpr) else ""
        if name in _TAKES_ANYTHING or name.startswith("merkl."):
            return
        if name in _MAKES_STRINGS:
            self._strings(call)
            return
        if name == "builtins.bool":
            self._truth(call.args[0])
            return
        callee = self._type(call.callee)
        if not isinstance(callee, CallableType) or callee.implicit or callee.is_type_obj():
            return
        if callee.fallback.type.fullname == names.TASK:
            return
        for index, argument in enumerate(call.args):
            if self._is_future(argument) and _wants_value(callee, _formal(callee, call, index)):
                self._report(argument, codes.FUTURE_VALUE)

    def _report(self, expr: Expression, code: ErrorCode, text: str | None = None) -> None:
        typ = self._type(expr)
        text = text if text is not None else message(typ if typ is not None else NoneType(), code)
        # The daemon forgets errors function by function: each has to be filed under the function that it is in.
        scope = self.api.tscope
        function, classes = scope.function, scope.classes
        if self._function is not None:
            scope.function, scope.classes = self._function, [] if self._class is None else [self._class]
        try:
            self.api.fail(text, expr, code=code)
        finally:
            scope.function, scope.classes = function, classes


def _makes_task(decorator: Expression) -> bool:
    target = decorator.callee if isinstance(decorator, CallExpr) else decorator
    return isinstance(target, RefExpr) and names.DECORATORS.get(target.fullname) in ("task", "batch")


def _is_text(typ: ProperType | None) -> bool:
    return isinstance(typ, Instance) and typ.type.fullname in ("builtins.str", "builtins.bytes")


def _is_write(call: CallExpr) -> bool:
    return isinstance(call.callee, MemberExpr) and call.callee.name in ("write", "clear_cache")


def _wants_value(callee: CallableType, formal: int | None) -> bool:
    """Whether a parameter would swallow a Future: declared as `object` or Any, and by no type variable."""
    if formal is None:
        return False
    typ = get_proper_type(callee.arg_types[formal])
    if isinstance(typ, Instance):
        return typ.type.fullname == "builtins.object"
    definition = callee.definition
    declared = definition.type if isinstance(definition, FuncDef) else None
    if not isinstance(typ, AnyType) or not isinstance(declared, CallableType):
        return False
    before = len(declared.arg_types) - len(callee.arg_types)  # a bound method has lost its self
    return isinstance(get_proper_type(declared.arg_types[formal + before]), AnyType)


def _formal(callee: CallableType, call: CallExpr, index: int) -> int | None:
    """The parameter that an ordinary argument goes to."""
    kind, name = call.arg_kinds[index], call.arg_names[index]
    if kind == ARG_NAMED:
        found = [
            i
            for i, formal in enumerate(callee.arg_names)
            if formal == name and not callee.arg_kinds[i].is_star()
        ]
    elif kind == ARG_POS:
        found = [i for i, formal in enumerate(callee.arg_kinds) if formal.is_positional()][index : index + 1]
        found = found or [i for i, formal in enumerate(callee.arg_kinds) if formal.is_star()][:1]
    else:
        found = []
    return found[0] if found else None
