"""Calls of tasks that have no name: `tasks[0](x)`, `(a if flag else b)(x)`, `super().method(x)`, a method of a type variable.

A variable that may be either of two tasks is one of them, since mypy asks about none of its types.

mypy asks a plugin about a call by the full name of what is called. Here what is called gets one, or becomes an instance
of Task, about whose calls mypy asks by its class.
"""

from __future__ import annotations

import re
from typing import Final

from mypy.checker import TypeChecker
from mypy.nodes import (
    AssignmentExpr,
    AssignmentStmt,
    AwaitExpr,
    CallExpr,
    CastExpr,
    ConditionalExpr,
    Decorator,
    Expression,
    FuncDef,
    IndexExpr,
    MemberExpr,
    MypyFile,
    NameExpr,
    Node,
    OpExpr,
    OverloadedFuncDef,
    SuperExpr,
    TempNode,
    TypeInfo,
    Var,
)
from mypy.plugin import AttributeContext, FunctionContext, Plugin
from mypy.types import (
    CallableType,
    Instance,
    Overloaded,
    ProperType,
    Type,
    TypeType,
    TypeVarType,
    UnionType,
    get_proper_type,
)

from merkl_mypy import names
from merkl_mypy.decorators import is_task, parameters
from merkl_mypy.shapes import any_type, plain_signature, strip
from merkl_mypy.walk import has_copies, parts, text_of

_NAMELESS: Final = (
    AssignmentExpr,
    AwaitExpr,
    CallExpr,
    ConditionalExpr,
    IndexExpr,
    NameExpr,
    OpExpr,
    SuperExpr,
)
# What the text of a module with such a call has in it.
_MAY_HAVE_ONE: Final = re.compile(rb"[\])]\s*\(|\bsuper\(|\bbound\s*=|\bSelf\b|\b(?:def|class) \w+\[[^\]]*:")
_MAY_CHOOSE: Final = re.compile(rb"^\s*\w+\s*=.+ if .+ else ", re.M)


class NamelessCalls:
    """Puts a call of its own in the place of what is called, for as long as mypy checks the module.

    mypy asks about that call, and what the hook answers is what is called to mypy.
    """

    def __init__(self) -> None:
        # Which modules may have such calls.
        self._modules: dict[str, bool] = {}
        # The calls that were put in, and by module where they are: mypy begins with all the modules that import each
        # other before it is done with any.
        self._called: dict[int, tuple[CallExpr, CallExpr, Expression]] = {}
        self._made: dict[str, list[int]] = {}

    def read(self, file: MypyFile, text: bytes) -> None:
        """Note whether a module that mypy has parsed may have such calls."""
        # The second expression takes its time, where a plain search of a word takes none.
        chooses = b" else " in text and _MAY_CHOOSE.search(text) is not None
        self._modules[file.fullname] = chooses or _MAY_HAVE_ONE.search(text) is not None

    def begin(self, api: TypeChecker) -> None:
        """Prepare a module that mypy is about to check."""
        self.end(api)
        if api.tree.fullname not in self._modules:
            self.read(api.tree, text_of(api.tree))  # mypy had it in its cache
        if not self._modules[api.tree.fullname]:
            return
        places = self._made[api.tree.fullname] = []
        found: list[tuple[CallExpr, bool]] = []
        chosen: set[Node | None] = set()
        for statement in api.tree.defs:
            _find(statement, found, chosen)
        function = api.named_type("builtins.function")
        getter = CallableType([], [], [], any_type(), function, name=names.CALLEE)
        for call, is_copied in found:
            callee = call.callee
            if isinstance(callee, NameExpr) and callee.node not in chosen:
                continue
            # In a copy of this, the copy of what stood there is found through the cast.
            named = CastExpr(callee, getter) if is_copied else TempNode(getter, context=callee)
            named.set_line(callee)
            made = CallExpr(named, [], [], [])
            made.set_line(callee)
            self._called[id(made)] = (made, call, callee)
            places.append(id(made))
            call.callee = made

    def end(self, api: TypeChecker) -> None:
        """Leave the module as it was."""
        for made in self._made.pop(api.tree.fullname, ()):
            _, call, callee = self._called.pop(made)
            call.callee = callee

    def called(self, ctx: FunctionContext) -> Type:
        """The hook for the calls that were put in: the type of what stood there, tasks as instances of Task."""
        entry, call = self._called.get(id(ctx.context)), ctx.context
        if isinstance(call, CallExpr) and isinstance(call.callee, CastExpr):
            callee = call.callee.expr
        elif entry is not None:
            callee = entry[2]
        else:
            return ctx.default_return_type
        if not isinstance(ctx.api, TypeChecker):
            return ctx.default_return_type
        typ = ctx.api.expr_checker.accept(callee, always_allow_any=True)
        return as_instance(ctx.api, get_proper_type(typ))


def _find(
    node: Node, found: list[tuple[CallExpr, bool]], chosen: set[Node | None], *, is_copied: bool = False
) -> None:
    """The calls below a node that may be without a name, the inner ones first, and the variables that are chosen.

    Beside each call stands whether mypy checks copies of it: one for each value that a type variable may have.
    """
    if isinstance(node, FuncDef):
        is_copied = is_copied or has_copies(node)
    for part in parts(node):
        _find(part, found, chosen, is_copied=is_copied)
    if isinstance(node, AssignmentStmt) and isinstance(node.rvalue, ConditionalExpr):
        chosen.update(target.node for target in node.lvalues if isinstance(target, NameExpr))
    elif isinstance(node, CallExpr) and isinstance(node.callee, MemberExpr):
        if _is_overloaded_of_variable(node.callee):
            found.append((node, is_copied))
    elif isinstance(node, CallExpr) and isinstance(node.callee, _NAMELESS):
        # What is analyzed is a type, such as `list[int]()`.
        if not isinstance(node.callee, (CallExpr, IndexExpr)) or node.callee.analyzed is None:
            found.append((node, is_copied))


def _is_overloaded_of_variable(callee: MemberExpr) -> bool:
    """Whether this is an overloaded method of a parameter that is declared as a type variable: no hook sees those."""
    node = callee.expr.node if isinstance(callee.expr, NameExpr) else None
    owner = get_proper_type(node.type) if isinstance(node, Var) else None
    if not isinstance(owner, TypeVarType):
        return False
    bound = get_proper_type(owner.upper_bound)
    method = bound.type.get_method(callee.name) if isinstance(bound, Instance) else None
    return isinstance(method, OverloadedFuncDef) and isinstance(method.impl, Decorator)


def as_instance(api: TypeChecker, typ: ProperType) -> ProperType:
    """The type of a task as an instance of Task that remembers its signature; any other type as it is."""
    if isinstance(typ, UnionType):
        items = [as_instance(api, get_proper_type(item)) for item in typ.items]
        return UnionType(items) if any(map(is_task, items)) else typ
    if not isinstance(typ, (CallableType, Overloaded)) or not is_task(typ):
        return typ
    first = typ.items[0]
    spec = parameters(plain_signature(first))
    made = Instance(first.fallback.type, [spec, strip(first.ret_type), first.ret_type])
    return made.copy_with_extra_attr(names.SIGNATURE_ATTR, typ)


def is_undecorated(node: Node | None) -> bool:
    """Whether this is a function, or an overload, that nothing can have made a task of: its calls are for other plugins."""
    if not isinstance(node, OverloadedFuncDef) or node.is_property:
        return isinstance(node, FuncDef)
    items = (item for item in node.items if isinstance(item, Decorator))
    # Each is under `overload`. What mypy has in its cache is under nothing any more, but has its type.
    is_bare = not isinstance(node.impl, Decorator) and all(len(item.decorators) < 2 for item in items)
    return is_bare and not is_task(node.type)


def may_be_task(plugin: Plugin, fullname: str) -> bool | None:
    """Whether an attribute is a decorated method, which may be a task; None as long as mypy has not inferred its type."""
    owner, _, member = fullname.rpartition(".")
    symbol = plugin.lookup_fully_qualified(owner)
    if symbol is None or not isinstance(symbol.node, TypeInfo):
        return False
    found = symbol.node.get(member)
    if found is None or not isinstance(found.node, (Decorator, OverloadedFuncDef)):
        return False
    return None if found.type is None else is_task(found.type)


def name_method(ctx: AttributeContext) -> Type:
    """The hook for decorated methods, which gives tasks a name that mypy has none for.

    These are reached through a type variable (or Self), or are read off a class that can be called in several ways.
    """
    owner: ProperType = get_proper_type(ctx.type)
    if isinstance(owner, TypeType):
        owner = owner.item
    if (
        isinstance(owner, Overloaded)
        and isinstance(ctx.context, MemberExpr)
        and is_task(ctx.default_attr_type)
    ):
        ctx.context.fullname = f"{owner.type_object().name}.{ctx.context.name}"
    if (
        isinstance(owner, TypeVarType)
        and isinstance(ctx.context, MemberExpr)
        and is_task(ctx.default_attr_type)
    ):
        if isinstance(get_proper_type(owner.upper_bound), UnionType) and isinstance(ctx.api, TypeChecker):
            return as_instance(ctx.api, get_proper_type(ctx.default_attr_type))
        ctx.context.fullname = f"{owner.name}.{ctx.context.name}"
    return ctx.default_attr_type
