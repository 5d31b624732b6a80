"""Misuse of Futures in a module that mypy has checked, from the types that it has stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import Any, Final

from mypy.checker import TypeChecker
from mypy.nodes import (
    AssertStmt,
    AssignmentStmt,
    AwaitExpr,
    CallExpr,
    ClassDef,
    ComparisonExpr,
    ConditionalExpr,
    Decorator,
    DictExpr,
    DictionaryComprehension,
    Expression,
    ExpressionStmt,
    FuncDef,
    GeneratorExpr,
    IfStmt,
    Import,
    ImportFrom,
    IndexExpr,
    ListExpr,
    MatchStmt,
    MemberExpr,
    NameExpr,
    Node,
    OpExpr,
    OverloadedFuncDef,
    RefExpr,
    ReturnStmt,
    SliceExpr,
    StarExpr,
    Statement,
    StrExpr,
    TupleExpr,
    TypeInfo,
    UnaryExpr,
    WhileStmt,
    WithStmt,
    YieldFromExpr,
)
from mypy.types import Instance, ProperType

from merkl_mypy import codes, names
from merkl_mypy.arguments import Arguments
from merkl_mypy.comparisons import Comparisons
from merkl_mypy.eager import is_eval
from merkl_mypy.findings import Findings, items_of
from merkl_mypy.shapes import has_future
from merkl_mypy.walk import LEAVES, is_statement, parts

_CONSTANTS: Final = LEAVES - {NameExpr}
# Statements below which no other stands.
_WITHOUT_BODY: Final = frozenset([AssignmentStmt, ExpressionStmt, ImportFrom, Import])


class Reviewer:
    """Reports misuse of Futures in one module, from the types that mypy has stored.

    `quiet` are calls, by identity, in which there is nothing to report.
    """

    def __init__(self, api: TypeChecker, quiet: Set[int] = frozenset()) -> None:
        self.api = api
        self._quiet = quiet
        self._findings = findings = Findings(api)
        self._comparisons = Comparisons(findings)
        self._arguments = Arguments(findings, self._comparisons)
        self._enters: dict[type[Node], Callable[[Any], None]] = {
            ClassDef: self._class_def,
            Decorator: self._decorator,
            FuncDef: self._func_def,
            WithStmt: self._with_stmt,
        }
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
            ComparisonExpr: self._comparisons.compared,
            CallExpr: self._call_expr,
            ExpressionStmt: self._expression_stmt,
            ReturnStmt: self._return_stmt,
            AssignmentStmt: self._assignment_stmt,
            AwaitExpr: self._await_expr,
            StarExpr: self._star_expr,
            DictExpr: self._dict_expr,
            IndexExpr: self._index_expr,
            MemberExpr: self._member_expr,
            YieldFromExpr: self._yield_from_expr,
        }
        self._bodies: list[bool] = []  # whether each enclosing function is a task's body
        self._body: FuncDef | None = None  # the innermost body of a task that we are in
        self._read: tuple[FuncDef, set[Node | None]] | None = None  # the variables that it reads

    def review(self) -> None:
        """Look at the whole module."""
        for statement in self.api.tree.defs:
            # Most of a script are variables that are given the result of a call.
            if type(statement) is not AssignmentStmt or not self._says_nothing(statement):
                self._visit(statement)

    def review_top_level(self) -> None:
        """Look at the module without the bodies of its functions, which mypy has not checked yet."""
        self._enters[FuncDef] = self._enters[Decorator] = lambda node: None
        self.review()

    def review_functions(self) -> None:
        """Look at the functions of the module; the rest has been looked at."""
        self._functions_in(self.api.tree.defs, None)
        self._findings.owner = None

    def _functions_in(self, nodes: list[Node] | list[Statement], owner: TypeInfo | None) -> None:
        for node in nodes:
            if type(node) in _WITHOUT_BODY or not is_statement(node):
                continue
            self._findings.owner = owner
            if isinstance(node, (FuncDef, Decorator, OverloadedFuncDef)):
                self._visit(node)
            else:
                self._functions_in(parts(node), node.info if isinstance(node, ClassDef) else owner)

    def _visit(self, node: Node) -> None:
        kind = type(node)
        if self._says_nothing(node):
            return
        enter = self._enters.get(kind)
        if enter is not None:
            enter(node)
            return
        look = self._looks.get(kind)
        if look is not None:
            look(node)
        self._below(node)

    def _below(self, node: Node) -> None:
        for part in parts(node):
            if type(part) not in LEAVES:
                self._visit(part)

    def _says_nothing(self, node: Node) -> bool:
        """Whether this is a call, or a variable given the result of one, that has been judged at a glance."""
        if isinstance(node, AssignmentStmt):
            if id(node.rvalue) not in self._quiet or self._in_task():
                return False
            return type(node.lvalues[0]) is NameExpr
        return id(node) in self._quiet

    # -- where we are --------------------------------------------------------------------------------

    def _class_def(self, node: ClassDef) -> None:
        outer, self._findings.owner = self._findings.owner, node.info
        self._below(node)
        self._findings.owner = outer

    def _decorator(self, node: Decorator) -> None:
        for decorator in node.decorators:
            if type(decorator) not in LEAVES:
                self._visit(decorator)
        self._in_function(node.func, any(map(_makes_task, node.decorators)))

    def _func_def(self, node: FuncDef) -> None:
        self._in_function(node, False)

    def _with_stmt(self, node: WithStmt) -> None:
        if not any(map(is_eval, node.expr)):
            self._below(node)
            return
        self._bodies.append(False)  # calls in it are evaluated at once
        self._below(node)
        self._bodies.pop()

    def _in_function(self, function: FuncDef, is_task: bool) -> None:
        outer = self._findings.function
        if outer is None:
            self._findings.function = function
        for argument in function.arguments:
            if type(argument.initializer) not in _CONSTANTS and argument.initializer is not None:
                self._visit(argument.initializer)
        around = self._body
        # Where a type variable has values mypy checks copies, of which any one will do.
        checked = function.expanded[-1] if function.expanded else function
        if is_task and isinstance(checked, FuncDef):
            self._body = checked
        self._bodies.append(is_task)
        for statement in checked.body.body:
            self._visit(statement)
        self._bodies.pop()
        self._body, self._findings.function = around, outer

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
        if self._findings.is_future(o.subject):
            self._findings.report(o.subject, codes.FUTURE_VALUE)
        for guard in o.guards:
            if guard is not None:
                self._truth(guard)

    def _op_expr(self, o: OpExpr) -> None:
        if o.op in ("and", "or"):
            self._truth(o.left)
        elif (
            o.op == "%"
            and isinstance(self._findings.type_of(o.left), Instance)
            and _is_text(self._findings.type_of(o.left))
        ):
            operands = o.right.items if isinstance(o.right, TupleExpr) else [o.right]
            for operand in operands:
                if self._findings.is_future(operand):
                    self._findings.report(operand, codes.FUTURE_FORMAT)
        elif self._findings.is_future(o.right) and not self._findings.is_future(o.left) and o.op != ">>":
            self._findings.report(o.right, codes.FUTURE_VALUE)

    def _await_expr(self, o: AwaitExpr) -> None:
        if self._findings.is_future(o.expr):
            self._findings.take_over_iteration(o, o.expr)
            self._findings.report(o.expr, codes.FUTURE_VALUE)

    def _star_expr(self, o: StarExpr) -> None:
        if self._findings.is_future(o.expr):
            self._findings.take_over_iteration(o, o.expr)
            self._findings.report(o.expr, codes.FUTURE_ITER)

    def _yield_from_expr(self, o: YieldFromExpr) -> None:
        if self._findings.is_future(o.expr):
            self._findings.take_over_iteration(o, o.expr)
            self._findings.report(o.expr, codes.FUTURE_ITER)

    def _dict_expr(self, o: DictExpr) -> None:
        for key, value in o.items:
            if key is None and self._findings.is_future(value):
                self._findings.take_over(("dict-item",), o, value)
                self._findings.report(value, codes.FUTURE_ITER)

    def _index_expr(self, o: IndexExpr) -> None:
        if o.analyzed is not None or self._findings.is_future(o.base):
            return
        index = o.index
        parts_of_index = [index.begin_index, index.end_index] if isinstance(index, SliceExpr) else [index]
        for part in parts_of_index:
            if part is not None and self._findings.is_future(part):
                # mypy before 1.20 has another word for slices, which does not name the type.
                refused = self._findings.take_over(("misc",), part, whatever=isinstance(index, SliceExpr))
                if self._findings.take_over(("call-overload", "index"), o, part) or refused:
                    self._findings.report(part, codes.FUTURE_VALUE)

    def _member_expr(self, o: MemberExpr) -> None:
        if self._findings.is_future(o.expr) and self._findings.take_over(("attr-defined",), o):
            self._findings.report(o.expr, codes.FUTURE_ATTR)

    def _call_expr(self, o: CallExpr) -> None:
        if (
            isinstance(o.callee, MemberExpr)
            and o.callee.name == "format"
            and isinstance(o.callee.expr, StrExpr)
        ):
            if "!r" not in o.callee.expr.value:
                self._arguments.strings(o)
        else:
            self._arguments.look(o)

    def _expression_stmt(self, o: ExpressionStmt) -> None:
        if self._in_task() and isinstance(o.expr, CallExpr) and not _is_write(o.expr):
            self._unevaluated(o.expr)

    def _assignment_stmt(self, o: AssignmentStmt) -> None:
        if isinstance(o.lvalues[0], (TupleExpr, ListExpr)) and self._findings.is_future(o.rvalue):
            self._findings.take_over_iteration(o, o.rvalue)
            self._findings.report(o.rvalue, codes.FUTURE_ITER)
            return
        if self._in_task() and all(
            isinstance(target, NameExpr) and target.node not in self._names_read() for target in o.lvalues
        ):
            self._unevaluated(o.rvalue)

    def _names_read(self) -> set[Node | None]:
        body = self._body
        if body is None:
            return set()
        if self._read is None or self._read[0] is not body:
            self._read = (body, {name.node for name in _names_read(body)})
        return self._read[1]

    def _unevaluated(self, expr: Expression) -> None:
        typ = self._findings.type_of(expr)
        if typ is not None and has_future(typ):
            self._findings.report(
                expr,
                codes.TASK_IN_TASK,
                "This call inside a task's body makes a Future that nothing evaluates; "
                "call the task's .fn or .run, or make the calls in a pipeline",
            )

    def _return_stmt(self, o: ReturnStmt) -> None:
        if o.expr is None or type(o.expr) in _CONSTANTS or not self._in_task():
            return
        if any(
            has_future(typ) for expr in items_of(o.expr) if (typ := self._findings.type_of(expr)) is not None
        ):
            self._findings.take_over(("return-value", "list-item"), o, o.expr, *items_of(o.expr))
            self._findings.report(
                o.expr,
                codes.FUTURE_RETURN,
                "A task's body returns a Future; return its value (.eval()), or make the function a pipeline",
            )

    def _in_task(self) -> bool:
        return bool(self._bodies) and self._bodies[-1]

    # -- helpers -------------------------------------------------------------------------------------

    def _truth(self, expr: Expression) -> None:
        if isinstance(expr, OpExpr) and expr.op in ("and", "or"):
            self._truth(expr.right)
        elif self._findings.may_be_future(expr):
            self._findings.take_over(("truthy-bool",), expr)
            self._findings.report(expr, codes.FUTURE_BOOL)


def _makes_task(decorator: Expression) -> bool:
    target = decorator.callee if isinstance(decorator, CallExpr) else decorator
    return isinstance(target, RefExpr) and names.DECORATORS.get(target.fullname) in ("task", "batch")


def _names_read(node: Node) -> Iterator[NameExpr]:
    """The names below a node that are not just assigned to."""
    for part in parts(node):
        if isinstance(part, NameExpr):
            if not (isinstance(node, AssignmentStmt) and part in node.lvalues):
                yield part
        else:
            yield from _names_read(part)


def _is_text(typ: ProperType | None) -> bool:
    return isinstance(typ, Instance) and typ.type.fullname in ("builtins.str", "builtins.bytes")


def _is_write(call: CallExpr) -> bool:
    return isinstance(call.callee, MemberExpr) and call.callee.name in ("write", "clear_cache")
