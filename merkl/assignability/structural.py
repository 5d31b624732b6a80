"""Protocols and callables: what counts is what a type can do, not what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from merkl.assignability.classes import is_protocol
from merkl.assignability.members import Member, find_member, protocol_members
from merkl.assignability.relation import YES, Relation, Verdict, no
from merkl.assignability.signatures import relate_callables
from merkl.assignability.terms import ANY, OBJECT, ClassOf, Fn, Inst, Term, Tup, show

if TYPE_CHECKING:
    from merkl.assignability.rules import Rules

__all__ = ["relate_class_object", "relate_protocol", "relate_to_callable"]


def relate_protocol(rules: Rules, source: Inst | Tup, target: Inst) -> Relation:
    """Say whether a class has all that a protocol asks for."""
    wanted = sorted(protocol_members(target.cls))
    if is_protocol(source.cls) and isinstance(source, Inst):
        missing = [name for name in wanted if name not in protocol_members(source.cls)]
        if missing:
            return no(f"{show(source)} has no {missing[0]}")
    worst = YES
    for name in wanted:
        place = find_member(target, name, source)
        member = find_member(source, name, source)
        if member is None:
            return no(f"{show(source)} has no {name}, which {show(target)} asks for")
        if isinstance(place, str) or isinstance(member, str) or place is None:
            return rules._ask(source, target)
        found = _member(rules, name, member, place)
        if found.verdict is Verdict.NO:
            return no(f"{name} of {show(source)} does not fit {show(target)}: {found.reason}")
        if found.verdict is Verdict.UNKNOWN:
            worst = found
    return worst


def _member(rules: Rules, name: str, member: Member, place: Member) -> Relation:
    found = _options(rules, member.options, place.options, ignore_names=name != "__call__")
    if found.verdict is Verdict.NO:
        return found
    if place.settable:
        if not member.settable:
            return no("it cannot be set")
        wanted = place.setter or place.options[0]
        given = member.setter or member.options[0]
        back = rules.relate(wanted, given)
        if back.verdict is Verdict.NO:
            return no(f"it can be set to {show(given)} only")
        if member.class_variable != place.class_variable:
            return no("one is a class variable, the other is not")
    elif place.class_variable and not member.class_variable:
        return no("it is no class variable")
    if place.class_or_static and not member.class_or_static:
        return no("it is no class method or static method")
    return found


def _options(
    rules: Rules, own: tuple[Term, ...], wanted: tuple[Term, ...], *, ignore_names: bool
) -> Relation:
    """Overloads: each that is wanted must be met by one that is there."""
    worst = YES
    for place in wanted:
        best: Relation | None = None
        for option in own:
            if isinstance(option, Fn) and isinstance(place, Fn):
                if option.variables or place.variables:
                    found = Relation(Verdict.UNKNOWN, "it is generic")
                else:
                    found = relate_callables(option, place, rules.relate, ignore_names=ignore_names)
            else:
                found = rules.relate(option, place)
            if found.verdict is Verdict.YES or best is None or best.verdict is Verdict.NO:
                best = found
            if best.verdict is Verdict.YES:
                break
        assert best is not None
        if best.verdict is Verdict.NO:
            return best
        if best.verdict is Verdict.UNKNOWN:
            worst = best
    return worst


def relate_to_callable(rules: Rules, source: Fn | Inst, target: Term) -> Relation:
    """Say whether something that may be called fits a callable, a protocol or a class."""
    if isinstance(source, Inst):
        return _instance_as_callable(rules, source, target)
    if isinstance(target, Fn):
        return relate_callables(source, target, rules.relate, ignore_names=False)
    if isinstance(target, Inst) and is_protocol(target.cls):
        return _callable_as_protocol(rules, source, target)
    if isinstance(target, Inst) and target.cls.__module__ == "types":
        return rules._ask(source, target)
    return no(f"{show(source)} is not {show(target)}")


def _instance_as_callable(rules: Rules, source: Inst, target: Term) -> Relation:
    call = find_member(source, "__call__", source)
    if call is None:
        return no(f"{show(source)} cannot be called")
    if isinstance(call, str):
        return rules._ask(source, target)
    return _options(rules, call.options, (target,), ignore_names=False)


def _callable_as_protocol(rules: Rules, source: Fn, target: Inst) -> Relation:
    names = protocol_members(target.cls)
    if names <= {"__hash__"}:
        return YES
    if "__call__" not in names:
        return no(f"{show(source)} is not {show(target)}") if len(names) else YES
    call = find_member(target, "__call__", target)
    if not isinstance(call, Member):
        return rules._ask(source, target)
    found = _options(rules, (source,), call.options, ignore_names=False)
    if found.verdict is not Verdict.NO and len(names) > 1:
        return rules._ask(source, target)
    return found


def relate_class_object(rules: Rules, source: ClassOf, target: Term) -> Relation:
    """Say whether a class object fits: another class object, a factory of its instances, or a protocol."""
    if isinstance(target, ClassOf):
        found = rules.relate(source.term, target.term)
        return no(f"{show(source)} is not {show(target)}") if found.verdict is Verdict.NO else found
    if isinstance(target, Fn):
        made = rules.relate(source.term, target.ret)
        return no(f"it makes {show(source.term)}, wanted {show(target.ret)}") if _no(made) else made
    if isinstance(target, Inst):
        if target.cls is type or target == OBJECT:
            return YES
        if source.term == ANY:
            return rules._ask(source, target)
        metaclass = type(source.term.cls) if isinstance(source.term, (Inst, Tup)) else type
        if is_protocol(target.cls):
            names = protocol_members(target.cls)
            if names <= {"__hash__"}:
                return YES
            if names == {"__call__"} or metaclass is type:
                return rules._ask(source, target)
        if metaclass is not type:
            return rules.relate(Inst(metaclass), target)
    return no(f"{show(source)} is not {show(target)}")


def _no(relation: Relation) -> bool:
    return relation.verdict is Verdict.NO
