"""Subclassing with type arguments: a class seen as one of its bases, and the variance of type parameters."""

from __future__ import annotations

import functools
from enum import Enum
from typing import Any

from merkl.assignability.classes import is_pack, is_parameters, original_bases, parameters
from merkl.assignability.parse import parse, substitute_term
from merkl.assignability.terms import ANY, Inst, Term, Tup

__all__ = ["Variance", "as_base", "declared_variance", "needs_inference"]


class Variance(Enum):
    """How a type argument may vary."""

    SAME = "invariant"
    WIDER = "covariant"
    NARROWER = "contravariant"
    UNKNOWN = "unknown"


def declared_variance(parameter: Any) -> Variance:
    """Give the variance that a type variable declares; mypy compares what stands for the others in one direction."""
    if is_parameters(parameter) or is_pack(parameter):
        return Variance.WIDER
    if getattr(parameter, "__covariant__", False):
        return Variance.WIDER
    if getattr(parameter, "__contravariant__", False):
        return Variance.NARROWER
    return Variance.SAME


def needs_inference(parameter: Any) -> bool:
    """Say whether the variance of a type variable is to be inferred from its use (PEP 695)."""
    return not is_parameters(parameter) and bool(getattr(parameter, "__infer_variance__", False))


@functools.lru_cache(maxsize=4096)
def _paths(cls: type) -> dict[type, tuple[Term, ...]]:
    """For each base with declared arguments: these, in terms of the type parameters of `cls`."""
    found: dict[type, tuple[Term, ...]] = {}
    for form in original_bases(cls):
        term = parse(form)
        if isinstance(term, Tup):  # a tuple with known items, or a class made of one
            term = Inst(tuple, (ANY,)) if term.cls is tuple else Inst(term.cls, term.args)
        if not isinstance(term, Inst) or term.cls is cls:
            continue
        found.setdefault(term.cls, term.args)
        known = dict(zip(parameters(term.cls), term.args, strict=False))
        for base, args in _paths(term.cls).items():
            found.setdefault(base, tuple(substitute_term(a, known) for a in args))
    return found


def as_base(term: Inst, base: type) -> Inst | None:
    """Give `term` seen as an instance of `base`, or None when it declares no such base.

    >>> import collections.abc
    >>> as_base(Inst(list, (Inst(int),)), collections.abc.Iterable)
    Inst(cls=<class 'collections.abc.Iterable'>, args=(Inst(cls=<class 'int'>, args=()),))
    """
    if term.cls is base:
        return term
    args = _paths(term.cls).get(base)
    if args is None:
        if base in term.cls.__mro__ and base is not object:
            return Inst(base, (ANY,) * len(parameters(base)))
        return None
    known = dict(zip(parameters(term.cls), term.args, strict=False))
    return Inst(base, tuple(substitute_term(a, known) for a in args))
