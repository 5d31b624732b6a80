"""Calls that can be judged by a look at names and constants, without asking mypy for types: nearly all of them.

A call of a task that is no overload, whose arguments are constants, variables that plainly are Futures or plainly are
none, calls of such tasks, and displays of these (of generic tasks, displays without Futures). Any doubt leaves the call
to `merkl_mypy.calls`, which comes to the same signature more slowly.
"""

from __future__ import annotations

from typing import Final

from mypy.checker import TypeChecker
from mypy.nodes import (
    ARG_NAMED,
    ARG_OPT,
    ARG_POS,
    ARG_STAR,
    ARG_STAR2,
    ArgKind,
    BytesExpr,
    CallExpr,
    ComplexExpr,
    Decorator,
    DictExpr,
    EllipsisExpr,
    Expression,
    FloatExpr,
    FuncDef,
    IntExpr,
    ListExpr,
    MemberExpr,
    MypyFile,
    NameExpr,
    OverloadedFuncDef,
    SetExpr,
    StrExpr,
    SymbolNode,
    TempNode,
    TupleExpr,
    TypeInfo,
    Var,
)
from mypy.typeops import get_all_type_vars
from mypy.types import (
    CallableType,
    DeletedType,
    Instance,
    NoneType,
    Parameters,
    ParamSpecType,
    Type,
    TypeType,
    UnionType,
    UnpackType,
    get_proper_type,
)

from merkl_mypy import names
from merkl_mypy.partials import makes_partial
from merkl_mypy.shapes import has_future, is_future, plain_signature, strip

_CONSTANTS: Final = frozenset([IntExpr, StrExpr, FloatExpr, BytesExpr, ComplexExpr, EllipsisExpr])
_CLASS_OF: Final[dict[type, str]] = {
    IntExpr: "builtins.int",
    StrExpr: "builtins.str",
    FloatExpr: "builtins.float",
    BytesExpr: "builtins.bytes",
}
_DEFINITIONS: Final = frozenset([FuncDef, OverloadedFuncDef, TypeInfo, MypyFile])
_SEQUENCES: Final = frozenset([ListExpr, TupleExpr, SetExpr])
# A callable parameter may bring a ParamSpec, which mypy reads off the argument's own type only.
# To a parameter `type[A]` mypy lets no abstract class, which only shows on the class itself.
NOT_LIFTED: Final = (UnpackType, ParamSpecType, CallableType, TypeType)

# What an argument is, by a look alone; a call may hold more to look at, and so may a display with calls in it.
_PLAIN, _FUTURE, _CALL, _HOLDS_FUTURES, _HOLDS_CALLS, _UNKNOWN = range(6)


# What is known of one call: its signature, the arguments to put in the place of its own, and whether there is nothing in
# it but constants and names.
Judged = tuple[CallableType, list[Expression] | None, bool]


class QuickSignature:
    """The parameters of one task, laid out for the calls of one module."""

    def __init__(self, callee: CallableType, future: TypeInfo, called: str) -> None:
        self.callee = callee  # kept, for it is known by its identity
        plain = _plain(callee)
        # mypy takes the name off what is assigned to a variable, such as a shell task: errors would not say what is called.
        self.plain = plain = plain.copy_modified(name=called) if plain.name is None and called else plain
        self._future = future
        self._parameters: _Parameters | None = None  # asked for by calls with Futures only
        self._lifted: dict[tuple[int, ...], CallableType] = {}
        # The parameters of arguments that are given by these names, or by position, and the kinds of these arguments.
        self._known_formals: dict[tuple[str | None, ...], tuple[list[ArgKind], list[int]]] = {}
        self.is_simple = _is_simple(plain)
        self.is_generic = bool(plain.variables)
        #: Whether it is a method that is no item of an overload: whoever calls it calls this signature.
        self.is_method = callee.is_bound and _is_single(callee.definition)

    def is_for(self, callee: CallableType) -> bool:
        """Whether this, too, is the signature of a callee with the same definition."""
        known = self.callee
        return (
            callee.definition is known.definition
            and callee.arg_types == known.arg_types
            and callee.ret_type == known.ret_type
            and callee.variables == known.variables
        )

    def judge(self, api: TypeChecker, call: CallExpr) -> Judged | None:
        """The signature for this call, or None if in doubt."""
        args = call.args
        looks = [_PLAIN if type(arg) in _CONSTANTS else look_at(arg) for arg in args]
        if not any(looks):
            return self.plain, None, True
        if _UNKNOWN in looks:
            return None
        parameters = self._parameters
        if parameters is None:
            parameters = self._parameters = _Parameters(self.plain)
        formals = self._formals(parameters, call)
        if formals is None:
            return None
        lifted: list[int] = []
        swapped: list[Expression] | None = None
        for index, look in enumerate(looks):
            if look == _PLAIN:
                continue
            formal = formals[index]
            if look < _HOLDS_FUTURES and formal != parameters.star:
                if parameters.unlifted[formal]:
                    return None
                lifted.append(formal)
                continue
            if self.is_generic:
                return None
            if swapped is None:
                swapped = list(args)
            arg = args[index]
            swapped[index] = _as_declared(api, arg, parameters.types[formal]) or _without_futures(api, arg)
        return self._lift(lifted), swapped, _CALL not in looks and _HOLDS_CALLS not in looks

    def _formals(self, parameters: _Parameters, call: CallExpr) -> list[int] | None:
        names_given = tuple(call.arg_names)
        known = self._known_formals.get(names_given)
        if known is not None and known[0] == call.arg_kinds:
            return known[1]
        formals = parameters.of(call)
        if formals is not None:
            self._known_formals[names_given] = list(call.arg_kinds), formals
        return formals

    def _lift(self, formals: list[int]) -> CallableType:
        key = tuple(formals)
        made = self._lifted.get(key)
        if made is None:
            types = list(self.plain.arg_types)
            for formal in formals:
                types[formal] = Instance(self._future, [types[formal]])
            made = self._lifted[key] = self.plain.copy_modified(arg_types=types) if formals else self.plain
        return made


class _Parameters:
    """The parameters of a signature by position and by name."""

    def __init__(self, plain: CallableType) -> None:
        self.types = plain.arg_types
        #: Those to which a Future is given as what it will be.
        self.unlifted = [isinstance(get_proper_type(typ), NOT_LIFTED) for typ in plain.arg_types]
        self.star: int | None = None
        self._positional: list[int] = []
        self._by_name: dict[str, int] = {}
        self._required: list[int] = []
        for index, (kind, name) in enumerate(zip(plain.arg_kinds, plain.arg_names, strict=True)):
            if kind == ARG_STAR:
                self.star = index
            elif kind != ARG_STAR2:
                if kind in (ARG_POS, ARG_OPT):
                    self._positional.append(index)
                if kind in (ARG_POS, ARG_NAMED):
                    self._required.append(index)
                if name is not None:
                    self._by_name[name] = index

    def of(self, call: CallExpr) -> list[int] | None:
        """The parameter of each argument; None where one has none, or a parameter has too many or no argument."""
        formals: list[int] = []
        for kind, name in zip(call.arg_kinds, call.arg_names, strict=True):
            if kind == ARG_POS:
                place = len(formals)
                formal = self._positional[place] if place < len(self._positional) else self.star
            else:
                formal = self._by_name.get(name) if kind == ARG_NAMED and name is not None else None
            if formal is None or (formal in formals and formal != self.star):
                return None
            formals.append(formal)
        return None if any(index not in formals for index in self._required) else formals


def _plain(callee: CallableType) -> CallableType:
    """The signature with the parameters as they were declared."""
    declared = callee.fallback.args[0] if not callee.variables and callee.fallback.args else None
    # mypy puts types in the place of the variables of a generic class or function around it, though not in here.
    if (
        isinstance(declared, Parameters)
        and declared.arg_kinds == callee.arg_kinds
        and all(map(_is_closed, declared.arg_types))
    ):
        return callee.copy_modified(arg_types=declared.arg_types).with_unpacked_kwargs()
    return plain_signature(callee).with_unpacked_kwargs()


def _is_closed(typ: Type) -> bool:
    """Whether there is no type variable in a type."""
    return (type(typ) is Instance and not typ.args) or not get_all_type_vars(typ)


def _is_single(definition: SymbolNode | None) -> bool:
    """Whether a method's definition is all that there is under its name."""
    if not isinstance(definition, (Decorator, FuncDef)) or not definition.info:
        return False
    symbol = definition.info.names.get(definition.name)
    node = None if symbol is None else symbol.node
    return isinstance(node, Decorator) and definition in (node, node.func)


def _is_simple(plain: CallableType) -> bool:
    """Whether a call needs nothing but its arguments looked at."""
    if ARG_STAR2 in plain.arg_kinds or any(map(has_future, plain.arg_types)):
        return False
    if plain.variables and makes_partial(plain):
        return False
    extra = plain.fallback.extra_attrs
    if extra is not None and names.KIND_ATTR in extra.attrs:
        return False
    result = get_proper_type(plain.ret_type)
    if not isinstance(result, Instance) or not is_future(result):
        return True
    return not isinstance(get_proper_type(result.args[0]), (UnionType, CallableType))


def look_at(expr: Expression) -> int:
    """What an argument is: plain, a Future, a display with Futures in it, or not to be told without mypy."""
    kind = type(expr)
    if kind is NameExpr:
        node = expr.node  # type: ignore[attr-defined]
        if type(node) is Var:
            return _look_at_type(node.type)
        if type(node) is Decorator:  # which may make anything of a function
            return _PLAIN if node.var.type is None or type(node.var.type) is CallableType else _UNKNOWN
        return _PLAIN if type(node) in _DEFINITIONS else _UNKNOWN
    if kind in _CONSTANTS:
        return _PLAIN
    if kind in _SEQUENCES:
        return _all_of(expr.items)  # type: ignore[attr-defined]
    if isinstance(expr, DictExpr):
        if any(key is None for key, _ in expr.items):
            return _UNKNOWN
        return _all_of([part for item in expr.items for part in item if part is not None])
    if isinstance(expr, CallExpr):
        return _UNKNOWN if _result_of_task(expr) is None else _CALL
    return _UNKNOWN


def _look_at_type(typ: Type | None) -> int:
    """What a variable is that is declared so: nothing narrows it to something with Futures."""
    if type(typ) is not Instance:
        return _PLAIN if isinstance(typ, NoneType) else _UNKNOWN
    info = typ.type
    if typ.args:
        return _FUTURE if info.fullname == names.FUTURE else _UNKNOWN
    return _UNKNOWN if info.is_protocol or info.fullname == "builtins.object" else _PLAIN


def _all_of(parts: list[Expression]) -> int:
    found = _PLAIN
    for part in parts:
        look = _PLAIN if type(part) in _CONSTANTS else look_at(part)
        if look == _PLAIN:
            continue
        if look == _UNKNOWN:
            return _UNKNOWN
        if look in (_CALL, _HOLDS_CALLS):
            found = _HOLDS_CALLS
        elif found == _PLAIN:
            found = _HOLDS_FUTURES
    return found


def _result_of_task(call: CallExpr) -> Instance | None:
    """The Future that a call of a task gives which is not generic and no overload; None for other calls."""
    callee = call.callee
    if call.analyzed is None and isinstance(callee, (NameExpr, MemberExpr)):
        if isinstance(callee.node, Decorator):
            typ = callee.node.var.type
            if isinstance(typ, CallableType) and not typ.variables:
                if typ.fallback.type.fullname == names.TASK:
                    result = typ.ret_type
                    if isinstance(result, Instance) and result.type.fullname == names.FUTURE:
                        return result
    return None


def _as_declared(api: TypeChecker, expr: Expression, formal: Type) -> Expression | None:
    """An expression of just the declared type, for a display that plainly is of it; mypy would infer it at length."""
    if not isinstance(formal, Instance) or not formal.args:
        return None
    *keys, item = formal.args
    parts: list[tuple[Expression | None, Type]]
    if isinstance(expr, ListExpr) and formal.type.fullname == "builtins.list":
        parts = [(part, item) for part in expr.items]
    elif isinstance(expr, DictExpr) and formal.type.fullname == "builtins.dict":
        parts = [pair for key, value in expr.items for pair in ((key, keys[0]), (value, item))]
    else:
        return None
    if not all(_is_of(api, part, wanted) for part, wanted in parts):
        return None
    for part, _ in parts:
        if isinstance(part, NameExpr) and isinstance(part.node, Var) and part.node.type is not None:
            api.store_type(part, part.node.type)
        elif isinstance(part, CallExpr):
            api.expr_checker.accept(part)
    api.store_type(expr, formal)
    made = TempNode(formal, context=expr)
    made.set_line(expr)
    return made


def _is_of(api: TypeChecker, expr: Expression | None, wanted: Type) -> bool:
    """Whether this is a constant of this class, or a variable of this module or a call of a task that gives a Future of it."""
    if not isinstance(wanted, Instance) or wanted.args or wanted.last_known_value is not None:
        return False
    name = _CLASS_OF.get(type(expr))
    if name is not None:
        return name == wanted.type.fullname
    if isinstance(expr, CallExpr):
        result = _result_of_task(expr)
        return result is not None and isinstance(result.args[0], Instance) and result.args[0] == wanted
    if not isinstance(expr, NameExpr):
        return False
    node = expr.node
    if not isinstance(node, Var) or not isinstance(node.type, Instance) or not node.type.args:
        return False
    # What another module gives mypy notes as used, when it looks at it.
    module, _, _ = node.fullname.rpartition(".")
    if module and module != api.tree.fullname:
        return False
    value = node.type.args[0]
    if not isinstance(value, Instance) or value.type is not wanted.type:
        return False
    return not isinstance(api.binder.get(expr), DeletedType)


def _without_futures(api: TypeChecker, expr: Expression) -> Expression:
    """The argument with the type of its value in the place of each Future."""
    look = look_at(expr)
    made: Expression
    if look == _PLAIN:
        return expr
    if isinstance(expr, (ListExpr, TupleExpr, SetExpr)):
        made = type(expr)([_without_futures(api, item) for item in expr.items])
    elif isinstance(expr, DictExpr):
        made = DictExpr(
            [(key and _without_futures(api, key), _without_futures(api, value)) for key, value in expr.items]
        )
    else:
        made = TempNode(strip(api.expr_checker.accept(expr)), context=expr)
    made.set_line(expr)
    return made
