"""From runtime type forms to terms."""

# Types are values here, which type checkers do not expect.
# pyright: reportInvalidTypeForm=false
from __future__ import annotations

import collections.abc
import functools
import types
import typing
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, get_args, get_origin

import typing_extensions

from merkl._base.hints import resolve_class_hints
from merkl._base.named_types import alias_value
from merkl._base.type_forms import (
    LazyAlias,
    format_type,
    is_named,
    is_typed_dict,
    is_union,
    map_arguments,
    substitute,
    union_members,
)
from merkl.assignability.classes import (
    default_arguments,
    is_pack,
    is_parameters,
    is_stdlib,
    original_bases,
    parameters,
)
from merkl.assignability.terms import (
    ANY,
    NEVER,
    NONE,
    Alias,
    ClassOf,
    Fn,
    Inst,
    Kind,
    Lit,
    New,
    Opaque,
    Param,
    Record,
    Rest,
    Term,
    Tup,
    UnionTerm,
    Var,
    to_form,
    union,
)
from merkl.assignability.typeshed import Unresolved, stub_member

__all__ = [
    "ANY_REST",
    "class_of",
    "expand",
    "instance",
    "is_spread",
    "parse",
    "substitute_term",
    "variables_in",
]

_TRANSPARENT = ("Required", "NotRequired", "ReadOnly", "Final", "ClassVar")
_LITERAL = (Literal, typing_extensions.Literal)


def parse(form: Any) -> Term:
    """Give the term of a runtime form; what is not understood becomes Opaque, never an error.

    >>> import typing
    >>> parse(typing.Optional[int])
    UnionTerm(members=(Inst(cls=<class 'int'>, args=()), NoneTerm()))
    """
    try:
        return _remembered(form)
    except TypeError:
        pass
    try:
        return _parse(form)
    except Exception:  # noqa: BLE001  (forms of other libraries may raise anything)
        return Opaque(form)


@functools.lru_cache(maxsize=16384)
def _remembered(form: Any) -> Term:
    return _parse(form)


def expand(alias: Alias) -> Term:
    """Give what an alias stands for, one level deep."""
    return parse(alias_value(alias.form))


@functools.lru_cache(maxsize=1024)
def _later(form: Any) -> LazyAlias:
    alias = LazyAlias(format_type(form), form)
    alias.__value__ = form
    return alias


def _delayed(hint: Any) -> Any:
    """An item of a tuple class, in which an alias stands for each tuple class, since they may hold each other."""
    head = get_origin(hint) or hint
    if isinstance(head, type) and issubclass(head, tuple) and head is not tuple:
        return _later(hint)
    return map_arguments(hint, _delayed)


def _parse(form: Any) -> Term:
    if form is Any:
        return ANY
    if form is None or form is type(None):
        return NONE
    origin = get_origin(form)
    if origin is None:
        return _bare(form)
    if origin in _LITERAL:
        return union(tuple(_literal(value) for value in get_args(form)))
    if origin is Annotated or any(is_named(origin, name) for name in _TRANSPARENT):
        return parse(get_args(form)[0])
    if is_union(form):
        return union(tuple(parse(member) for member in union_members(form)))
    if alias_value(form) is not None:
        # One with a list for a ParamSpec has no hash, which a recursive alias needs to be known again.
        return Alias(form) if _has_hash(form) else parse(alias_value(form))
    return _generic(form, origin, get_args(form))


def _has_hash(form: Any) -> bool:
    try:
        hash(form)
    except TypeError:
        return False
    return True


def _literal(value: Any) -> Term:
    return NONE if value is None else Lit(value, type(value))


def _bare(form: Any) -> Term:
    if isinstance(form, TypeVar):
        return Var(form)
    if isinstance(form, (str, ForwardRef)):
        return Opaque(form)
    if isinstance(form, type):
        return _class(form)
    if hasattr(form, "__supertype__"):
        return New(form)
    if alias_value(form) is not None:
        return Alias(form)
    if any(is_named(form, name) for name in ("Never", "NoReturn")):
        return NEVER
    if is_named(form, "LiteralString"):
        return Inst(str)
    if is_named(form, "Callable"):
        return Fn(None, ANY)
    return Opaque(form)


def _class(cls: type) -> Term:
    if cls is tuple:
        return Inst(tuple, (ANY,))
    if cls is collections.abc.Callable:  # type: ignore[comparison-overlap]
        return Fn(None, ANY)  # type: ignore[unreachable]
    return instance(cls, default_arguments(cls, 0))


def instance(cls: type, arguments: tuple[Any, ...]) -> Term:
    """The term of a class with its arguments, for all kinds of classes."""
    args = _argument_terms(cls, arguments)
    if args is None:
        return Opaque(types.GenericAlias(cls, arguments))
    if is_typed_dict(cls):
        return Record(cls, args)
    if issubclass(cls, tuple) and cls is not tuple:
        items = _tuple_items(cls, args)
        if items is not None:
            return Tup(items, cls, args)
    return Inst(cls, args)


def _argument_terms(cls: type, arguments: tuple[Any, ...]) -> tuple[Term, ...] | None:
    """The terms of type arguments, one for each parameter; None where they cannot be told apart.

    What stands for a ParamSpec is a function that takes those parameters, what stands for a TypeVarTuple a tuple.
    """
    wanted = parameters(cls)
    pack = next((i for i, p in enumerate(wanted) if is_pack(p)), None)
    if pack is not None:
        after = len(arguments) - (len(wanted) - pack - 1)
        if after < pack:
            return None
        middle = arguments[pack:after]
        arguments = (*arguments[:pack], middle, *arguments[after:])
    found: list[Term] = []
    for index, argument in enumerate(arguments):
        parameter = wanted[index] if index < len(wanted) else None
        if is_parameters(parameter):
            found.append(_parameters_term(argument))
        elif pack is not None and index == pack:
            is_any = argument == (Any,) and len(arguments) == len(wanted)
            found.append(
                Inst(tuple, (ANY,)) if is_any else _tuple(types.GenericAlias(tuple, argument), argument)
            )
        else:
            found.append(parse(argument))
    return tuple(found)


ANY_REST = (Param(ANY, Kind.STAR), Param(ANY, Kind.STAR_STAR))


def _parameters_term(form: Any) -> Term:
    """The term of what stands for a ParamSpec: `[int, str]`, `...`, `Concatenate[int, ...]` or another ParamSpec."""
    if isinstance(form, (list, tuple)):
        if any(_unpacked(each) is not None for each in form):
            return Fn(None, ANY)
        return Fn(tuple(Param(parse(each), Kind.POSITIONAL) for each in form), ANY)
    if is_named(get_origin(form), "Concatenate"):
        *first, last = get_args(form)
        params = tuple(Param(parse(each), Kind.POSITIONAL) for each in first)
        rest = (Param(Var(last), Kind.STAR),) if is_parameters(last) else ANY_REST
        return Fn((*params, *rest), ANY)
    return Var(form) if is_parameters(form) else Fn(None, ANY)


def _tuple_items(cls: type, args: tuple[Term, ...]) -> tuple[Term, ...] | None:
    """The items of a class that derives from a tuple of known items, such as a NamedTuple."""
    known = dict(zip(parameters(cls), args, strict=False))
    if "_fields" in vars(cls) and "_field_defaults" in vars(cls):
        fields: tuple[str, ...] = cls._fields  # type: ignore[attr-defined]
        hints = _stub_fields(cls, fields) if is_stdlib(cls) else resolve_class_hints(cls)
        items = tuple(parse(_delayed(hints.get(name, Any))) for name in fields)
        return tuple(substitute_term(item, known) for item in items)
    for base in original_bases(cls):
        head = get_origin(base) or base
        if isinstance(head, type) and issubclass(head, tuple):
            term = parse(map_arguments(base, _delayed) if head is tuple else base)
            if not isinstance(term, Tup):
                return None
            term = substitute_term(Tup(term.items), known)
            return term.items if isinstance(term, Tup) else None
    return None


def _stub_fields(cls: type, names: tuple[str, ...]) -> dict[str, Any]:
    """What typeshed says of the fields of a named tuple, which says nothing itself."""
    found = ((name, stub_member(cls, name)) for name in names)
    return {name: m.form for name, m in found if m is not None and not isinstance(m.form, Unresolved)}


def _generic(form: Any, origin: Any, args: tuple[Any, ...]) -> Term:
    if origin is tuple:
        return _tuple(form, args)
    if origin is type:
        return class_of(parse(args[0])) if args else Inst(type)
    if origin is collections.abc.Callable:
        return _callable(args)
    if not isinstance(origin, type):
        return Opaque(form)
    wanted = parameters(origin)
    if (
        not args and wanted and not any(map(is_pack, wanted))
    ):  # `typing.List` alone; `Many[()]` is given no types
        args = default_arguments(origin, 0)
    if len(args) < len(wanted) and not any(map(is_pack, wanted)):
        args = (*args, *default_arguments(origin, len(args)))
    return instance(origin, args)


def _tuple(form: Any, args: tuple[Any, ...]) -> Term:
    if not args:
        # `typing.Tuple` alone is a tuple of anything, `tuple[()]` is the empty one.
        return Inst(tuple, (ANY,)) if form is typing.Tuple else Tup(())  # noqa: UP006
    if len(args) == 2 and args[1] is Ellipsis:
        return Inst(tuple, (parse(args[0]),))
    items: list[Term] = []
    for arg in args:
        inner = _unpacked(arg)
        if inner is None:
            items.append(parse(arg))
            continue
        spread = _spread(Var(inner) if is_pack(inner) else parse(inner))
        if spread is None:
            return Opaque(form)
        items.extend(spread)
    if sum(isinstance(i, Rest) for i in items) > 1:
        return Opaque(form)
    return _tuple_of(tuple(items))


def _spread(term: Term) -> tuple[Term, ...] | None:
    """The items that an unpacked tuple gives to the tuple around it; a TypeVarTuple is a Rest until it is known."""
    if isinstance(term, Inst) and term.cls is tuple:
        return (Rest(term.args[0]),)
    if isinstance(term, Tup) and term.cls is tuple:
        return term.items
    return (Rest(term),) if isinstance(term, Var) or term == ANY else None


def _tuple_of(items: tuple[Term, ...]) -> Term:
    if len(items) == 1 and isinstance(items[0], Rest) and not _is_open(items[0]):
        return Inst(tuple, (items[0].item,))
    return Tup(items)


def _is_open(item: Term) -> bool:
    """Whether an item stands for the items that a TypeVarTuple will give."""
    return isinstance(item, Rest) and isinstance(item.item, Var) and is_pack(item.item.var)


def _unpacked(arg: Any) -> Any:
    if getattr(arg, "__unpacked__", False) is True:
        return types.GenericAlias(arg.__origin__, arg.__args__)
    return get_args(arg)[0] if is_named(get_origin(arg), "Unpack") else None


def class_of(term: Term) -> Term:
    """`type[...]` of a term; of a union, the union of the classes."""
    if isinstance(term, UnionTerm):
        return union(tuple(class_of(m) for m in term.members))
    return ClassOf(term)


def _callable(args: tuple[Any, ...]) -> Term:
    if not args:
        return Fn(None, ANY)
    params, ret = args if len(args) == 2 else (list(args[:-1]), args[-1])
    if params is Ellipsis:
        return Fn(None, parse(ret))
    if is_parameters(params):
        return Fn((Param(Var(params), Kind.STAR),), parse(ret))
    if is_named(get_origin(params), "Concatenate"):
        term = _parameters_term(params)
        assert isinstance(term, Fn)
        return Fn(term.params, parse(ret))
    if not isinstance(params, list):
        return Opaque(collections.abc.Callable[params, ret])
    return Fn(_positional(params), parse(ret))


def _positional(forms: list[Any]) -> tuple[Param, ...] | None:
    """Positional parameters with unpacked tuples put in; None, which is `...`, where more follow one of open length."""
    found: list[Param] = []
    for form in forms:
        unpacked = _unpacked(form)
        items = (parse(form),) if unpacked is None else _spread(parse(unpacked))
        for item in items or ():
            found.append(_star_of(item) if isinstance(item, Rest) else Param(item, Kind.POSITIONAL))
        if items is None or any(p.kind is Kind.STAR for p in found[:-1]):
            return None
    return tuple(found)


def _star_of(rest: Rest) -> Param:
    return Param(rest.item, Kind.STAR, None, False)


def substitute_term(term: Term, values: dict[Any, Term]) -> Term:
    """Put terms in the place of type variables."""
    if not values:
        return term

    def change(each: Term) -> Term:
        return substitute_term(each, values)

    if isinstance(term, Var):
        return values.get(term.var, term)
    if isinstance(term, (Inst, Record)):
        return type(term)(term.cls, tuple(map(change, term.args))) if term.args else term
    if isinstance(term, Tup):
        items: list[Term] = []
        for item in term.items:
            spread = _spread(change(item.item)) if isinstance(item, Rest) and _is_open(item) else None
            items.extend(spread if spread is not None else (change(item),))
        if term.cls is tuple:
            return _tuple_of(tuple(items))
        return Tup(tuple(items), term.cls, tuple(map(change, term.args)))
    if isinstance(term, Rest):
        return Rest(change(term.item))
    if isinstance(term, UnionTerm):
        return union(tuple(map(change, term.members)))
    if isinstance(term, ClassOf):
        return class_of(change(term.term))
    if isinstance(term, Fn):
        return Fn(_substitute_parameters(term.params, values), change(term.ret), term.variables)
    if isinstance(term, Alias):
        return _substitute_in_alias(term, values) if _mentions(term, values, 0) else term
    return term


def _substitute_in_alias(term: Alias, values: dict[Any, Term]) -> Term:
    """The alias with other arguments: what it stands for may hold the alias again, without end."""
    mentioned = [v for v in variables_in(term) if v in values]
    if all(isinstance(v, TypeVar) for v in mentioned):
        form = substitute(term.form, {v: to_form(values[v]) for v in mentioned})
        if _has_hash(form):
            return Alias(form)
    return substitute_term(expand(term), values)


def _substitute_parameters(
    params: tuple[Param, ...] | None, values: dict[Any, Term]
) -> tuple[Param, ...] | None:
    """The parameters with what is known put in; what stands for a ParamSpec comes in its place."""
    if params is None:
        return None
    found: list[Param] = []
    for param in params:
        known = values.get(param.term.var) if is_spread(param) and isinstance(param.term, Var) else None
        if known is None:
            found.append(Param(substitute_term(param.term, values), param.kind, param.name, param.required))
        elif isinstance(known, Fn) and known.params is not None:
            found.extend(known.params)
        elif isinstance(known, Var):
            found.append(Param(known, Kind.STAR))
        elif isinstance(known, Tup) or (isinstance(known, Inst) and known.cls is tuple):
            found.extend(_star_of(i) if isinstance(i, Rest) else Param(i) for i in _spread(known) or ())
        else:
            found.extend(ANY_REST)
    return tuple(found)


def is_spread(param: Param) -> bool:
    """Say whether a parameter stands for all that a ParamSpec or a TypeVarTuple will give."""
    return isinstance(param.term, Var) and (is_parameters(param.term.var) or is_pack(param.term.var))


def _mentions(term: Term, values: dict[Any, Term], depth: int) -> bool:
    return any(variable in values for variable in variables_in(term, depth))


def variables_in(term: Term, depth: int = 0) -> tuple[Any, ...]:
    """Give the type variables in a term, as far as they can be seen without following aliases for ever."""
    if isinstance(term, Var):
        return (term.var,)
    if depth > 8:
        return ()
    inner: tuple[Term, ...] = ()
    if isinstance(term, (Inst, Record)):
        inner = term.args
    elif isinstance(term, Tup):
        inner = term.items
    elif isinstance(term, UnionTerm):
        inner = term.members
    elif isinstance(term, Fn):
        inner = (*(p.term for p in term.params or ()), term.ret)
    elif isinstance(term, Rest):
        inner = (term.item,)
    elif isinstance(term, ClassOf):
        inner = (term.term,)
    elif isinstance(term, Alias):
        inner = tuple(parse(a) for a in get_args(term.form))
    return tuple(v for i in inner for v in variables_in(i, depth + 1))
