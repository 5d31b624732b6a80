"""The review of a module after mypy has checked it: misuse of Futures that no hook of mypy's can see.

Boolean tests, f-strings, `%`, comparisons, reflected operators, and arguments of plain functions reach no hook. The
types that mypy has found for every expression are all there when a module is done; so the first hook that runs in a
module asks mypy to check one more function after all others, made up here, whose only statement is a call that leads
back here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Final

from mypy.checker import DeferredNode, TypeChecker
from mypy.checker_state import checker_state
from mypy.nodes import (
    ARG_POS,
    Block,
    CallExpr,
    ClassDef,
    Decorator,
    EllipsisExpr,
    Expression,
    ExpressionStmt,
    FuncDef,
    MemberExpr,
    MypyFile,
    PassStmt,
    RaiseStmt,
    Statement,
    StrExpr,
    TempNode,
    TupleExpr,
)
from mypy.plugin import FunctionContext
from mypy.types import CallableType, NoneType, Type

from merkl_mypy import names
from merkl_mypy.reviewer import Reviewer
from merkl_mypy.shapes import has_future

PROBE: Final = "merkl_mypy.review"

_BODIES: Final = 5  # functions of a module that get a trigger: one that mypy checks is enough


class Reviews:
    """Which modules are to be reviewed in this run."""

    def __init__(self) -> None:
        # The modules that wait for their review, and whether mypy is past their top level.
        self._asked: dict[tuple[str, bool], bool] = {}
        self._tops: set[str] = set()
        # Where the last probe was put.
        self._queue: list[DeferredNode] | None = None
        #: The checker whose module was asked for last.
        self.last: TypeChecker | None = None
        #: The calls of the module that is being checked in which there is nothing to report, by identity.
        self.quiet: set[int] = set()
        #: What has to be done before mypy checks a module, and before it is looked at.
        self.starts: list[Callable[[TypeChecker], None]] = []
        self.before: list[Callable[[TypeChecker], None]] = []

    def ask_here(self) -> None:
        """Have the module that mypy is checking right now reviewed when it is done."""
        api = checker_state.type_checker
        if isinstance(api, TypeChecker) and api is not self.last and not _is_silent(api):
            self.last = api
            self.ask(api)

    def ask(self, api: TypeChecker) -> None:
        """Have the module of this checker reviewed when it is done."""
        # mypy checks the top level of modules first and the bodies of functions later: each is reviewed when done.
        asked = (api.tree.fullname, bool(getattr(api, "recurse_into_functions", True)))
        if asked in self._asked or names.FUTURE.rpartition(".")[0] not in api.modules:
            return
        is_rest = asked[1] and api.pass_num == 0 and api.tree.fullname in self._tops
        # The daemon checks the top level again with the rest, of a module that was edited or that depends on one.
        self._asked[asked] = is_rest and not api.options.fine_grained_incremental
        for start in self.starts:
            start(api)
        self._defer(api)

    def _defer(self, api: TypeChecker, round_: int = 1) -> None:
        queue = api.deferred_nodes
        if round_ == 1:
            self._queue = queue
        elif api.options.fine_grained_incremental and self._queue is not None:
            # The daemon goes once through what was put off, so the second probe has to stand at the end of that.
            queue = self._queue
        queue.append(DeferredNode(_probe(api, round_), None))

    def run(self, ctx: FunctionContext) -> Type:
        """The hook that the probe leads to: wait for functions that mypy put off, then look at the module."""
        api = ctx.api
        if isinstance(api, TypeChecker) and api.tree is not None:
            first = isinstance(ctx.context, CallExpr) and bool(ctx.context.args)
            if first:
                self._defer(api, 2)
            else:
                for prepare in self.before:
                    prepare(api)
                self.last = None
                self._review(api)
                self.quiet.clear()
        return NoneType()

    def _review(self, api: TypeChecker) -> None:
        name = api.tree.fullname
        top = self._asked.pop((name, False), None)
        rest = self._asked.pop((name, True), None)
        if top is not None:
            self._tops.add(name)
            # A module that is only checked again because of another one has not been parsed where `add_trigger` is called.
            _add_to_bodies(api.tree)
        elif rest is not None:
            self._tops.discard(name)
        if not _knows_future(api):
            return
        reviewer = Reviewer(api, self.quiet)
        if top is not None:
            reviewer.review_top_level()
        elif rest:
            reviewer.review_functions()
        else:
            reviewer.review()


def add_trigger(tree: MypyFile) -> None:
    """Put a call that does nothing before a module's statements, so that mypy asks the plugin about each module.

    mypy asks about calls and attributes only; a module that does nothing but test a Future that it imports has neither.
    Bodies of functions are checked later than the rest, so some of those get the call too.
    """
    if tree.is_stub or not tree.defs or _is_trigger(tree.defs[0]):
        return
    tree.defs.insert(0, _trigger())
    _add_to_bodies(tree)


def _add_to_bodies(tree: MypyFile) -> None:
    for statements in itertools.islice(_bodies(tree.defs), _BODIES):
        statements.insert(0, _trigger())


def _bodies(statements: list[Statement]) -> Iterator[list[Statement]]:
    """The bodies of annotated functions and methods that do something."""
    for statement in statements:
        if isinstance(statement, ClassDef):
            yield from _bodies(statement.defs.body)
        function = statement.func if isinstance(statement, Decorator) else statement
        if isinstance(function, FuncDef) and function.type is not None:
            if not all(map(_is_placeholder, function.body.body)):
                yield function.body.body


def _is_placeholder(statement: Statement) -> bool:
    """Whether this may be all that stands in the body of a function that is only declared."""
    if isinstance(statement, ExpressionStmt):
        return isinstance(statement.expr, (EllipsisExpr, StrExpr))
    return isinstance(statement, (PassStmt, RaiseStmt))


def _trigger() -> Statement:
    text = StrExpr("")
    call = CallExpr(MemberExpr(text, "join"), [TupleExpr([])], [ARG_POS], [None])
    statement = ExpressionStmt(call)
    for node in (text, call.callee, call.args[0], call, statement):
        node.set_line(1)
    return statement


def _is_trigger(statement: Statement) -> bool:
    call = statement.expr if isinstance(statement, ExpressionStmt) else None
    callee = call.callee if isinstance(call, CallExpr) else None
    return isinstance(callee, MemberExpr) and isinstance(callee.expr, StrExpr) and not callee.expr.value


def _knows_future(api: TypeChecker) -> bool:
    """Whether any expression of the module has a type with a Future in it."""
    return any(has_future(typ) for types in api._type_maps for typ in types.values())


def _is_silent(api: TypeChecker) -> bool:
    """Whether nothing is reported about this module, such as one of a library."""
    return api.tree.is_stub or bool(getattr(api, "can_skip_diagnostics", False))


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
    if hasattr(made, "def_or_infer_vars"):  # before mypy 1.20 all was checked in one phase
        made.def_or_infer_vars = True
    made.set_line(1)
    call.set_line(1)
    return made
