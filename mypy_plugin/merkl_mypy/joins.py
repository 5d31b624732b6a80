"""Displays of values and Futures that are assigned or iterated over: `xs = [1, f]`, `for x in {"a": 1, "b": f}.values()`.

mypy joins an `int` and a `Future[int]` to `object`, and so does all that reads the variable, the attribute or the item
later. Where Futures would be values the join may be narrower: then the items are a value or a Future of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from mypy.checker import TypeChecker
from mypy.nodes import (
    CLASSDEF_NO_INFO,
    AssertStmt,
    AssignmentExpr,
    AssignmentStmt,
    Block,
    CallExpr,
    ClassDef,
    ConditionalExpr,
    Decorator,
    DelStmt,
    DictExpr,
    DictionaryComprehension,
    Expression,
    ExpressionStmt,
    ForStmt,
    FuncDef,
    GeneratorExpr,
    Import,
    ImportFrom,
    IndexExpr,
    ListComprehension,
    ListExpr,
    MemberExpr,
    MypyFile,
    NameExpr,
    Node,
    OperatorAssignmentStmt,
    OpExpr,
    PassStmt,
    RaiseStmt,
    RefExpr,
    ReturnStmt,
    SetComprehension,
    SetExpr,
    StarExpr,
    Statement,
    TempNode,
    TupleExpr,
    TypeInfo,
)
from mypy.plugin import FunctionContext
from mypy.typeops import get_all_type_vars
from mypy.types import (
    CallableType,
    Type,
)

from merkl_mypy import names
from merkl_mypy.callees import full_name
from merkl_mypy.fill import Filler, depths_of, has_object
from merkl_mypy.rewrite import Rewriter
from merkl_mypy.shapes import CONTAINERS, any_type, class_of
from merkl_mypy.walk import LEAVES, has_copies, is_statement, parts, text_of

# What the text of a module has in it where displays are read on the spot, or named, inside of expressions. Each begins with
# letters or a bracket, which takes a tenth of the time that a choice of two would take to be searched for.
_LATER: Final = rb"\s*\)?\s*(?:(?:\\|#.*)\n\s*)*(?:\.\w|\[)"
_GO_THROUGH: Final = (
    b"zip enumerate reversed sorted filter sum min max from_iterable iter list set tuple".split()
)
# Arguments without a bracket, which hold no display.
_FLAT: Final = rb"""(?:[\w\ .,=*+-]|'[^'\\\n(){}\[\]]*'|"[^"\\\n(){}\[\]]*")*\)"""
_READS: Final = tuple(
    map(
        re.compile,
        (
            rb"(?m)in\s.*?(?:[\[{#\\]|\(\(|[(,]\s*$)",
            rb"\]" + _LATER,
            rb"\}" + _LATER,
            rb"\((?<=[%s]\()(?!%s)(?:%s)"
            % (
                bytes({name[-1] for name in _GO_THROUGH}),
                _FLAT,
                b"|".join(rb"(?<=%s\()" % name for name in _GO_THROUGH),
            ),
            # The first makes a display of any arguments, and the other joins what they hold.
            rb"(?:dict|chain)\(",
            rb":=",
        ),
    )
)
_READERS: Final = frozenset(
    [
        *("builtins.zip", "builtins.enumerate", "builtins.reversed", "builtins.sorted", "builtins.filter"),
        *("builtins.iter", "builtins.sum", "builtins.min", "builtins.max", "itertools.chain"),
        "itertools.chain.from_iterable",
    ]
)
# Whose arguments are looked at with the whole, except where it is iterated over.
_COPIES: Final = frozenset(f"builtins.{name}" for name in ("list", "tuple", "set", "frozenset"))
# What was replaced: its owner, the name of the part there, its position in it, and the call that stands there, by identity.
_Place = tuple[Node, str, int | None, int]
_COMPREHENSIONS: Final = (GeneratorExpr, DictionaryComprehension)
_FUNCTIONS: Final = frozenset([Decorator, FuncDef])
_WITHOUT_STATEMENTS: Final = frozenset(
    [
        AssignmentStmt,
        ExpressionStmt,
        ReturnStmt,
        RaiseStmt,
        AssertStmt,
        DelStmt,
        OperatorAssignmentStmt,
        PassStmt,
        Import,
        ImportFrom,
    ]
)


class Joins:
    """Puts a call of its own in the place of such displays, for as long as mypy checks the module."""

    def __init__(self) -> None:
        # The lines of modules in which displays may be read inside of expressions.
        self._reading: dict[str, list[int]] = {}
        self._lines: list[int] = []  # of the module that is being prepared
        self._made: dict[int, tuple[CallExpr, Expression]] = {}
        # By module, as in `nameless`.
        self._places: dict[str, list[_Place]] = {}

    def read(self, file: MypyFile, text: bytes) -> None:
        """Note where a module that mypy has parsed may read displays inside of expressions."""
        found = sorted({match.start() for pattern in _READS for match in pattern.finditer(text)})
        lines: list[int] = []
        line, at = 1, 0
        for start in found:
            line += text.count(b"\n", at, start)
            at = start
            lines.append(line)
        self._reading[file.fullname] = lines

    def begin(self, api: TypeChecker) -> None:
        """Prepare a module that mypy is about to check."""
        self.end(api)
        if api.tree.is_stub:
            return
        self._places[api.tree.fullname] = []
        if api.tree.fullname not in self._reading:
            self.read(api.tree, text_of(api.tree))  # mypy had it in its cache
        self._lines = self._reading[api.tree.fullname]
        self._visit_statements(api.tree.defs, api)

    def end(self, api: TypeChecker) -> None:
        """Leave the module as it was."""
        for owner, name, index, made in reversed(self._places.pop(api.tree.fullname, [])):
            _, old = self._made.pop(made)
            if index is None:
                setattr(owner, name, old)
            else:
                getattr(owner, name)[index] = old

    def joined(self, ctx: FunctionContext) -> Type:
        """The hook for the calls that were put in: the type of the display, with Futures beside values."""
        entry = self._made.get(id(ctx.context))
        if entry is None or not isinstance(ctx.api, TypeChecker):
            return ctx.default_return_type
        api, expr = ctx.api, entry[1]
        context = api.expr_checker.type_context[-1]
        typ = api.expr_checker.accept(expr, context)
        is_open = context is None or bool(get_all_type_vars(context))
        return with_futures(api, expr, typ) if is_open and has_object(typ) else typ

    def _visit_statements(self, statements: list[Statement], api: TypeChecker) -> None:
        """Look into statements as deep as their lines ask for: each step here is taken for each line of a program."""
        lines = self._lines
        for statement in statements:
            kind = type(statement)
            if kind in _WITHOUT_STATEMENTS:
                if lines and self._is_read_in(statement):
                    self._visit_parts(statement, api)
                if kind is AssignmentStmt:
                    self._assigned(statement, api)  # type: ignore[arg-type]
            elif kind in _FUNCTIONS and not (lines and self._is_read_in(statement)):
                function: FuncDef = statement.func if kind is Decorator else statement  # type: ignore[attr-defined,assignment]
                if not has_copies(function):  # a copy of a call that was put in would lead nowhere
                    self._visit_statements(function.body.body, api)
            else:
                self._visit(statement, api)

    def _is_read_in(self, node: Node) -> bool:
        """Whether a display may be read inside of an expression on the lines of a node."""
        lines = self._lines
        if not lines:
            return False
        # Some nodes have no end, and the first line of what is decorated is not that of its decorators.
        first = node.decorators[:1] if isinstance(node, (ClassDef, Decorator)) else []
        at = bisect_left(lines, first[0].line if first else node.line)
        return at < len(lines) and (node.end_line is None or lines[at] <= node.end_line)

    def _visit(self, node: Node, api: TypeChecker) -> None:
        if isinstance(node, Block) and node.is_unreachable:
            return
        if isinstance(node, ClassDef) and node.info is not CLASSDEF_NO_INFO and node.info.is_enum:
            return
        if isinstance(node, FuncDef) and has_copies(node):
            return  # a copy of a call that was put in would lead nowhere
        self._visit_parts(node, api)
        if isinstance(node, AssignmentExpr) and _may_join(node.value):
            self._replace(node, "value", None, api)
        elif isinstance(node, ForStmt):
            self._iterated(node, "expr", None, api)
        elif isinstance(node, _COMPREHENSIONS):
            for index in range(len(node.sequences)):
                self._iterated(node, "sequences", index, api)
        else:
            self._read(node, api)

    def _visit_parts(self, node: Node, api: TypeChecker) -> None:
        if isinstance(node, Block):
            self._visit_statements(node.body, api)
            return
        # Below a statement that has others in it, expressions are looked into only where one of its own lines asks for it.
        is_read = not is_statement(node) or self._is_read_in(node)
        for part in parts(node):
            if is_statement(part) or (is_read and type(part) not in LEAVES):
                self._visit(part, api)

    def _read(self, node: Node, api: TypeChecker) -> None:
        """What is read off a display: an item, an attribute, or by a function that goes through it."""
        if isinstance(node, MemberExpr) and _may_join(node.expr):
            self._replace(node, "expr", None, api)
        elif isinstance(node, IndexExpr) and _may_join(node.base):
            self._replace(node, "base", None, api)
        elif isinstance(node, CallExpr) and full_name(node.callee) in _READERS:
            for index, argument in enumerate(node.args):
                if _may_join(argument):
                    self._replace(node, "args", index, api)

    def _assigned(self, statement: AssignmentStmt, api: TypeChecker) -> None:
        value = statement.rvalue
        if not _may_join(value) or statement.unanalyzed_type is not None:
            return
        if all(map(_is_plain_target, statement.lvalues)):
            self._replace(statement, "rvalue", None, api)
        else:
            self._assigned_items(value, statement.lvalues, api)

    def _assigned_items(self, value: Expression, targets: Sequence[Expression], api: TypeChecker) -> None:
        """The items of a display that each go to a target of their own, which may be several targets again."""
        if not isinstance(value, (TupleExpr, ListExpr)):
            return
        for index, item in enumerate(value.items):
            if _may_join(item):
                own = [_target_of(each, index, len(value.items)) for each in targets]
                several = [each for each in own if isinstance(each, (TupleExpr, ListExpr))]
                if several:
                    self._assigned_items(item, several, api)
                else:
                    self._replace(value, "items", index, api)

    def _iterated(self, owner: Node, name: str, index: int | None, api: TypeChecker) -> None:
        """What is iterated over may be a display, or `zip` and the like of displays, or a view of one."""
        expr: Expression = getattr(owner, name) if index is None else getattr(owner, name)[index]
        if isinstance(expr, CallExpr):
            callee = expr.callee
            if full_name(callee) in _READERS or full_name(callee) in _COPIES:
                if _joins_itself(expr):
                    self._replace(owner, name, index, api)
                for position in range(len(expr.args)):
                    self._iterated(expr, "args", position, api)
            elif isinstance(callee, MemberExpr) and _may_join(callee.expr):
                self._replace(callee, "expr", None, api)
        elif _may_join(expr):
            self._replace(owner, name, index, api)

    def _replace(self, owner: Node, name: str, index: int | None, api: TypeChecker) -> None:
        old: Expression = getattr(owner, name) if index is None else getattr(owner, name)[index]
        function = api.named_type("builtins.function")
        shown = FuncDef(
            "joined", [], Block([ExpressionStmt(old)])
        )  # where the rewriting of arguments finds it
        getter = CallableType([], [], [], any_type(), function, name=names.JOINED, definition=shown)
        made = CallExpr(TempNode(getter, context=old), [], [], [])
        made.set_line(old)
        self._made[id(made)] = (made, old)
        self._places[api.tree.fullname].append((owner, name, index, id(made)))
        if index is None:
            setattr(owner, name, made)
        else:
            getattr(owner, name)[index] = made


def first_display(ctx: FunctionContext) -> Type:
    """The hook for the display with which a module begins, where mypy asks about nothing before (see `hooks`)."""
    api, typ = ctx.api, ctx.default_return_type
    if not isinstance(api, TypeChecker) or not isinstance(ctx.context, Expression) or not has_object(typ):
        return typ
    return with_futures(api, ctx.context, typ)


def with_futures(api: TypeChecker, expr: Expression, typ: Type) -> Type:
    """The type of an expression, with a value or a Future of it wherever mypy has joined the two to `object`."""
    rewritten = Rewriter(api).rewrite(expr)
    if rewritten is None:
        return typ
    with api.msg.filter_errors():
        value = api.expr_checker.accept(rewritten)
    return Filler(class_of(api, names.FUTURE), depths_of(api, expr)).filled(typ, value)


def _is_plain_target(target: Expression) -> bool:
    """Whether mypy infers a type for this target: a tuple of targets it goes through one by one."""
    name = target.name if isinstance(target, (NameExpr, MemberExpr)) else ""
    return bool(name) and not (name.startswith("__") and name.endswith("__"))


def _target_of(targets: Expression, index: int, count: int) -> Expression | None:
    """Where an item of `count` goes, if it is not to one of the rest that a star takes."""
    if not isinstance(targets, (TupleExpr, ListExpr)):
        return None
    for position, target in enumerate(targets.items[: index + 1]):
        if isinstance(target, StarExpr):
            last = len(targets.items) - count + index
            return targets.items[last] if last > position else target
    return targets.items[index] if index < len(targets.items) else None


def _joins_itself(call: CallExpr) -> bool:
    """Whether a call joins what mypy tells apart in its arguments: the items of a tuple, and of several lists."""
    several = len(call.args) > 1 and full_name(call.callee) == "itertools.chain"
    return several or any(isinstance(argument, TupleExpr) for argument in call.args)


def _may_join(expr: Expression) -> bool:
    """Whether an expression may hold a display in which mypy joins values and Futures."""
    if isinstance(expr, CallExpr):  # most of what there is
        node = expr.callee.node if isinstance(expr.callee, RefExpr) else None
        return isinstance(node, TypeInfo) and node.fullname in CONTAINERS and bool(expr.args)
    if isinstance(expr, (ListExpr, SetExpr)):
        return len(expr.items) > 1 or any(map(_may_join, expr.items))
    if isinstance(expr, DictExpr):
        return len(expr.items) > 1 or any(_may_join(value) for _, value in expr.items)
    if isinstance(expr, TupleExpr):  # of unpacked items mypy makes a tuple of any length
        return any(isinstance(item, StarExpr) for item in expr.items) or any(map(_may_join, expr.items))
    if isinstance(expr, OpExpr):
        return _may_join(expr.left) or _may_join(expr.right)
    if isinstance(expr, ConditionalExpr):
        return _may_join(expr.if_expr) or _may_join(expr.else_expr)
    if isinstance(expr, (ListComprehension, SetComprehension)):
        return _may_join(expr.generator.left_expr)
    if isinstance(expr, DictionaryComprehension):
        return _may_join(expr.value)
    return False
