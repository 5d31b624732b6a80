"""The members of user-defined classes and protocols, read from the classes themselves."""

# Types are values here, which type checkers do not expect.
# pyright: reportAttributeAccessIssue=false
from __future__ import annotations

import ast
import enum
import functools
import types
import typing
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, get_origin

import typing_extensions

from merkl._base.hints import (
    evaluate_annotation,
    own_annotations,
    resolve_class_hints,
    resolve_hints,
    scopes_of,
)
from merkl._base.sources import class_node
from merkl._base.type_forms import is_named
from merkl.assignability.classes import is_stdlib, original_bases, parameters
from merkl.assignability.hidden import is_for_run_time
from merkl.assignability.nominal import as_base
from merkl.assignability.parse import parse, substitute_term
from merkl.assignability.signatures import bound_signature, stub_signature
from merkl.assignability.stdlib import PROTOCOLS, STUB_PROTOCOLS, UNHASHABLE
from merkl.assignability.terms import ANY, ClassOf, Fn, Inst, Kind, Opaque, Param, Rest, Term, Tup, union
from merkl.assignability.typeshed import (
    StubMember,
    Unresolved,
    all_stub_names,
    stub_member,
    stub_names,
    stub_parameters,
)

__all__ = ["Member", "find_member", "protocol_members"]


@dataclass(frozen=True, slots=True)
class Member:
    """One member as seen on an instance; `options` are the overloads of a method, else its one type."""

    options: tuple[Term, ...]
    settable: bool = False
    class_variable: bool = False
    class_or_static: bool = False
    variable: bool = False
    setter: Term | None = None


@functools.lru_cache(maxsize=2048)
def protocol_members(cls: type) -> frozenset[str]:
    """Give the names that make up a protocol."""
    if cls in STUB_PROTOCOLS:
        inherited = (
            protocol_members(base) for base in cls.__mro__[1:] if base in PROTOCOLS or base in STUB_PROTOCOLS
        )
        return stub_names(cls).union(*inherited)
    shim = PROTOCOLS.get(cls, cls)
    found = set(typing_extensions.get_protocol_members(shim))
    if all("__hash__" not in vars(c) or vars(c)["__hash__"] is None for c in shim.__mro__[:-1]):
        found.discard("__hash__")  # None is made by `__eq__`; type checkers do not see it
    for base in shim.__mro__[1:]:
        if base in PROTOCOLS:
            found |= protocol_members(base)
    return frozenset(found)


def find_member(
    term: Inst | Tup, name: str, self_term: Term, *, on_demand: bool = True, of_class: bool = False
) -> Member | str | None:
    """Give a member of an instance, None when it has none of that name, or a word on why it can't be known.

    `on_demand` lets `__getattr__` make it. `of_class` looks it up on the class object: methods take their self.
    """
    cls = term.cls
    shim = PROTOCOLS.get(cls)
    if shim is not None and isinstance(term, Inst):
        cls, term = shim, Inst(shim, term.args)
    for owner in cls.__mro__:
        if owner is object or (owner.__module__ in _OF_FORMS and not issubclass(owner, typing.IO)):
            continue
        if owner in PROTOCOLS and name in protocol_members(owner) and owner is not cls:
            seen = as_base(term, owner) if isinstance(term, Inst) else None
            return (
                find_member(seen, name, self_term) if seen is not None else "of a base with unknown arguments"
            )
        if is_stdlib(owner) and owner not in PROTOCOLS.values():
            if name == "__hash__" and owner in UNHASHABLE:
                return None
            stub = stub_member(owner, name)
            if stub is not None and not (issubclass(cls, enum.Enum) and name in _ENUM_NAMES):
                made = _from_stub(stub, owner, of_class, self_term)
                return made if isinstance(made, str) else _specialize(made, owner, term, self_term)
            continue
        found = _own_member(owner, name, of_class)
        if found is not None:
            return found if isinstance(found, str) else _specialize(found, owner, term, self_term)
    if name in _ENUM_NAMES and issubclass(cls, enum.Enum):
        return _enum_member(cls, name)
    inherited = _of_stub_bases(term, name, self_term, of_class) or _object_member(name, of_class, self_term)
    if inherited is None and name in all_stub_names(cls):
        return "of a base that exists in stubs only"
    return inherited or (_dynamic_member(cls) if on_demand and not of_class else None)


def _of_stub_bases(term: Inst | Tup, name: str, self_term: Term, of_class: bool) -> Member | str | None:
    """What a class has from a base that it has in typeshed alone: a tuple's `__reversed__` is that of Sequence."""
    for owner in term.cls.__mro__:
        for base in original_bases(owner) if is_stdlib(owner) else ():
            above = get_origin(base) or base
            if not isinstance(above, type) or above in term.cls.__mro__ or not stub_names(above):
                continue
            items = (
                union(tuple(i.item if isinstance(i, Rest) else i for i in term.items))
                if isinstance(term, Tup)
                else ANY
            )
            seen = as_base(Inst(tuple, (items,)) if isinstance(term, Tup) else term, above)
            found = (
                "of a base with unknown arguments"
                if seen is None
                else find_member(seen, name, self_term, on_demand=False, of_class=of_class)
            )
            if found is not None:
                return found
    return None


_OF_FORMS = ("typing", "typing_extensions", "abc")
_ENUM_NAMES = ("value", "_value_", "name", "_name_")


def _enum_member(cls: type[enum.Enum], name: str) -> Member:
    """`name` is a str; `value` is of the type that the values of all members have."""
    if "name" in name:
        return Member((Inst(str),), settable=name == "_name_")
    known = {_value_type(member.value) for member in cls}
    first = known.pop() if len(known) == 1 else None  # values of several types are Any to mypy
    return Member((ANY if first is None else first,))


def _from_stub(stub: StubMember, owner: type, of_class: bool, self_term: Term = ANY) -> Member | str:
    if isinstance(stub.form, Unresolved):
        return "a member whose type exists in stubs only"
    if not stub.functions:
        return Member((parse(stub.form),), stub.settable, stub.class_variable)
    static = stub.decorator == "staticmethod" or (of_class and not stub.decorator)
    self_term = (
        self_term if isinstance(self_term, ClassOf) else ANY
    )  # of an instance, bases would have to be asked
    known = stub_parameters(owner) or ()
    options = [stub_signature(f, known, static=static, self_term=self_term) for f in stub.functions]
    if any(o is None for o in options):
        return "a method whose signature can't be told"
    return Member(tuple(o for o in options if o is not None), class_or_static=bool(stub.decorator))


def _dynamic_member(cls: type) -> Member | str | None:
    """What `__getattr__` gives for a name that the class doesn't define."""
    if issubclass(cls, (types.ModuleType, types.SimpleNamespace)):
        return Member((ANY,), settable=True)
    for name in ("__getattribute__", "__getattr__"):
        stub = next((s for c in cls.__mro__[:-1] if (s := stub_member(c, name))), None)
        made = stub and _from_stub(stub, cls, of_class=False)
        if isinstance(made, Member) and isinstance(made.options[0], Fn):
            return Member((made.options[0].ret,), settable=True)
        if isinstance(made, str):
            return made
        owner = next((c for c in cls.__mro__[:-1] if name in vars(c)), None)
        if owner is None or is_stdlib(owner) or is_for_run_time(owner, name) or _is_not_in_stub(cls, name):
            continue
        signature = bound_signature(vars(owner)[name], static=False)
        return (
            Member((signature.ret,), hasattr(cls, "__setattr__"))
            if signature
            else "an attribute made on demand"
        )
    return None


def _is_not_in_stub(cls: type, name: str) -> bool:
    """Whether a class has a stub, which is all that type checkers see of it, without that name."""
    seen = all_stub_names(cls)
    return bool(seen) and name not in seen


_OF_OBJECT = {"__hash__": int, "__str__": str, "__repr__": str, "__eq__": bool, "__ne__": bool}


def _object_member(name: str, of_class: bool, self_term: Term) -> Member | str | None:
    """What every object has."""
    if name in _OF_OBJECT:
        operands = (name in ("__eq__", "__ne__")) + of_class
        return Member((Fn((Param(Inst(object), Kind.POSITIONAL),) * operands, Inst(_OF_OBJECT[name])),))
    stub = stub_member(object, name)
    return _from_stub(stub, object, of_class, self_term) if stub is not None else None


def _specialize(member: Member, owner: type, term: Inst | Tup, self_term: Term) -> Member | str:
    """The member with the type arguments of the instance put in, and Self being the instance."""
    values: dict[Any, Term] = {typing.Self: self_term}
    wanted = parameters(owner)
    if wanted:
        seen = as_base(Inst(term.cls, term.args) if isinstance(term, Tup) else term, owner)
        if isinstance(term, Tup) and (seen is None or seen.args == (ANY,) or owner in tuple.__mro__):
            items = union(tuple(i.item if isinstance(i, Rest) else i for i in term.items))
            seen = as_base(Inst(tuple, (items,)), owner) or seen
        if seen is None:
            return "of a base with unknown arguments"
        values.update(zip(wanted, seen.args, strict=False))
        if is_stdlib(owner):  # the stub has type variables of its own
            values.update(zip(stub_parameters(owner) or (), seen.args, strict=False))
    options = tuple(_with_self(substitute_term(o, values), self_term) for o in member.options)
    setter = member.setter and _with_self(substitute_term(member.setter, values), self_term)
    return replace(member, options=options, setter=setter)


def _with_self(term: Term, self_term: Term) -> Term:
    if isinstance(term, Opaque) and is_named(term.form, "Self"):
        return self_term
    if isinstance(term, Fn):
        params = term.params and tuple(
            Param(_with_self(p.term, self_term), p.kind, p.name, p.required) for p in term.params
        )
        return Fn(params, _with_self(term.ret, self_term), term.variables)
    if isinstance(term, Inst) and term.args:
        return Inst(term.cls, tuple(_with_self(a, self_term) for a in term.args))
    return term


def _own_member(owner: type, name: str, of_class: bool) -> Member | str | None:
    """The member that `owner` itself defines; a word when it defines one that can't be typed."""
    if name in own_annotations(owner):
        return _variable(owner, name)
    if name in vars(owner):
        return _attribute(owner, name, vars(owner)[name], of_class)
    if name in getattr(owner, "_fields", ()) and issubclass(owner, tuple):
        return _variable(owner, name)
    return _set_by_methods(owner, name)


def _variable(owner: type, name: str) -> Member:
    hint = resolve_class_hints(owner).get(name, Any)
    written = str(own_annotations(owner).get(name, ""))
    class_variable = get_origin(hint) is ClassVar or hint is ClassVar or "ClassVar[" in written
    final = get_origin(hint) is Final or hint is Final
    read_only = (
        final or _is_frozen(owner) or (issubclass(owner, tuple) and name in getattr(owner, "_fields", ()))
    )
    if hint is Final or hint is ClassVar:
        value = _value_type(vars(owner).get(name))
        return Member((value if value is not None else ANY,), not read_only, class_variable, variable=True)
    return Member((parse(hint),), not read_only, class_variable, variable=True)


def _is_frozen(owner: type) -> bool:
    """Whether a dataclass, an attrs class or a msgspec Struct lets nothing be set."""
    settings = (getattr(owner, name, None) for name in ("__dataclass_params__", "__struct_config__"))
    return any(getattr(s, "frozen", False) for s in settings) or (
        hasattr(owner, "__attrs_attrs__") and getattr(owner.__setattr__, "__name__", "") == "_frozen_setattrs"
    )


def _attribute(owner: type, name: str, value: Any, of_class: bool) -> Member | str | None:
    if isinstance(value, types.FunctionType):
        found = _method(value, owner, name, static=of_class)
        return _with_own_self(found, value, owner) if of_class and isinstance(found, Member) else found
    if isinstance(value, (staticmethod, classmethod)):
        found = _method(value.__func__, owner, name, static=isinstance(value, staticmethod))
        return found if isinstance(found, str) else Member(found.options, class_or_static=True)
    if isinstance(value, property):
        return _property(value, owner)
    if isinstance(value, functools.cached_property):
        found = _method(value.func, owner, name)
        first = found if isinstance(found, str) else found.options[0]
        return Member((first.ret,)) if isinstance(first, Fn) else "a property without a known type"
    if isinstance(value, types.MemberDescriptorType):
        return _set_by_methods(owner, name) or "a slot without annotation"
    if value is None and name == "__hash__":
        return None  # made by `__eq__` or dataclass; type checkers do not see it
    if hasattr(type(value), "__get__") and not is_stdlib(type(value)):
        return replace(_described(value), class_variable=of_class)
    known = _value_type(value)
    if known is None:
        return "an attribute without annotation"
    return Member((known,), settable=True, class_variable=of_class, variable=True)


def _with_own_self(member: Member, function: types.FunctionType, owner: type) -> Member:
    """A method of the class object, whose self is an instance also where nothing is said of it."""

    def taken(option: Term) -> Term:
        if not isinstance(option, Fn) or not option.params or option.params[0].term != ANY:
            return option
        own = Inst(owner, (ANY,) * len(parameters(owner)))
        return replace(option, params=(replace(option.params[0], term=own), *option.params[1:]))

    names = function.__code__.co_varnames[:1]
    if not names or names[0] in function.__annotations__:
        return member
    return replace(member, options=tuple(map(taken, member.options)))


def _described(value: Any) -> Member:
    """An attribute that a descriptor gives: what its `__get__` returns, where that is told in one way."""
    term = parse(getattr(value, "__orig_class__", type(value)))
    get = find_member(term, "__get__", term, on_demand=False) if isinstance(term, Inst) else None
    first = get.options[0] if isinstance(get, Member) and len(get.options) == 1 else None
    known = isinstance(first, Fn) and not first.variables
    return Member((first.ret if isinstance(first, Fn) and known else ANY,), settable=True, variable=True)


def _value_type(value: Any) -> Term | None:
    """What type checkers infer for a class attribute from its value."""
    if type(value) in (int, str, float, bytes, bool, complex):
        return Inst(type(value))
    return None


def _method(function: Any, owner: type, name: str, *, static: bool = False) -> Member | str:
    overloaded: Any = function
    if getattr(function, "__name__", "") == "_overload_dummy":  # all that is left of overloads without a body
        overloaded = types.SimpleNamespace(
            __module__=owner.__module__, __qualname__=f"{owner.__qualname__}.{name}"
        )
    overloads = typing.get_overloads(overloaded) or typing_extensions.get_overloads(overloaded)
    options = tuple(
        bound_signature(f, static=static, known=parameters(owner)) for f in (overloads or [function])
    )
    if any(o is None for o in options):
        return "a method whose signature can't be read"
    return Member(tuple(o for o in options if o is not None))


def _property(value: property, owner: type) -> Member | str:
    if value.fget is None:
        return "a property without getter"
    getter = bound_signature(value.fget, static=False)
    if getter is None:
        return "a property without a known type"
    setter = None
    if value.fset is not None:
        signature = bound_signature(value.fset, static=False)
        if signature is not None and signature.params:
            setter = signature.params[0].term
            setter = None if setter == ANY else setter
    return Member((getter.ret,), settable=value.fset is not None, variable=True, setter=setter)


def _set_by_methods(owner: type, name: str) -> Member | str | None:
    """An attribute that methods set on `self`: its type as far as the source tells it."""
    if not any(
        name in f.__code__.co_names for f in vars(owner).values() if isinstance(f, types.FunctionType)
    ):
        return None
    found = _assignments(owner)
    if found is None:
        return "an attribute set by a method"
    return found.get(name)


@functools.lru_cache(maxsize=1024)
def _assignments(owner: type) -> dict[str, Member | str] | None:
    """Each attribute that a method of the class sets on its first parameter; None when there is no source."""
    tree = class_node(owner)
    if tree is None:
        return None
    found: dict[str, Member | str] = {}
    for function in tree.body:
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or not function.args.args:
            continue
        live = vars(owner).get(function.name)
        for node in ast.walk(function):
            for name, value in _targets(node, function.args.args[0].arg):
                found.setdefault(name, _assigned(node, value, live, owner))
    return found


def _targets(node: ast.AST, self_name: str) -> list[tuple[str, ast.expr | None]]:
    if isinstance(node, ast.Assign):
        pairs = [(t, node.value) for t in node.targets]
    elif isinstance(node, ast.AnnAssign):
        pairs = [(node.target, node.value)] if node.value is not None else [(node.target, node.target)]
    else:
        return []
    found: list[tuple[str, ast.expr | None]] = []
    for target, value in pairs:
        for each in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            if (
                isinstance(each, ast.Attribute)
                and isinstance(each.value, ast.Name)
                and each.value.id == self_name
            ):
                found.append((each.attr, value if each is target else None))
    return found


def _assigned(node: ast.AST, value: ast.expr | None, live: Any, owner: type) -> Member | str:
    if not isinstance(live, types.FunctionType):
        return "an attribute set by a method"
    if isinstance(node, ast.AnnAssign):
        hint, missing = evaluate_annotation(
            ast.unparse(node.annotation), scopes=scopes_of(live), module=owner.__module__
        )
        final = get_origin(hint) is Final or hint is Final
        return (
            "an attribute set by a method"
            if missing or hint is Final
            else Member((parse(hint),), not final, variable=True)
        )
    if isinstance(value, ast.Name):
        hints = resolve_hints(live).parameters
        if value.id in hints and value.id in live.__annotations__:
            return Member((parse(hints[value.id]),), settable=True, variable=True)
    if isinstance(value, ast.Constant):
        known = _value_type(value.value)
        if known is not None:
            return Member((known,), settable=True, variable=True)
    return "an attribute set by a method"
