"""What mypy has found out about a module, and how misuse of Futures in it is reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from mypy.checker import TypeChecker
from mypy.errorcodes import NAME_DEFINED, SYNTAX, VALID_TYPE, ErrorCode
from mypy.errors import ErrorInfo
from mypy.nodes import Context, Expression, FuncDef, ListExpr, SetExpr, TupleExpr, TypeInfo
from mypy.types import Instance, NoneType, ProperType, TupleType, UnionType, get_proper_type

from merkl_mypy.misuse import message
from merkl_mypy.shapes import is_container, is_future

_ABOUT_ITERATION: Final = re.compile(
    r"Expected iterable|not iterable|Incompatible types in \"await\"|\"yield from\" can't"
)

# What mypy says before it checks anything, and not once more.
_SAID_BEFORE: Final = (NAME_DEFINED, SYNTAX, VALID_TYPE)
_GIVE_ITEMS: Final = frozenset(["typing.Generator", "typing.Iterator"])


class Findings:
    """The types that mypy has stored for a module, and its reports."""

    def __init__(self, api: TypeChecker) -> None:
        self.api = api
        #: The function and the class that are being looked at.
        self.function: FuncDef | None = None
        self.owner: TypeInfo | None = None

    def type_of(self, expr: Expression) -> ProperType | None:
        """The type of an expression; None where mypy has looked at none, as in unreachable code."""
        if not self.api.has_type(expr):
            return None
        return get_proper_type(self.api.lookup_type(expr))

    def is_future(self, expr: Expression) -> bool:
        """Whether an expression is a Future whatever happens."""
        typ = self.type_of(expr)
        return typ is not None and is_future(typ)

    def may_be_future(self, expr: Expression) -> bool:
        """Whether an expression may be a Future, such as one of type `Future[int] | None`."""
        typ = self.type_of(expr)
        items = typ.items if isinstance(typ, UnionType) else [typ]
        return any(item is not None and is_future(get_proper_type(item)) for item in items)

    def holds_futures(self, expr: Expression) -> bool:
        """Whether all items of a container are Futures."""
        typ = self.type_of(expr)
        if isinstance(typ, TupleType):
            return bool(typ.items) and all(is_future(get_proper_type(item)) for item in typ.items)
        if not isinstance(typ, Instance) or not typ.args:
            return False
        if typ.type.fullname in _GIVE_ITEMS:
            return is_future(get_proper_type(typ.args[0]))
        return is_future(get_proper_type(typ.args[-1])) and is_container(typ.type)

    def report(self, expr: Expression, code: ErrorCode, text: str | None = None) -> None:
        """Report misuse under a code of MerkL's own."""
        typ = self.type_of(expr)
        text = text if text is not None else message(typ if typ is not None else NoneType(), code)
        # The daemon forgets errors function by function, and finds them again by checking the functions that had some: each
        # has to be filed under the function that it is in, or under the module.
        scope = self.api.tscope
        function, classes = scope.function, scope.classes
        scope.function, scope.classes = self.function, [] if self.owner is None else [self.owner]
        try:
            self.api.fail(text, expr, code=code)
        finally:
            scope.function, scope.classes = function, classes

    def take_over(self, said: tuple[str, ...], *places: Context, whatever: bool = False) -> bool:
        """Drop what mypy has said about a Future in these places: it is about to be said under a code of ours.

        With `whatever`, what it has said about anything.
        """
        where = {(place.line, place.column) for place in places}
        return self._drop(
            said,
            lambda one: (one.line, one.column) in where and (whatever or _wants_no_future(one.message)),
        )

    def take_over_iteration(self, *places: Context) -> None:
        """Drop that something on these lines cannot be iterated over or awaited, which does not say where."""
        lines = {place.line for place in places}
        self._drop(("misc",), lambda one: one.line in lines and bool(_ABOUT_ITERATION.search(one.message)))

    def _drop(self, said: tuple[str, ...], is_meant: Callable[[ErrorInfo], bool]) -> bool:
        reports = self.api.errors.error_info_map.get(self.api.errors.file, [])
        dropped = [
            one
            for one in reports
            if one.severity == "error" and one.code is not None and one.code.code in said and is_meant(one)
        ]
        gone = {(one.line, one.code) for one in dropped}
        reports[:] = [
            one
            for one in reports
            if one not in dropped and not (one.severity == "note" and (one.line, one.code) in gone)
        ]
        return bool(dropped)


def forget_inside(api: TypeChecker, expr: Expression) -> None:
    """Drop what mypy has said inside of an expression that it is about to look at once more."""
    start, end = (expr.line, expr.column), (expr.end_line or expr.line, expr.end_column or expr.column)
    kept = (watcher._filtered for watcher in api.errors._watchers)  # what mypy may say later
    for reports in (api.errors.error_info_map.get(api.errors.file), *kept):
        if reports:
            reports[:] = [
                one
                for one in reports
                if not start <= (one.line, one.column) < end or one.code in _SAID_BEFORE
            ]


def _wants_no_future(text: str) -> bool:
    """Whether this error is about a Future where none is wanted."""
    given, _, wanted = text.partition("expected")
    return "Future[" in given and "Future[" not in wanted


def items_of(expr: Expression) -> Iterator[Expression]:
    """The expression, or the items of the display that it is."""
    if isinstance(expr, (ListExpr, TupleExpr, SetExpr)):
        for item in expr.items:
            yield from items_of(item)
    else:
        yield expr
