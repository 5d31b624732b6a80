"""Futures that are compared: by value, by identity, by membership, by class."""

from __future__ import annotations

from collections.abc import Iterator

from mypy.nodes import CallExpr, ComparisonExpr, Expression, MemberExpr, RefExpr, TupleExpr, TypeInfo, Var
from mypy.subtypes import is_subtype
from mypy.types import (
    AnyType,
    Instance,
    ProperType,
    TupleType,
    TypedDictType,
    TypeVarType,
    UnionType,
    get_proper_type,
)

from merkl_mypy import codes
from merkl_mypy.findings import Findings
from merkl_mypy.shapes import is_future


class Comparisons:
    """Reports comparisons of Futures with what no Future is equal to."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def compared(self, o: ComparisonExpr) -> None:
        """`f == 1`, `1 < f`, `f is None`, `f in [1]`."""
        for operator, left, right in zip(o.operators, o.operands, o.operands[1:], strict=False):
            if operator in ("==", "!="):
                self._by_value(o, left, right)
            elif operator in ("is", "is not"):
                self._by_identity(o, left, right)
            elif operator in ("in", "not in"):
                self._by_membership(o, left, right)
            elif self._findings.is_future(right):
                self._findings.report(right, codes.FUTURE_COMPARE)

    def by_class(self, call: CallExpr) -> None:
        """`isinstance(f, int)`, of classes that no Future is an instance of."""
        if len(call.args) != 2 or not self._findings.is_future(call.args[0]) or self._was_wider(call.args[0]):
            return
        classes = list(_classes(call.args[1]))
        future = self._findings.type_of(call.args[0])
        if not isinstance(future, Instance) or any(
            info is None or future.type.has_base(info.fullname) or info.is_protocol for info in classes
        ):
            return
        self._findings.report(call.args[0], codes.FUTURE_VALUE)

    def _by_value(self, o: ComparisonExpr, left: Expression, right: Expression) -> None:
        findings = self._findings
        for future, value in ((left, right), (right, left)):
            if findings.is_future(future):
                given = findings.type_of(value)
                if _is_known(given) or _is_object(given):
                    self._report(o, future)
                return
        for futures, values in ((left, right), (right, left)):
            types = _items(findings.type_of(futures)), _items(findings.type_of(values))
            if any(map(is_future, types[0])):
                if types[1] and not any(is_future(item) or not _is_known(item) for item in types[1]):
                    self._report(o, futures)
                return

    def _by_identity(self, o: ComparisonExpr, left: Expression, right: Expression) -> None:
        for future, value in ((left, right), (right, left)):
            if not self._findings.is_future(future) or self._was_wider(future):
                continue
            given, typ = self._findings.type_of(future), self._findings.type_of(value)
            if given is not None and typ is not None and _is_known(typ) and not is_subtype(given, typ):
                self._report(o, future)

    def _by_membership(self, o: ComparisonExpr, left: Expression, right: Expression) -> None:
        container = self._findings.type_of(right)
        if container is None or is_future(container):
            return
        items = _items(container, keys=True)
        if self._findings.is_future(left):
            if items and not any(is_future(item) or not _is_known(item) for item in items):
                self._report(o, left)
        elif items and all(map(is_future, items)) and _is_known(self._findings.type_of(left)):
            self._report(o, right)

    def _report(self, o: ComparisonExpr, future: Expression) -> None:
        self._findings.take_over(("operator", "comparison-overlap"), o, future)
        self._findings.report(future, codes.FUTURE_COMPARE)

    def _was_wider(self, expr: Expression) -> bool:
        """Whether a variable was declared as more than a Future, and mypy has narrowed it."""
        declared = None
        if isinstance(expr, RefExpr) and isinstance(expr.node, Var):
            declared = expr.node.type
        elif isinstance(expr, MemberExpr):
            owner = self._findings.type_of(expr.expr)
            symbol = owner.type.get(expr.name) if isinstance(owner, Instance) else None
            declared = None if symbol is None else symbol.type
        else:
            return False
        return declared is None or not is_future(get_proper_type(declared))


def _is_known(typ: ProperType | None) -> bool:
    """Whether a value of this type is certainly no Future."""
    if isinstance(typ, UnionType):
        return all(_is_known(get_proper_type(item)) for item in typ.items)
    if typ is None or isinstance(typ, (AnyType, TypeVarType)) or is_future(typ):
        return False
    return not _is_object(typ)


def _is_object(typ: ProperType | None) -> bool:
    return isinstance(typ, Instance) and typ.type.fullname == "builtins.object"


def _items(typ: ProperType | None, *, keys: bool = False) -> list[ProperType]:
    """The types of the items of a container of the standard library, for a dict of its values or keys."""
    if isinstance(typ, TupleType):
        return [get_proper_type(item) for item in typ.items]
    if isinstance(typ, TypedDictType):
        return [] if keys else [get_proper_type(item) for item in typ.items.values()]
    if not isinstance(typ, Instance):
        return []
    if typ.type.fullname in ("builtins.str", "builtins.bytes", "builtins.range"):
        return [typ] if keys else []
    module = typ.type.module_name.partition(".")[0]
    if not typ.args or module not in ("builtins", "typing", "collections"):
        return []
    if not keys and typ.type.has_base("typing.Iterator"):
        return []
    return [get_proper_type(typ.args[0 if keys else -1])]


def _classes(expr: Expression) -> Iterator[TypeInfo | None]:
    """The classes in the second argument of `isinstance`; None for one that is not known."""
    if isinstance(expr, TupleExpr):
        for item in expr.items:
            yield from _classes(item)
    else:
        node = expr.node if isinstance(expr, RefExpr) else None
        yield node if isinstance(node, TypeInfo) else None
