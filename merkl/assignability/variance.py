"""The variance of each type parameter of a class: declared, or inferred from use (PEP 695)."""

from __future__ import annotations

import functools
import inspect
import types
from typing import Any, Generic, Protocol

from merkl._base.hints import own_annotations, resolve_hints
from merkl._base.typed_dicts import typed_dict_keys
from merkl.assignability.classes import has_known_bases, original_bases, parameters
from merkl.assignability.members import Member, find_member
from merkl.assignability.nominal import Variance, declared_variance, needs_inference
from merkl.assignability.parse import expand, parse
from merkl.assignability.terms import ANY, Alias, ClassOf, Fn, Inst, Record, Rest, Term, Tup, UnionTerm, Var
from merkl.assignability.typed_dicts import key_term

__all__ = ["variances"]


@functools.lru_cache(maxsize=4096)
def variances(cls: type) -> tuple[Variance, ...] | None:
    """Give the variance of each type parameter, or None where it can't be known here."""
    return _variances(cls, {})


_Assumed = dict[tuple[Any, Any], Variance]


def _variances(cls: type, assumed: _Assumed) -> tuple[Variance, ...] | None:
    wanted = parameters(cls)
    if not wanted or not has_known_bases(cls):
        return None
    return tuple(_inferred(cls, p, assumed) if needs_inference(p) else declared_variance(p) for p in wanted)


def _inferred(cls: type, parameter: Any, assumed: _Assumed) -> Variance:
    """What the uses allow, taking the class for covariant where it mentions itself, as mypy does first."""
    if (cls, parameter) in assumed:
        return assumed[cls, parameter]
    if issubclass(cls, tuple):  # a NamedTuple has `_replace`, which takes every field
        return Variance.SAME
    if _hides_types(cls):
        return Variance.UNKNOWN
    return _observed(cls, parameter, {**assumed, (cls, parameter): Variance.WIDER})


def _observed(cls: type, parameter: Any, assumed: _Assumed) -> Variance:
    uses: set[int] = set()
    self_term = Inst(cls, tuple(Var(p) for p in parameters(cls)))
    for form in original_bases(cls):
        term = parse(form)
        if isinstance(term, (Inst, Tup, Record)) and term.cls not in (Generic, Protocol):
            _walk(term, parameter, 1, uses, assumed)
    for name in _names(cls):
        member = find_member(self_term, name, ANY)
        if not isinstance(member, Member):
            continue
        for option in member.options:
            if isinstance(option, Fn) and option.ret == self_term:
                option = Fn(option.params, ANY)
            here: set[int] = set()
            _walk(option, parameter, 1, here, assumed)
            # mypy does not mind that what is narrower by its type, such as a callback, may be set.
            if 1 in here and member.settable and not (member.variable and name.startswith("_")):
                here.add(-1)
            uses |= here
    if -1 not in uses:
        return Variance.WIDER
    return Variance.SAME if 1 in uses else Variance.NARROWER


def _hides_types(cls: type) -> bool:
    """Whether methods name types that cannot be found here, such as those of a function that has returned."""
    functions = (
        inspect.unwrap(getattr(m, "fget", None) or getattr(m, "__func__", m)) for m in vars(cls).values()
    )
    return any(resolve_hints(f).problems for f in functions if isinstance(f, types.FunctionType))


def _names(cls: type) -> set[str]:
    found: set[str] = set(own_annotations(cls))
    for name, value in vars(cls).items():
        if name not in ("__init__", "__new__") and isinstance(
            value, (types.FunctionType, property, functools.cached_property, classmethod, staticmethod)
        ):
            found.add(name)
        if isinstance(value, types.FunctionType):
            found.update(n for n in value.__code__.co_names if not n.startswith("__"))
    return found


def _walk(term: Term, parameter: Any, sign: int, uses: set[int], assumed: _Assumed) -> None:
    """Note with which sign a type variable occurs in a term."""
    if isinstance(term, Var):
        if term.var is parameter:
            uses.add(sign)
    elif isinstance(term, UnionTerm):
        for member in term.members if ANY not in term.members else ():  # which takes all the others can be
            _walk(member, parameter, sign, uses, assumed)
    elif isinstance(term, Tup):
        for item in term.items:
            _walk(item, parameter, sign, uses, assumed)
    elif isinstance(term, Rest):
        _walk(term.item, parameter, sign, uses, assumed)
    elif isinstance(term, ClassOf):
        _walk(term.term, parameter, sign, uses, assumed)
    elif isinstance(term, Fn):
        for param in term.params or ():
            _walk(param.term, parameter, -sign, uses, assumed)
        _walk(term.ret, parameter, sign, uses, assumed)
    elif isinstance(term, Alias):
        if (term, parameter) not in assumed:
            _walk(expand(term), parameter, sign, uses, {**assumed, (term, parameter): Variance.WIDER})
    elif isinstance(term, Record) and term.args:
        _walk_keys(term, parameter, sign, uses, assumed)
    elif isinstance(term, Inst) and term.args:
        _walk_arguments(term, parameter, sign, uses, assumed)


def _walk_keys(term: Record, parameter: Any, sign: int, uses: set[int], assumed: _Assumed) -> None:
    """What counts of a TypedDict are its keys; one that may be written is used both ways."""
    if (term.cls, parameter) in assumed:
        return
    inside = {**assumed, (term.cls, parameter): Variance.WIDER}
    for name, key in typed_dict_keys(term.cls).items():
        _walk(key_term(term, name), parameter, sign, uses, inside)
        if not key.read_only:
            _walk(key_term(term, name), parameter, -sign, uses, inside)


def _walk_arguments(term: Inst, parameter: Any, sign: int, uses: set[int], assumed: _Assumed) -> None:
    known = _variances(term.cls, assumed) or (Variance.SAME,) * len(term.args)
    for arg, variance in zip(term.args, known, strict=False):
        if variance is not Variance.NARROWER:
            _walk(arg, parameter, sign, uses, assumed)
        if variance is not Variance.WIDER:
            _walk(arg, parameter, -sign, uses, assumed)
