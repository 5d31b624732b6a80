"""Types that mypy has joined to `object`, filled in: a value or a Future of it, at the depths where Futures are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mypy.checker import TypeChecker
from mypy.nodes import (
    ConditionalExpr,
    DictExpr,
    Expression,
    ListComprehension,
    ListExpr,
    OpExpr,
    SetComprehension,
    SetExpr,
    StarExpr,
    TupleExpr,
    TypeInfo,
)
from mypy.types import (
    Instance,
    TupleType,
    Type,
    TypeAliasType,
    TypedDictType,
    UnionType,
    get_proper_type,
)

from merkl_mypy.shapes import future_of, is_container, is_future, strip


class Filler:
    """Puts what stands for values, or a Future of that, in the place of `object`, at the depths where Futures are."""

    def __init__(self, future: TypeInfo, depths: set[int] | None) -> None:
        self._future = future
        self._depths = depths

    def filled(self, typ: Type, value: Type, depth: int = 0) -> Type:
        """`typ` where it says more than `object`; there, what `value` says, or a Future of that."""
        if typ == value:
            return typ  # recursive aliases among them
        joined, plain = get_proper_type(typ), get_proper_type(value)
        if isinstance(joined, Instance) and isinstance(plain, Instance) and joined.type is plain.type:
            return joined.copy_modified(args=self._each(joined.args, plain.args, depth + 1))
        if (
            isinstance(joined, TupleType)
            and isinstance(plain, TupleType)
            and len(joined.items) == len(plain.items)
        ):
            return joined.copy_modified(items=self._each(joined.items, plain.items, depth + 1))
        if (
            isinstance(joined, UnionType)
            and isinstance(plain, UnionType)
            and len(joined.items) == len(plain.items)
        ):
            return UnionType(self._each(joined.items, plain.items, depth))
        if not has_object(joined) or strip(joined) == plain:
            return typ
        return self._either(value, depth)

    def _each(self, types: Sequence[Type], values: Sequence[Type], depth: int) -> list[Type]:
        return [self.filled(typ, value, depth) for typ, value in zip(types, values, strict=True)]

    def _either(self, value: Type, depth: int) -> Type:
        """A value or a Future of it, in containers too."""
        proper = get_proper_type(value)
        if isinstance(proper, Instance) and proper.args and is_container(proper.type):
            *keys, item = proper.args
            value = proper.copy_modified(args=[*keys, self._either(item, depth + 1)])
        elif isinstance(proper, TupleType) and proper.partial_fallback.type.fullname == "builtins.tuple":
            value = proper.copy_modified(items=[self._either(item, depth + 1) for item in proper.items])
        if self._depths is not None and depth not in self._depths:
            return value
        return UnionType.make_union([value, future_of(strip(value), self._future)])


def depths_of(api: TypeChecker, expr: Expression) -> set[int] | None:
    """How deep in a display there are Futures; None where that is not known."""
    if isinstance(expr, (ListExpr, SetExpr, TupleExpr)):
        return _all(api, expr.items, 1)
    if isinstance(expr, DictExpr):
        parts = [(part, 0 if key is None else 1) for key, value in expr.items for part in (key, value)]
        return _together([_all(api, [part], below) for part, below in parts if part is not None])
    if isinstance(expr, StarExpr):
        return _further(depths_of(api, expr.expr), -1)
    if isinstance(expr, ConditionalExpr):
        return _all(api, [expr.if_expr, expr.else_expr], 0)
    if isinstance(expr, OpExpr):
        return _all(api, [expr.left, expr.right], 0)
    if isinstance(expr, (ListComprehension, SetComprehension)):
        return _all(api, [expr.generator.left_expr], 1)
    typ = api.lookup_type(expr) if api.has_type(expr) else None
    return None if typ is None or has_object(typ) else _depths_in(typ)


def _all(api: TypeChecker, exprs: list[Expression], below: int) -> set[int] | None:
    return _further(_together([depths_of(api, expr) for expr in exprs]), below)


def _further(depths: set[int] | None, below: int) -> set[int] | None:
    return None if depths is None else {depth + below for depth in depths}


def _together(found: list[set[int] | None]) -> set[int] | None:
    known = [depths for depths in found if depths is not None]
    return set().union(*known) if len(known) == len(found) else None


def _depths_in(typ: Type) -> set[int]:
    proper = get_proper_type(typ)
    if isinstance(proper, UnionType):
        return set().union(*map(_depths_in, proper.items))
    if isinstance(proper, Instance) and is_future(proper):
        return {0}
    if isinstance(proper, Instance) and is_container(proper.type):
        below: Sequence[Type] = proper.args
    elif isinstance(proper, TupleType):
        below = proper.items
    else:
        return set()
    return {depth + 1 for depths in map(_depths_in, below) for depth in depths}


def has_object(typ: Type) -> bool:
    """Whether the type is, or is a container of, `object`; mypy also joins containers to Sequences and the like."""
    return any(
        isinstance(part, Instance)
        and (part.type.fullname == "builtins.object" or part.type.fullname.startswith("typing."))
        for part in _inside(typ)
    )


def _inside(typ: Type) -> Iterator[Type]:
    proper = get_proper_type(typ)
    yield proper
    if isinstance(typ, TypeAliasType) and typ.is_recursive:
        return
    below: list[Type] = []
    if isinstance(proper, Instance):
        below = list(proper.args)
    elif isinstance(proper, (TupleType, UnionType)):
        below = list(proper.items)
    elif isinstance(proper, TypedDictType):
        below = list(proper.items.values())
    for part in below:
        yield from _inside(part)
