"""Futures among the arguments of plain functions, which can only want their values."""

from __future__ import annotations

from typing import Final

from mypy.errorcodes import ErrorCode
from mypy.messages import format_type
from mypy.nodes import (
    ARG_NAMED,
    ARG_POS,
    CallExpr,
    DictExpr,
    Expression,
    FuncDef,
    GeneratorExpr,
    ListComprehension,
    NameExpr,
    RefExpr,
    SetComprehension,
)
from mypy.types import AnyType, CallableType, Instance, NoneType, get_proper_type

from merkl_mypy import codes
from merkl_mypy.attributes import method_kind
from merkl_mypy.comparisons import Comparisons
from merkl_mypy.decorators import is_task
from merkl_mypy.findings import Findings, items_of
from merkl_mypy.misuse import message
from merkl_mypy.serializable import exempt_of, is_used_up
from merkl_mypy.shapes import has_future, is_container

_TAKES_ANYTHING: Final = frozenset(
    [
        "builtins.repr",
        "builtins.id",
        "builtins.type",
        "builtins.isinstance",
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
_MAKES_STRINGS: Final = frozenset(["builtins.str", "builtins.format", "builtins.print"])
_TESTS_ITEMS: Final = frozenset(["builtins.any", "builtins.all"])
_MAKES_JSON: Final = frozenset(["json.dumps", "json.dump"])
_REFUSED: Final = ("arg-type", "list-item", "dict-item", "call-overload", "type-var", "misc")
_ITERATES: Final = frozenset(
    f"builtins.{name}"
    for name in ("len", "list", "tuple", "set", "frozenset", "dict", "iter", "next", "sum", "sorted", "min", "max", "zip",
                 "enumerate", "map", "filter", "reversed", "any", "all")
)  # fmt: skip


class Arguments:
    """Reports the Futures that a call gives to a plain function."""

    def __init__(self, findings: Findings, comparisons: Comparisons) -> None:
        self._findings = findings
        self._comparisons = comparisons

    def look(self, call: CallExpr) -> None:
        """Look at the arguments of any call."""
        if not call.args:
            return
        callee = self._findings.type_of(call.callee)
        if is_task(callee):
            if isinstance(callee, CallableType):
                self._used_up(call, callee)
            return
        if isinstance(callee, CallableType) and callee.is_type_obj() and is_container(callee.type_object()):
            return  # a container of Futures, which MerkL looks into
        name = call.callee.fullname if isinstance(call.callee, RefExpr) else ""
        if name.startswith("merkl.") or self._of_builtin(call, name):
            return
        given = [item for arg in call.args for item in items_of(arg) if self._findings.is_future(item)]
        given += [arg for arg in call.args if self._findings.holds_futures(arg) or self._yields(arg)]
        if given and not self._refused(call, given, name) and isinstance(callee, CallableType):
            self._swallowed(call, callee)

    def strings(self, call: CallExpr) -> None:
        """Report the arguments that are made into strings."""
        for argument, kind in zip(call.args, call.arg_kinds, strict=True):
            if not kind.is_star() and self._findings.may_be_future(argument):
                self._findings.report(argument, codes.FUTURE_FORMAT)

    def _used_up(self, call: CallExpr, task: CallableType) -> None:
        """Iterators that are given to a task, whose key they would have to be part of."""
        if method_kind(task.fallback) == "pipeline":
            return
        for index, argument in enumerate(call.args):
            typ = self._findings.type_of(argument)
            if call.arg_kinds[index].is_star() or typ is None:
                continue
            if not is_used_up(typ) and not _is_reversed(argument):
                continue
            formal = _formal(task, call, index)
            name = None if formal is None else task.arg_names[formal]
            if not {"*", name} & exempt_of(task):
                shown = format_type(typ, self._findings.api.options)
                text = (
                    f"An argument of a task has type {shown}, which is used up by whoever reads it and has no canonical "
                    "bytes: pass a list"
                )
                self._findings.report(argument, codes.UNSERIALIZABLE, text)

    def _of_builtin(self, call: CallExpr, name: str) -> bool:
        """The functions that are known for what they do with their arguments."""
        first = call.args[0]
        if name in _TESTS_ITEMS:
            types = [self._findings.type_of(first), *map(self._findings.type_of, items_of(first))]
            if any(typ is not None and has_future(typ) for typ in types) and not self._findings.is_future(
                first
            ):
                self._findings.report(first, codes.FUTURE_BOOL, message(NoneType(), codes.FUTURE_BOOL))
                return True
        elif name == "builtins.isinstance":
            self._comparisons.by_class(call)
        elif name in ("builtins.filter", "builtins.map") and len(call.args) > 1:
            code = _code_of_function(first)
            held = [arg for arg in call.args[1:] if self._holds(arg)]
            if code is not None and held:
                self._findings.report(held[0], code, message(NoneType(), code))
                return True
        elif name in _MAKES_STRINGS:
            self.strings(call)
            return not any(kind.is_star() for kind in call.arg_kinds)
        elif name == "builtins.bool":
            if self._findings.may_be_future(first):
                self._findings.report(first, codes.FUTURE_BOOL)
            return True
        elif name in _MAKES_JSON and not self._findings.is_future(first):
            values = [value for _, value in first.items] if isinstance(first, DictExpr) else []
            if self._holds(first) or any(map(self._findings.is_future, values)):
                self._findings.report(first, codes.FUTURE_VALUE, message(NoneType(), codes.FUTURE_VALUE))
            return True
        return name in _TAKES_ANYTHING

    def _yields(self, expr: Expression) -> bool:
        item = _item_of(expr)
        return item is not None and self._findings.is_future(item)

    def _holds(self, expr: Expression) -> bool:
        return self._findings.holds_futures(expr) or (
            not self._findings.is_future(expr) and any(map(self._findings.is_future, items_of(expr)))
        )

    def _refused(self, call: CallExpr, given: list[Expression], name: str) -> bool:
        """What mypy has refused by itself is said under a code of MerkL's own."""
        code = codes.FUTURE_ITER if name in _ITERATES else codes.FUTURE_VALUE
        refused = False
        stars = [arg for arg, kind in zip(call.args, call.arg_kinds, strict=True) if kind.is_star()]
        for item in given:
            if item in stars and self._findings.is_future(item):
                self._findings.take_over(_REFUSED, item, call)
                self._findings.take_over_iteration(item)
                self._findings.report(item, codes.FUTURE_ITER)
                refused = True
            elif self._findings.take_over(_REFUSED, item, call, _item_of(item) or item):
                self._findings.report(item, code)
                refused = True
        if refused and name in _ITERATES:
            # Whether the other items fit, mypy has judged by what it thought that the Futures among them are.
            others = [item for arg in call.args for item in items_of(arg) if item not in given]
            self._findings.take_over(("list-item",), *others, whatever=True)
        return refused

    def _swallowed(self, call: CallExpr, callee: CallableType) -> None:
        """Futures that go to parameters which take anything."""
        code = codes.FUTURE_VALUE
        if callee.is_type_obj():
            if not callee.type_object().has_base("builtins.BaseException"):
                return
            code = codes.FUTURE_FORMAT
        elif callee.implicit:
            return
        for index, argument in enumerate(call.args):
            if self._findings.is_future(argument) and _wants_value(callee, _formal(callee, call, index)):
                self._findings.report(argument, code)


def _is_reversed(expr: Expression) -> bool:
    """`reversed(xs)`, which has the type that is wanted of it, such as Iterable."""
    return (
        isinstance(expr, CallExpr)
        and isinstance(expr.callee, RefExpr)
        and expr.callee.fullname == "builtins.reversed"
    )


def _item_of(expr: Expression) -> Expression | None:
    """What a comprehension makes for each item."""
    generator = expr.generator if isinstance(expr, (ListComprehension, SetComprehension)) else expr
    return generator.left_expr if isinstance(generator, GeneratorExpr) else None


def _code_of_function(expr: Expression) -> ErrorCode | None:
    """What a function does with each item: `None` and `bool` test it, `str` makes it into a string."""
    if isinstance(expr, NameExpr):
        if expr.fullname in ("builtins.None", "builtins.bool"):
            return codes.FUTURE_BOOL
        if expr.fullname in _MAKES_STRINGS:
            return codes.FUTURE_FORMAT
    return None


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
