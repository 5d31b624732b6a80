"""The rules: may one term flow into another. Source of each rule: the typing specification, as mypy reads it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sized
from typing import Any

from merkl._base.named_types import bound_of, constraints_of, supertype_of
from merkl.assignability.classes import derives_from_any, has_known_bases, is_protocol, parameters
from merkl.assignability.members import protocol_members
from merkl.assignability.nominal import Variance, as_base
from merkl.assignability.parse import expand, parse
from merkl.assignability.relation import YES, Relation, Verdict, no
from merkl.assignability.stdlib import TUPLE_LIKE
from merkl.assignability.structural import relate_class_object, relate_protocol, relate_to_callable
from merkl.assignability.terms import (
    ANY,
    NONE,
    OBJECT,
    Alias,
    AnyTerm,
    ClassOf,
    Fn,
    Inst,
    Lit,
    NeverTerm,
    New,
    NoneTerm,
    Opaque,
    Record,
    Rest,
    Term,
    Tup,
    UnionTerm,
    Var,
    show,
    to_form,
    union,
)
from merkl.assignability.tuples import relate_tuples
from merkl.assignability.typed_dicts import relate_typed_dicts
from merkl.assignability.variance import variances

__all__ = ["Rules"]

_PROMOTIONS: dict[type, tuple[type, ...]] = {int: (float, complex), float: (complex,)}
_MAX_DEPTH = 60


class Rules:
    """One question being answered: remembers the pairs assumed to hold, so that recursive types end.

    `ask` is called with the runtime forms of a pair that needs facts these rules don't have.
    """

    def __init__(self, ask: Callable[[Any, Any], Relation]) -> None:
        self.ask = ask
        self.assumed: set[tuple[Term, Term]] = set()
        self.depth = 0

    def relate(self, source: Term, target: Term) -> Relation:
        """Say whether `source` may flow into `target`."""
        if source == target or isinstance(source, (AnyTerm, NeverTerm)) or isinstance(target, AnyTerm):
            return YES
        if target == OBJECT:
            return YES
        if isinstance(source, Alias) or isinstance(target, Alias):
            return self._aliases(source, target)
        if self.depth > _MAX_DEPTH:
            return Relation(Verdict.UNKNOWN, "the types nest too deeply")
        self.depth += 1
        try:
            return self._relate(source, target)
        finally:
            self.depth -= 1

    def assume(self, source: Term, target: Term, then: Callable[[], Relation]) -> Relation:
        """Answer `then()` under the assumption that the pair holds; at once when it is being assumed already."""
        pair = (source, target)
        if pair in self.assumed:
            return YES
        self.assumed.add(pair)
        try:
            return then()
        finally:
            self.assumed.discard(pair)

    def same(self, one: Term, other: Term) -> Relation:
        """Say whether two terms mean the same, Any being the same as everything."""
        return both(self.relate(one, other), lambda: self.relate(other, one))

    def _aliases(self, source: Term, target: Term) -> Relation:
        def expanded() -> Relation:
            left = expand(source) if isinstance(source, Alias) else source
            right = expand(target) if isinstance(target, Alias) else target
            return self.relate(left, right)

        if self.depth > _MAX_DEPTH:
            return Relation(Verdict.UNKNOWN, "the types nest too deeply")
        self.depth += 1
        try:
            return self.assume(source, target, expanded)
        finally:
            self.depth -= 1

    def _relate(self, source: Term, target: Term) -> Relation:
        if isinstance(source, UnionTerm):
            return every(
                (lambda m=member: self.relate(m, target) for member in source.members),  # type: ignore[misc]
            )
        if isinstance(source, Var) or isinstance(target, Var):
            return self._variables(source, target)
        if isinstance(target, UnionTerm):
            return self._into_union(source, target)
        if isinstance(source, Opaque) or isinstance(target, Opaque):
            return self.ask_about(source, target)
        if isinstance(source, NoneTerm):
            return self._none(target)
        if isinstance(source, New):
            return self._newtype(source, target)
        if isinstance(source, Inst) and derives_from_any(source.cls) and not isinstance(target, NoneTerm):
            return YES
        if isinstance(target, (New, NoneTerm, NeverTerm)):
            return misfit(source, target)
        if isinstance(source, Lit):
            return self._literal(source, target)
        if isinstance(source, Fn):
            return relate_to_callable(self, source, target)
        if isinstance(source, ClassOf):
            return relate_class_object(self, source, target)
        if isinstance(source, Record):
            return relate_typed_dicts(self, source, target)
        if isinstance(source, Tup):
            return self._tuple(source, target)
        if isinstance(source, Inst):
            return self._instance(source, target)
        return self.ask_about(source, target)

    def ask_about(self, source: Term, target: Term) -> Relation:
        """Ask for what these rules don't know."""
        try:
            return self.ask(to_form(source), to_form(target))
        except Exception as error:  # noqa: BLE001  (a form that can't be written down)
            return Relation(Verdict.UNKNOWN, f"{type(error).__name__}: {error}")

    def _variables(self, source: Term, target: Term) -> Relation:
        """A type variable stands for a type that is not known yet: only its bound can speak for or against."""
        if isinstance(target, Var):
            bounds = tuple(map(parse, constraints_of(target.var))) or (_bound(target),)
            if bounds == (OBJECT,):
                return YES
            found = some(lambda b=bound: self.relate(source, b) for bound in bounds)  # type: ignore[misc]
            return no(f"{show(source)} is outside the bound of {show(target)}") if refuses(found) else found
        assert isinstance(source, Var)
        options = tuple(map(parse, constraints_of(source.var)))
        if options:
            answers = [self.relate(option, target).verdict for option in options]
            if len(set(answers)) == 1:
                return YES if answers[0] is Verdict.YES else self._var_answer(answers[0], source, target)
            return Relation(Verdict.UNKNOWN, f"{show(source)} is not known yet")
        bound = _bound(source)
        if self.relate(bound, target).verdict is Verdict.YES:
            return YES
        if bound != OBJECT and refuses(self.relate(bound, target)) and refuses(self.relate(target, bound)):
            return self._var_answer(Verdict.NO, source, target)
        return Relation(Verdict.UNKNOWN, f"{show(source)} is not known yet")

    def _var_answer(self, verdict: Verdict, source: Term, target: Term) -> Relation:
        if verdict is Verdict.NO:
            return no(f"{show(source)} can be nothing that is {show(target)}")
        return Relation(Verdict.UNKNOWN, f"{show(source)} is not known yet")

    def _into_union(self, source: Term, target: UnionTerm) -> Relation:
        found = some(lambda m=member: self.relate(source, m) for member in target.members)  # type: ignore[misc]
        if found.verdict is Verdict.YES:
            return found
        if isinstance(source, Inst) and (source.cls is bool or issubclass(source.cls, enum.Enum)):
            values = {m.value for m in target.members if isinstance(m, Lit) and m.cls is source.cls}
            every_value = set(source.cls) if source.cls is not bool else {True, False}
            if every_value and every_value <= values:
                return YES
        return misfit(source, target) if refuses(found) else found

    def _none(self, target: Term) -> Relation:
        bare = isinstance(target, Inst) and is_protocol(target.cls)
        if bare and protocol_members(target.cls) <= {"__hash__", "__str__"}:  # type: ignore[union-attr]
            return YES
        return misfit(NONE, target)

    def _newtype(self, source: New, target: Term) -> Relation:
        supertype = parse(supertype_of(source.newtype))
        if isinstance(supertype, (Fn, UnionTerm)):  # no class: mypy refuses the NewType, and takes it for Any
            return YES
        found = self.relate(supertype, target)
        return misfit(source, target) if refuses(found) else found

    def _literal(self, source: Lit, target: Term) -> Relation:
        if isinstance(target, Lit):
            return YES if source == target else misfit(source, target)
        found = self.relate(Inst(source.cls), target)
        return misfit(source, target) if refuses(found) else found

    def _tuple(self, source: Tup, target: Term) -> Relation:
        if isinstance(target, Tup):
            return relate_tuples(self, source, target)
        items = tuple(i.item if isinstance(i, Rest) else i for i in source.items)
        if isinstance(target, Inst):
            if target.cls is Sized:
                return YES
            if target.cls in TUPLE_LIKE:
                wanted = target.args[0] if target.args else ANY
                found = every(
                    (lambda i=item: self.relate(i, wanted) for item in items),  # type: ignore[misc]
                )
                return no(f"an item of it does not fit: {found.reason}") if refuses(found) else found
            fallback = Inst(tuple, (union(items),)) if source.cls is tuple else Inst(source.cls, source.args)
            if source.cls is not tuple:
                return self._named_tuple(source, fallback, target)
            return self._instance(fallback, target)
        return misfit(source, target)

    def _named_tuple(self, source: Tup, fallback: Inst, target: Inst) -> Relation:
        items = union(tuple(i.item if isinstance(i, Rest) else i for i in source.items))
        if target.cls in source.cls.__mro__ and not target.args:
            return YES
        seen = as_base(Inst(tuple, (items,)), target.cls) or as_base(fallback, target.cls)
        if seen is not None:
            return self.relate_arguments(seen, target)
        if is_protocol(target.cls):
            return relate_protocol(self, source, target)
        return misfit(source, target)

    def _instance(self, source: Inst, target: Term) -> Relation:
        if isinstance(target, Inst):
            return self._instances(source, target)
        if isinstance(target, Tup):
            if issubclass(source.cls, target.cls):  # a tuple of any length of Any fits each
                seen = as_base(source, target.cls)
                # A class derived from `tuple[*Ts]` has all its Ts in one argument.
                anything = (ANY,) if source.cls is tuple else (ANY, Inst(tuple, (ANY,)))
                if seen is not None and all(arg in anything for arg in seen.args):
                    return YES
            return misfit(source, target)
        if isinstance(target, ClassOf):
            return self._class_instance(source, target)
        if isinstance(target, Fn):
            return relate_to_callable(self, source, target)
        return misfit(source, target)

    def _class_instance(self, source: Inst, target: ClassOf) -> Relation:
        if source.cls is type:
            return YES
        if issubclass(source.cls, type) and target.term in (ANY, OBJECT):
            return YES
        return misfit(source, target)

    def _instances(self, source: Inst, target: Inst) -> Relation:
        if not is_protocol(target.cls) and self._promotes(source.cls, target.cls):
            return YES
        if source.cls is target.cls:
            return self.relate_arguments(source, target)
        seen = as_base(source, target.cls)
        if seen is not None:
            return self.relate_arguments(seen, target)
        if is_protocol(target.cls):
            return self.assume(source, target, lambda: relate_protocol(self, source, target))
        return misfit(source, target) if has_known_bases(source.cls) else self.ask_about(source, target)

    def _promotes(self, source: type, target: type) -> bool:
        return any(target in wider for base, wider in _PROMOTIONS.items() if issubclass(source, base))

    def relate_arguments(self, source: Inst, target: Inst) -> Relation:
        """One class, two sets of arguments."""
        if source.args == target.args or not target.args or not source.args:
            return YES
        known = variances(target.cls)
        if known is None:
            return self.ask_about(source, target)
        worst = YES
        for one, other, variance, parameter in zip(
            source.args, target.args, known, parameters(target.cls), strict=False
        ):
            found = self._argument(one, other, variance)
            if refuses(found):
                return no(_why(source, target, variance, one, other, parameter))
            if found.verdict is Verdict.UNKNOWN:
                worst = found
        return worst

    def _argument(self, source: Term, target: Term, variance: Variance) -> Relation:
        if variance is Variance.WIDER:
            return self.relate(source, target)
        if variance is Variance.NARROWER:
            return self.relate(target, source)
        if isinstance(target, Var):
            return self.relate(source, target)
        found = self.same(source, target)
        return (
            Relation(Verdict.UNKNOWN, found.reason)
            if variance is Variance.UNKNOWN and refuses(found)
            else found
        )


def _bound(term: Var) -> Term:
    bound = bound_of(term.var)
    return OBJECT if bound is None else parse(bound)


_WIDER_NAME = {"list": "Sequence", "dict": "Mapping", "set": "Set"}


def _why(source: Inst, target: Inst, variance: Variance, one: Term, other: Term, parameter: Any) -> str:
    reason = f"{show(one)} is not {show(other)}"
    if variance is Variance.SAME:
        wider = _WIDER_NAME.get(target.cls.__name__)
        reason = f"{target.cls.__name__} is invariant, and {show(one)} is not the same as {show(other)}"
        return f"{reason}; {wider} would take it" if wider and source.cls is target.cls else reason
    return reason


def misfit(source: Term, target: Term) -> Relation:
    """Refuse, naming both."""
    return no(f"{show(source)} is not {show(target)}")


def refuses(relation: Relation) -> bool:
    """Whether the verdict is NO."""
    return relation.verdict is Verdict.NO


def both(first: Relation, second: Callable[[], Relation]) -> Relation:
    """Hold when both hold; the second is not asked when the first refuses."""
    if refuses(first):
        return first
    other = second()
    return first if other.verdict is Verdict.YES else other


def every(answers: Iterable[Callable[[], Relation]]) -> Relation:
    """Hold when all hold; the first refusal ends it."""
    worst = YES
    for answer in answers:
        found = answer()
        if refuses(found):
            return found
        if found.verdict is Verdict.UNKNOWN:
            worst = found
    return worst


def some(answers: Iterable[Callable[[], Relation]]) -> Relation:
    """Hold when one holds."""
    best: Relation | None = None
    for answer in answers:
        found = answer()
        if found.verdict is Verdict.YES:
            return found
        if found.verdict is Verdict.UNKNOWN or best is None:
            best = found
    return best or no("")
