"""Variables that were given a display of values and Futures: `xs = [1, f]`.

mypy joins the two to `object`, and forgets what stood there. A call that is given the variable is checked with what does.
"""

from __future__ import annotations

from collections.abc import Sequence

from mypy.checker import TypeChecker
from mypy.join import join_type_list
from mypy.nodes import AssignmentStmt, DictExpr, Expression, ListExpr, NameExpr, Node, SetExpr, StarExpr, Var
from mypy.typeops import make_simplified_union
from mypy.types import Instance, ProperType, Type, UnionType, get_proper_type

from merkl_mypy import names
from merkl_mypy.shapes import class_of, future_of, has_future, strip
from merkl_mypy.walk import parts

_DISPLAYS = (ListExpr, SetExpr, DictExpr)


class Displays:
    """The variables of the module that mypy is checking to which a display was assigned, and nothing else."""

    def __init__(self) -> None:
        self._found: dict[Var, Expression | None] | None = None

    def type_of(self, api: TypeChecker, expr: Expression, typ: ProperType) -> ProperType:
        """The type of a variable with the Futures that mypy's `object` hides; any other type as it is."""
        if not isinstance(expr, NameExpr) or not isinstance(expr.node, Var) or not expr.node.is_inferred:
            return typ
        if not isinstance(typ, Instance) or not any(map(_is_object, typ.args)):
            return typ
        if self._found is None:
            self._found = {}
            for statement in api.tree.defs:
                self._find(statement, self._found)
        display = self._found.get(expr.node)
        sides: list[Sequence[Expression | None]]
        if isinstance(display, DictExpr):
            sides = [[key for key, _ in display.items], [value for _, value in display.items]]
        elif isinstance(display, (ListExpr, SetExpr)):
            sides = [display.items]
        else:
            return typ
        if len(sides) != len(typ.args):
            return typ
        items = [_joined(api, side, arg) for side, arg in zip(sides, typ.args, strict=True)]
        return typ.copy_modified(args=items)

    def forget(self) -> None:
        """The module is done."""
        self._found = None

    def _find(self, node: Node, found: dict[Var, Expression | None]) -> None:
        if isinstance(node, AssignmentStmt):
            for target in node.lvalues:
                if isinstance(target, NameExpr) and isinstance(target.node, Var):
                    is_first = target.node not in found and isinstance(node.rvalue, _DISPLAYS)
                    found[target.node] = node.rvalue if is_first else None
        for part in parts(node):
            self._find(part, found)


def _joined(api: TypeChecker, exprs: Sequence[Expression | None], otherwise: Type) -> Type:
    """What mypy would join the items to if they were values, or a Future of it; `otherwise` where it does not help."""
    if not _is_object(otherwise):
        return otherwise
    types: list[Type] = []
    for expr in exprs:
        if expr is None or isinstance(expr, StarExpr) or not api.has_type(expr):
            return otherwise
        types.append(api.lookup_type(expr))
    if not any(map(has_future, types)):
        return otherwise
    value = join_type_list([make_simplified_union([strip(typ)]) for typ in types])
    return (
        otherwise if _is_object(value) else UnionType([value, future_of(value, class_of(api, names.FUTURE))])
    )


def _is_object(typ: Type) -> bool:
    proper = get_proper_type(typ)
    return isinstance(proper, Instance) and proper.type.fullname == "builtins.object"
