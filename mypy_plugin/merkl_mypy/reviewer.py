"""Misuse of Futures in a module that mypy has checked, from the types that it has stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
from typing import Any, Final

from mypy.checker import TypeChecker
from mypy.errorcodes import ErrorCode
from mypy.nodes import (
    ARG_NAMED,
    ARG_POS,
    AssertStmt,
    AssignmentStmt,
    AwaitExpr,
    BytesExpr,
    CallExpr,
    ClassDef,
    ComparisonExpr,
    ConditionalExpr,
    Context,
    Decorator,
    DictionaryComprehension,
    EllipsisExpr,
    Expression,
    ExpressionStmt,
    FloatExpr,
    FuncDef,
    GeneratorExpr,
    IfStmt,
    Import,
    ImportFrom,
    IntExpr,
    ListExpr,
    MatchStmt,
    MemberExpr,
    NameExpr,
    Node,
    OpExpr,
    OverloadedFuncDef,
    RefExpr,
    ReturnStmt,
    SetExpr,
    StarExpr,
    StrExpr,
    TupleExpr,
    TypeInfo,
    UnaryExpr,
    WhileStmt,
    WithStmt,
)
from mypy.types import AnyType, CallableType, Instance, NoneType, ProperType, get_proper_type

from merkl_mypy import codes, names
from merkl_mypy.decorators import is_task
from merkl_mypy.eager import is_eval
from merkl_mypy.misuse import message
from merkl_mypy.shapes import has_future, is_container, is_future
from merkl_mypy.walk import is_statement, parts

_TAKES_ANYTHING: Final = frozenset(
    [
        "builtins.repr",
        "builtins.id",
        "builtins.type",
        "builtins.isinstance",
        "builtins.issubclass",
        "builtins.hash",
        "builtins.callable",
        "builtins.reveal_type",
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
_REFUSED: Final = ("arg-type", "list-item", "call-overload", "type-var")
_NO_ITERABLE: Final = re.compile(r"Expected iterable|not iterable|Incompatible types in \"await\"")
_TEST_ITEMS: Final = frozenset(["builtins.any", "builtins.all"])
_ITERATES: Final = frozenset(
    f"builtins.{name}"
    for name in ("len", "list", "tuple", "set", "frozenset", "dict", "iter", "next", "sum", "sorted", "min", "max", "zip",
                 "enumerate", "map", "filter", "reversed", "any", "all")
)  # fmt: skip


_LEAVES: Final = frozenset([NameExpr, StrExpr, IntExpr, FloatExpr, BytesExpr, EllipsisExpr])
_CONSTANTS: Final = _LEAVES - {NameExpr}
# Statements below which no other stands.
_WITHOUT_BODY: Final = frozenset([AssignmentStmt, ExpressionStmt, ImportFrom, Import])


class Reviewer:
    """Reports misuse of Futures in one module, from the types that mypy has stored.

    `quiet` are calls, by identity, in which there is nothing to report.
    """

    def __init__(self, api: TypeChecker, quiet: Set[int] = frozenset()) -> None:
        self.api = api
        self._quiet = quiet
        self._class: TypeInfo | None = None
        self._function: FuncDef | None = None
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
            ComparisonExpr: self._comparison_expr,
            CallExpr: self._call_expr,
            ExpressionStmt: self._expression_stmt,
            ReturnStmt: self._return_stmt,
            AssignmentStmt: self._assignment_stmt,
            AwaitExpr: self._await_expr,
            StarExpr: self._star_expr,
        }
        self._bodies: list[bool] = []  # whether each enclosing function is a task's body
        self._body: FuncDef | None = None  # the innermost body of a task that we are in
        self._read: tuple[FuncDef, set[Node | None]] | None = None  # the variables that it reads

    def review(self) -> None:
        """Look at the whole module."""
        for statement in self.api.tree.defs:
            self._visit(statement)

    def review_top_level(self) -> None:
        """Look at the module without the bodies of its functions, which mypy has not checked yet."""
        self._enters[FuncDef] = self._enters[Decorator] = lambda node: None
        self.review()

    def review_functions(self) -> None:
        """Look at the functions of the module; the rest has been looked at."""
        found: list[tuple[Node, TypeInfo | None]] = [(one, None) for one in reversed(self.api.tree.defs)]
        while found:
            node, self._class = found.pop()
            if type(node) in _WITHOUT_BODY:
                continue
            if isinstance(node, (FuncDef, Decorator, OverloadedFuncDef)):
                self._visit(node)
                continue
            owner = node.info if isinstance(node, ClassDef) else self._class
            found += [(part, owner) for part in reversed(parts(node)) if is_statement(part)]
        self._class = None

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
            if type(part) not in _LEAVES:
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
        outer, self._class = self._class, node.info
        self._below(node)
        self._class = outer

    def _decorator(self, node: Decorator) -> None:
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
        outer = self._function
        if outer is None:
            self._function = function
        around = self._body
        if is_task:
            self._body = function
        self._bodies.append(is_task)
        for statement in function.body.body:
            self._visit(statement)
        self._bodies.pop()
        self._body, self._function = around, outer

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
            elif operator in ("<", "<=", ">=", ">") and self._is_future(right):
                self._report(right, codes.FUTURE_COMPARE)

    def _await_expr(self, o: AwaitExpr) -> None:
        if self._is_future(o.expr):
            self._take_over(("misc",), o, o.expr)
            self._report(o.expr, codes.FUTURE_VALUE)

    def _star_expr(self, o: StarExpr) -> None:
        if self._is_future(o.expr):
            self._take_over(("misc",), o, o.expr)
            self._report(o.expr, codes.FUTURE_ITER)

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
        if self._in_task() and isinstance(o.expr, CallExpr) and not _is_write(o.expr):
            self._unevaluated(o.expr)

    def _assignment_stmt(self, o: AssignmentStmt) -> None:
        if isinstance(o.lvalues[0], (TupleExpr, ListExpr)) and self._is_future(o.rvalue):
            self._take_over(("misc",), o, o.rvalue)
            self._report(o.rvalue, codes.FUTURE_ITER)
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
        typ = self._type(expr)
        if typ is not None and has_future(typ):
            self._report(
                expr,
                codes.TASK_IN_TASK,
                "This call inside a task's body makes a Future that nothing evaluates; "
                "call the task's .fn or .run, or make the calls in a pipeline",
            )

    def _return_stmt(self, o: ReturnStmt) -> None:
        if o.expr is None or type(o.expr) in _CONSTANTS or not self._in_task():
            return
        if any(has_future(typ) for expr in _items(o.expr) if (typ := self._type(expr)) is not None):
            self._take_over(("return-value", "list-item"), o, o.expr, *_items(o.expr))
            self._report(
                o.expr,
                codes.FUTURE_RETURN,
                "A task's body returns a Future; return its value (.eval()), or make the function a pipeline",
            )

    def _in_task(self) -> bool:
        return bool(self._bodies) and self._bodies[-1]

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
        if not call.args:
            return
        callee = self._type(call.callee)
        if is_task(callee):
            return
        if isinstance(callee, CallableType) and callee.is_type_obj() and is_container(callee.type_object()):
            return  # a container of Futures, which MerkL looks into
        if isinstance(call.callee, RefExpr) and call.callee.fullname in _TEST_ITEMS:
            types = [self._type(call.args[0]), *map(self._type, _items(call.args[0]))]
            if any(typ is not None and has_future(typ) for typ in types) and not self._is_future(
                call.args[0]
            ):
                self._report(call.args[0], codes.FUTURE_BOOL, message(NoneType(), codes.FUTURE_BOOL))
                return
        given = [item for arg in call.args for item in _items(arg) if self._is_future(item)]
        if not given:
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
        code = codes.FUTURE_ITER if name in _ITERATES else codes.FUTURE_VALUE
        refused = False
        for item in given:
            if self._take_over(_REFUSED, item, call):
                refused = True
                self._report(item, code)
        if refused:
            return
        if not isinstance(callee, CallableType) or callee.implicit or callee.is_type_obj():
            return
        for index, argument in enumerate(call.args):
            if self._is_future(argument) and _wants_value(callee, _formal(callee, call, index)):
                self._report(argument, codes.FUTURE_VALUE)

    def _take_over(self, said: tuple[str, ...], *places: Context) -> bool:
        """Drop what mypy has said about the Future in these places: it is about to be said under a code of ours."""
        reports = self.api.errors.error_info_map.get(self.api.errors.file, [])
        lines = {place.line for place in places}
        where = {(place.line, place.column) for place in places}
        dropped = [
            one
            for one in reports
            if one.severity == "error" and one.code is not None and one.code.code in said
            if ((one.line, one.column) in where and _wants_no_future(one.message))
            or (one.code.code == "misc" and one.line in lines and _NO_ITERABLE.search(one.message))
        ]
        gone = {(one.line, one.code) for one in dropped}
        reports[:] = [
            one
            for one in reports
            if one not in dropped and not (one.severity == "note" and (one.line, one.code) in gone)
        ]
        return bool(dropped)

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


def _wants_no_future(text: str) -> bool:
    """Whether this error is about a Future where none is wanted."""
    given, _, wanted = text.partition("expected")
    return "Future[" in given and "Future[" not in wanted


def _items(expr: Expression) -> Iterator[Expression]:
    """The expression, or the items of the display that it is."""
    if isinstance(expr, (ListExpr, TupleExpr, SetExpr)):
        for item in expr.items:
            yield from _items(item)
    else:
        yield expr


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
