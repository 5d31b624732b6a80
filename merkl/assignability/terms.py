"""Types in one normal form, which the rules work on: small frozen terms instead of the many runtime spellings."""

# Types are values here, which type checkers do not expect.
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportArgumentType=false
from __future__ import annotations

import collections.abc
import itertools
import types
import typing
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args

from merkl._base.type_forms import format_type
from merkl.assignability.classes import is_pack, is_parameters, parameters

__all__ = [
    "ANY",
    "NEVER",
    "NONE",
    "OBJECT",
    "Alias",
    "AnyTerm",
    "ClassOf",
    "Fn",
    "Inst",
    "Kind",
    "Lit",
    "NeverTerm",
    "New",
    "NoneTerm",
    "Opaque",
    "Param",
    "Record",
    "Rest",
    "Term",
    "Tup",
    "UnionTerm",
    "Var",
    "show",
    "to_form",
    "union",
]


@dataclass(frozen=True, slots=True)
class AnyTerm:
    """Any: fits everywhere, everything fits it."""


@dataclass(frozen=True, slots=True)
class NeverTerm:
    """No value at all."""


@dataclass(frozen=True, slots=True)
class NoneTerm:
    """None alone."""


@dataclass(frozen=True, slots=True)
class Inst:
    """An instance of a class, with one argument for each of its type parameters."""

    cls: type
    args: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Rest:
    """Any number of items of one type, inside a tuple."""

    item: Term


@dataclass(frozen=True, slots=True)
class Tup:
    """A tuple item by item, at most one of them a Rest; `cls` is tuple, or a subclass such as a NamedTuple."""

    items: tuple[Term, ...]
    cls: type = tuple
    args: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class UnionTerm:
    """One of several."""

    members: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Lit:
    """One literal value; `cls` keeps `1` and `True` apart."""

    value: Any
    cls: type


class Kind(Enum):
    """How a parameter takes its argument."""

    POSITIONAL = "positional"
    NORMAL = "normal"
    KEYWORD = "keyword"
    STAR = "star"
    STAR_STAR = "star star"


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a callable."""

    term: Term
    kind: Kind = Kind.POSITIONAL
    name: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Fn:
    """A callable; `params` None is `...`. `variables` are the type variables of its own."""

    params: tuple[Param, ...] | None
    ret: Term
    variables: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A TypedDict, with the arguments of its type parameters."""

    cls: type
    args: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class New:
    """A NewType."""

    newtype: Any


@dataclass(frozen=True, slots=True)
class ClassOf:
    """`type[X]`: a class object."""

    term: Term


@dataclass(frozen=True, slots=True)
class Var:
    """A type variable."""

    var: Any


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias that is not yet replaced by what it stands for: it may refer to itself."""

    form: Any


@dataclass(frozen=True, slots=True)
class Opaque:
    """A form that the rules know nothing of."""

    form: Any


Term = Union[  # noqa: UP007
    AnyTerm,
    NeverTerm,
    NoneTerm,
    Inst,
    Rest,
    Tup,
    UnionTerm,
    Lit,
    Fn,
    Record,
    New,
    ClassOf,
    Var,
    Alias,
    Opaque,
]

ANY = AnyTerm()
NEVER = NeverTerm()
NONE = NoneTerm()
OBJECT = Inst(object)


def union(members: tuple[Term, ...]) -> Term:
    """Build a union, flat and without repeats.

    >>> union((NONE, union((NONE, OBJECT))))
    UnionTerm(members=(NoneTerm(), Inst(cls=<class 'object'>, args=())))
    """
    flat: dict[Term, None] = {}
    for member in members:
        for each in member.members if isinstance(member, UnionTerm) else (member,):
            flat.setdefault(each)
    if not flat:
        return NEVER
    return next(iter(flat)) if len(flat) == 1 else UnionTerm(tuple(flat))


def show(term: Term) -> str:
    """Show a term as a person would write the type."""
    return format_type(to_form(term))


def to_form(term: Term) -> Any:
    """Give a runtime form that means the term."""
    if isinstance(term, AnyTerm):
        return Any
    if isinstance(term, NoneTerm):
        return None
    if isinstance(term, NeverTerm):
        return typing.Never
    if isinstance(term, UnionTerm):
        literals = tuple(m.value for m in term.members if isinstance(m, Lit))
        others = tuple(to_form(m) for m in term.members if not isinstance(m, Lit))
        return Union[(*((Literal[literals],) if literals else ()), *others)]
    if isinstance(term, Lit):
        return Literal[term.value]
    if isinstance(term, ClassOf):
        return type[to_form(term.term)]
    if isinstance(term, New):
        return term.newtype
    if isinstance(term, Var):
        return term.var
    if isinstance(term, (Alias, Opaque)):
        return term.form
    if isinstance(term, Rest):
        return tuple[to_form(term.item), ...]  # type: ignore[misc]
    return _parametrized(term)


def _argument_forms(term: Inst | Record) -> tuple[Any, ...]:
    """The type arguments of a class: a ParamSpec is given as a tuple of parameters, a TypeVarTuple as several types."""
    found: list[Any] = []
    for parameter, arg in itertools.zip_longest(parameters(term.cls), term.args):
        if isinstance(arg, Fn) and is_parameters(parameter):
            found.append(... if arg.params is None else tuple(to_form(p.term) for p in arg.params))
        elif isinstance(arg, Tup) and is_pack(parameter):
            found += get_args(to_form(arg))
        elif arg is not None:
            found.append(to_form(arg))
    return tuple(found)


def _parametrized(term: Inst | Tup | Fn | Record) -> Any:
    if isinstance(term, Fn):
        params: Any = ... if term.params is None else [to_form(p.term) for p in term.params]
        return collections.abc.Callable[params, to_form(term.ret)]
    if isinstance(term, Tup):
        if term.cls is not tuple:
            return types.GenericAlias(term.cls, tuple(map(to_form, term.args))) if term.args else term.cls
        parts: list[Any] = []
        for item in term.items:
            if isinstance(item, Rest):
                rest = tuple[to_form(item.item), ...]  # type: ignore[misc, valid-type]
                if len(term.items) == 1:
                    return rest
                parts.append(next(iter(rest)))
            else:
                parts.append(to_form(item))
        return types.GenericAlias(tuple, tuple(parts))
    if not term.args:
        return term.cls
    if term.cls is tuple:
        return tuple[to_form(term.args[0]), ...]  # type: ignore[misc]
    return types.GenericAlias(term.cls, _argument_forms(term))
