"""`bash_task(f"…")`: the signature of the task, read off the placeholders in its f-string.

Parameters come in the order of their first placeholders; outs are no parameters. A type that is written as a plain
class, `list[X]`, `X | None` or a Literal is known; any other is Any, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mypy.checker import TypeChecker
from mypy.constant_fold import constant_fold_expr
from mypy.nodes import (
    ARG_NAMED,
    ARG_NAMED_OPT,
    ARG_OPT,
    ARG_POS,
    ARG_STAR,
    ARG_STAR2,
    ArgKind,
    AssignmentStmt,
    CallExpr,
    Context,
    Expression,
    ListExpr,
    MemberExpr,
    NameExpr,
    Node,
    OpExpr,
    RefExpr,
    StrExpr,
    TupleExpr,
    Var,
)
from mypy.plugin import FunctionContext
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    LiteralType,
    NoneType,
    Type,
    TypedDictType,
    UnionType,
    get_proper_type,
)

from merkl_mypy import codes, names
from merkl_mypy.decorators import task_callable
from merkl_mypy.outs import call_result
from merkl_mypy.runtime_types import type_of_expression
from merkl_mypy.shapes import any_type, class_of
from merkl_mypy.walk import parts

# The names of each placeholder's parameters, in order.
_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "arg": ("name", "type"),
    "file_arg": ("name", "suffix"),
    "dir_arg": ("name",),
    "stdin_arg": ("name", "type"),
    "out_file_arg": ("name", "suffix"),
    "out_dir_arg": ("name",),
    "stdout_arg": ("type", "name"),
}
_OUTS: Final = frozenset({"out_file_arg", "out_dir_arg", "stdout_arg"})


@dataclass(slots=True)
class _Signature:
    """What has been read off the template so far."""

    parameters: dict[str, tuple[Type, bool]] = field(default_factory=dict)
    outs: dict[str, Type] = field(default_factory=dict)
    text: str = ""


class _Unreadable(Exception):
    """Something in the template is known at run time only."""

    def __init__(self, context: Context, what: str) -> None:
        self.context = context
        self.what = what


def shell_task(ctx: FunctionContext) -> Type:
    """The hook for `bash_task`: the type of the task that it makes."""
    api = ctx.api
    if not isinstance(api, TypeChecker) or not ctx.args or not ctx.args[0]:
        return ctx.default_return_type
    future = class_of(api, names.FUTURE)
    function = api.named_type("builtins.function")
    found = _Signature()
    try:
        _Reader(api, found).read(ctx.args[0][0], is_whole=True)
    except _Unreadable as unknown:
        api.note(
            f"The plugin cannot read the signature of this shell task: {unknown.what}; its calls are not checked",
            unknown.context,
            code=codes.UNSUPPORTED,
        )
        anything = CallableType(
            [any_type(), any_type()], [ARG_STAR, ARG_STAR2], [None, None], any_type(), function
        )
        return task_callable(api, anything, any_type(), any_type(), future)
    types, kinds = _parameters(found)
    returned = _returned(api, found)
    program = found.text.split()[:1]
    plain = CallableType(
        types, kinds, list(found.parameters), returned, function, name=program[0] if program else "bash"
    )
    result = call_result(api, ctx.context, "task", returned, None, future)
    return task_callable(api, plain, returned, result, future)


def _parameters(found: _Signature) -> tuple[list[Type], list[ArgKind]]:
    """A parameter that follows one with a default and has none itself can be given by name only."""
    kinds: list[ArgKind] = []
    has_default = by_name = False
    for _, is_optional in found.parameters.values():
        by_name = by_name or (has_default and not is_optional)
        has_default = has_default or is_optional
        if is_optional:
            kinds.append(ARG_NAMED_OPT if by_name else ARG_OPT)
        else:
            kinds.append(ARG_NAMED if by_name else ARG_POS)
    return [typ for typ, _ in found.parameters.values()], kinds


def _returned(api: TypeChecker, found: _Signature) -> Type:
    if not found.outs:
        return NoneType()
    if len(found.outs) == 1:
        return next(iter(found.outs.values()))
    fallback = api.named_generic_type("typing._TypedDict", [])
    return TypedDictType(dict(found.outs), set(found.outs), set(), fallback)


class _Reader:
    """Goes through a template in order."""

    def __init__(self, api: TypeChecker, found: _Signature) -> None:
        self.api = api
        self.found = found

    def read(self, expr: Expression, *, is_whole: bool = False) -> None:
        """Take in the placeholders of a string expression, or of a placeholder itself."""
        if isinstance(expr, StrExpr):
            self.found.text += expr.value
        elif isinstance(expr, CallExpr) and (kind := _placeholder(expr.callee)) is not None:
            self._placeholder(expr, kind)
        elif isinstance(expr, CallExpr) and _keeps_text(expr.callee):
            for part in parts(expr):
                self.read(part.expr if isinstance(part, MemberExpr) else part)  # type: ignore[arg-type]
        elif isinstance(expr, (ListExpr, TupleExpr, OpExpr)):
            for part in parts(expr):
                self.read(part, is_whole=is_whole)  # type: ignore[arg-type]
        elif isinstance(expr, RefExpr) and (assigned := self._assigned(expr)) is not None:
            self.read(assigned, is_whole=is_whole)
        else:
            self._value(expr, is_whole)

    def _value(self, expr: Expression, is_whole: bool) -> None:
        """A value that is put into the text is part of the command, as long as it is no placeholder."""
        value = constant_fold_expr(expr, self.api.tree.fullname)
        if value is not None:
            self.found.text += str(value)
            return
        typ = get_proper_type(self.api.expr_checker.accept(expr))
        is_placeholder = isinstance(typ, Instance) and typ.type.fullname == names.PLACEHOLDER
        if is_whole or is_placeholder or isinstance(typ, AnyType):
            raise _Unreadable(expr, "its text is known at run time only")

    def _assigned(self, expr: RefExpr) -> Expression | None:
        """What the variable was given, where that can be seen in this module."""
        if not isinstance(expr.node, Var):
            return None
        given = _assignments(self.api.tree.defs, expr.node)
        return given[0] if len(given) == 1 else None

    def _placeholder(self, call: CallExpr, kind: str) -> None:
        given: dict[str, Expression] = {}
        for position, (arg, name) in enumerate(zip(call.args, call.arg_names, strict=True)):
            if name is None and position >= len(_PARAMETERS[kind]):
                return  # mypy has reported the call itself
            given[_PARAMETERS[kind][position] if name is None else name] = arg
        name = self._text(given, "name", "std" + kind[3:-4] if kind.startswith("std") else None)
        if name is None:
            raise _Unreadable(call, "the name of a placeholder is computed")
        typ = self._type(kind, given)
        if kind in _OUTS:
            self.found.outs.setdefault(name, typ)
        else:
            self.found.parameters.setdefault(name, (typ, "default" in given))

    def _text(self, given: dict[str, Expression], key: str, default: str | None) -> str | None:
        if key not in given:
            return default
        value = constant_fold_expr(given[key], self.api.tree.fullname)
        return value if isinstance(value, str) else None

    def _type(self, kind: str, given: dict[str, Expression]) -> Type:
        api = self.api
        text, octets = api.named_type("builtins.str"), api.named_type("builtins.bytes")
        if kind in ("dir_arg", "out_dir_arg"):
            return Instance(class_of(api, names.DIR_REF), [])
        if kind in ("file_arg", "out_file_arg"):
            return self._file(given)
        if "type" not in given:
            return UnionType([text, octets, self._file({})]) if kind == "stdin_arg" else text
        typ = type_of_expression(api, given["type"])
        if isinstance(typ, Instance) and typ.type.fullname == names.FILE_REF and "suffix" in given:
            return self._file(given)
        return typ

    def _file(self, given: dict[str, Expression]) -> Type:
        info = class_of(self.api, names.FILE_REF)
        suffix = self._text(given, "suffix", None)
        if suffix is None:
            return Instance(info, [any_type() for _ in info.type_vars])
        return Instance(info, [LiteralType(suffix, self.api.named_type("builtins.str"))])


def _placeholder(callee: Expression) -> str | None:
    """Which placeholder a call makes."""
    if isinstance(callee, RefExpr):
        module, _, name = callee.fullname.rpartition(".")
        if name in _PARAMETERS and module in names.PLACEHOLDER_MODULES:
            return name
    return None


def _keeps_text(callee: Expression) -> bool:
    """Whether a call gives the text that it is given, such as the join that an f-string is to mypy."""
    if isinstance(callee, MemberExpr) and callee.name in ("join", "format", "strip"):
        return True
    return isinstance(callee, RefExpr) and callee.fullname in ("textwrap.dedent", "inspect.cleandoc")


def _assignments(nodes: Iterable[Node], variable: Var) -> list[Expression]:
    found: list[Expression] = []
    for node in nodes:
        if isinstance(node, AssignmentStmt):
            for lvalue in node.lvalues:
                if isinstance(lvalue, NameExpr) and lvalue.node is variable:
                    found.append(node.rvalue)
        elif isinstance(node, Node) and not isinstance(node, Expression):
            found += _assignments(parts(node), variable)
    return found
