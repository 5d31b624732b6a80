"""The variance of each type parameter of a class: declared, or inferred from use (PEP 695)."""

from __future__ import annotations

import functools
import types
from typing import Any

from merkl.assignability.classes import has_known_bases, original_bases, parameters
from merkl.assignability.members import Member, find_member
from merkl.assignability.nominal import Variance, declared_variance, needs_inference
from merkl.assignability.parse import parse
from merkl.assignability.terms import ANY, ClassOf, Fn, Inst, Record, Rest, Term, Tup, UnionTerm, Var

__all__ = ["variances"]


@functools.lru_cache(maxsize=4096)
def variances(cls: type) -> tuple[Variance, ...] | None:
    """Give the variance of each type parameter, or None where it can't be known here."""
    wanted = parameters(cls)
    if not wanted or not has_known_bases(cls):
        return None
    if not any(needs_inference(p) for p in wanted):
        return tuple(declared_variance(p) for p in wanted)
    return tuple(_inferred(cls, p) if needs_inference(p) else declared_variance(p) for p in wanted)


def _inferred(cls: type, parameter: Any) -> Variance:
    uses: set[int] = set()
    self_term = Inst(cls, tuple(Var(p) for p in parameters(cls)))
    for form in original_bases(cls):
        term = parse(form)
        if isinstance(term, (Inst, Tup, Record)):
            _walk(term, parameter, 1, uses, cls)
    for name in _names(cls):
        member = find_member(self_term, name, ANY)
        if not isinstance(member, Member):
            continue
        for option in member.options:
            _walk(option, parameter, 1, uses, cls)
            if member.settable and not name.startswith("_"):
                _walk(option, parameter, -1, uses, cls)
    if -1 not in uses:
        return Variance.WIDER
    return Variance.SAME if 1 in uses else Variance.NARROWER


def _names(cls: type) -> set[str]:
    found: set[str] = set(vars(cls).get("__annotations__", {}))
    for name, value in vars(cls).items():
        if name not in ("__init__", "__new__") and isinstance(
            value, (types.FunctionType, property, classmethod, staticmethod)
        ):
            found.add(name)
        if isinstance(value, types.FunctionType):
            found.update(n for n in value.__code__.co_names if not n.startswith("__"))
    return found


def _walk(term: Term, parameter: Any, sign: int, uses: set[int], cls: type) -> None:
    """Note with which sign a type variable occurs in a term."""
    if isinstance(term, Var):
        if term.var is parameter:
            uses.add(sign)
    elif isinstance(term, UnionTerm):
        for member in term.members:
            _walk(member, parameter, sign, uses, cls)
    elif isinstance(term, Tup):
        for item in term.items:
            _walk(item, parameter, sign, uses, cls)
    elif isinstance(term, Rest):
        _walk(term.item, parameter, sign, uses, cls)
    elif isinstance(term, ClassOf):
        _walk(term.term, parameter, sign, uses, cls)
    elif isinstance(term, Fn):
        for param in term.params or ():
            _walk(param.term, parameter, -sign, uses, cls)
        _walk(term.ret, parameter, sign, uses, cls)
    elif isinstance(term, (Inst, Record)) and term.args:
        _walk_arguments(term, parameter, sign, uses, cls)


def _walk_arguments(term: Inst | Record, parameter: Any, sign: int, uses: set[int], cls: type) -> None:
    if term.cls is cls:
        return  # its own variance is what is being asked for
    known = variances(term.cls) or (Variance.SAME,) * len(term.args)
    for arg, variance in zip(term.args, known, strict=False):
        if variance is not Variance.NARROWER:
            _walk(arg, parameter, sign, uses, cls)
        if variance is not Variance.WIDER:
            _walk(arg, parameter, -sign, uses, cls)
