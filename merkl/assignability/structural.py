"""Protocols and callables: what counts is what a type can do, not what it is called."""

from __future__ import annotations

import enum
import functools
import inspect
import types
from typing import TYPE_CHECKING, Any, TypeVar, cast

from merkl.assignability.classes import derives_from_any, is_protocol, is_stdlib
from merkl.assignability.members import Member, find_member, protocol_members
from merkl.assignability.parse import substitute_term
from merkl.assignability.relation import YES, Relation, Verdict, no
from merkl.assignability.signatures import relate_callables, solve
from merkl.assignability.terms import ANY, NEVER, OBJECT, ClassOf, Fn, Inst, Param, Term, Tup, show

if TYPE_CHECKING:
    from merkl.assignability.rules import Rules

__all__ = ["relate_class_object", "relate_protocol", "relate_to_callable"]

_CLASS_OF_NOTHING = ClassOf(NEVER)


def relate_protocol(
    rules: Rules,
    source: Inst | Tup,
    target: Inst,
    *,
    of_class: bool = False,
    skip: frozenset[str] = frozenset(),
    as_self: Term | None = None,
) -> Relation:
    """Say whether a class has all that a protocol asks for; `of_class`, whether the class object has.

    `skip` are members that need not be looked at; `as_self` is what methods are bound to, if not to an instance.
    """
    wanted = sorted(protocol_members(target.cls) - skip)
    if is_protocol(source.cls) and not of_class:
        missing = [name for name in wanted if name not in protocol_members(source.cls)]
        if missing:
            return no(f"{show(source)} has no {missing[0]}")
    worst = YES
    must_ask = False
    for name in wanted:
        place = find_member(target, name, source)
        member = find_member(source, name, as_self or source, of_class=of_class)
        if name == "__call__" and issubclass(source.cls, type) and not of_class:
            member = None  # of a class that is not known mypy doesn't say what it makes
        if member is None:
            return no(f"{show(source)} has no {name}, which {show(target)} asks for")
        if isinstance(place, str) or isinstance(member, str) or place is None:
            must_ask = True  # unless another member refuses for sure
            continue
        found = _member(rules, name, member, place, of_class)
        if found.verdict is Verdict.NO:
            return no(f"{name} of {show(source)} does not fit {show(target)}: {found.reason}")
        if found.verdict is Verdict.UNKNOWN:
            worst = found
    if of_class:
        return rules.ask_about(ClassOf(source), target) if must_ask else worst
    if must_ask or worst.verdict is Verdict.UNKNOWN:
        found = rules.ask_about(source, target)
        return Relation(Verdict.UNKNOWN, found.reason) if _no(found) else found
    return worst


def _member(rules: Rules, name: str, member: Member, place: Member, of_class: bool) -> Relation:
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
        if not of_class and member.class_variable != place.class_variable:
            return no("one is a class variable, the other is not")
    elif not of_class and place.class_variable and not member.class_variable:
        return no("it is no class variable")
    if of_class and (place.class_variable or (place.variable and not member.class_variable)):
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
                found = _callables(rules, option, place, ignore_names)
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


def _callables(rules: Rules, own: Fn, wanted: Fn, ignore_names: bool) -> Relation:
    """One signature against another; type variables of the first take what the second gives them."""
    if own == wanted:
        return YES
    if wanted.variables:
        if not all(map(_is_free, wanted.variables)):
            return Relation(Verdict.UNKNOWN, "it is generic")
        some: dict[Any, Term] = {variable: Inst(_some_class(variable)) for variable in wanted.variables}
        wanted = cast(Fn, substitute_term(Fn(wanted.params, wanted.ret), some))
    solved = solve(own, wanted) if own.variables else own
    if solved is None:
        return Relation(Verdict.UNKNOWN, "it is generic")
    found = relate_callables(solved, wanted, rules.relate, ignore_names=ignore_names)
    follows = any(p.term == own.ret for p in own.params or ())  # a wider solution returns something wider
    if own.variables and found.verdict is Verdict.NO and own.ret != solved.ret and not follows:
        # Another solution may fit; only parameters that no solution can take refuse for sure.
        loose = Fn(tuple(_loosened(p, own.variables) for p in own.params or ()), ANY)
        rough = relate_callables(loose, wanted, rules.relate, ignore_names=ignore_names)
        return found if rough.verdict is Verdict.NO else Relation(Verdict.UNKNOWN, "it is generic")
    return found


def _is_free(variable: Any) -> bool:
    return (
        isinstance(variable, TypeVar)
        and getattr(variable, "__bound__", None) is None
        and not variable.__constraints__
    )


@functools.lru_cache(maxsize=256)
def _some_class(variable: Any) -> type:
    """A class that stands for whatever a caller will put in the place of a type variable: nothing is known of it."""
    return type(variable.__name__, (), {})


def _loosened(param: Param, variables: tuple[Any, ...]) -> Param:
    return Param(
        substitute_term(param.term, dict.fromkeys(variables, ANY)), param.kind, param.name, param.required
    )


def relate_to_callable(rules: Rules, source: Fn | Inst, target: Term) -> Relation:
    """Say whether something that may be called fits a callable, a protocol or a class."""
    if isinstance(source, Inst):
        return _instance_as_callable(rules, source, target)
    if isinstance(target, Fn):
        return _callables(rules, source, target, ignore_names=False)
    if isinstance(target, Inst) and is_protocol(target.cls):
        return _callable_as_protocol(rules, source, target)
    if isinstance(target, Inst) and target.cls.__module__ == "types":
        return rules.ask_about(source, target)
    return no(f"{show(source)} is not {show(target)}")


def _instance_as_callable(rules: Rules, source: Inst, target: Term) -> Relation:
    call = find_member(source, "__call__", source, on_demand=False)
    if call is None:
        return no(f"{show(source)} cannot be called")
    if isinstance(call, str):
        if issubclass(source.cls, type):
            return Relation(Verdict.UNKNOWN, "what a metaclass makes depends on the class")
        return rules.ask_about(source, target)
    return _options(rules, call.options, (target,), ignore_names=False)


def _callable_as_protocol(rules: Rules, source: Fn, target: Inst) -> Relation:
    names = protocol_members(target.cls)
    if names <= {"__hash__"}:
        return YES
    if "__call__" not in names:
        return rules.relate(Inst(types.FunctionType), target)
    call = find_member(target, "__call__", target)
    if not isinstance(call, Member):
        return rules.ask_about(source, target)
    found = _options(rules, (source,), call.options, ignore_names=False)
    if found.verdict is Verdict.NO or len(names) == 1:
        return found
    function = Inst(types.FunctionType)
    others = relate_protocol(rules, function, target, skip=frozenset({"__call__"}))
    return found if others.verdict is Verdict.YES else others


def relate_class_object(rules: Rules, source: ClassOf, target: Term) -> Relation:
    """Say whether a class object fits: another class object, a factory of its instances, or a protocol."""
    if isinstance(target, ClassOf):
        found = rules.relate(source.term, target.term)
        return no(f"{show(source)} is not {show(target)}") if found.verdict is Verdict.NO else found
    if isinstance(target, Fn):
        made = rules.relate(source.term, target.ret)
        return no(f"it makes {show(source.term)}, wanted {show(target.ret)}") if _no(made) else made
    if isinstance(target, Inst):
        return _class_as_instance(rules, source, target)
    return no(f"{show(source)} is not {show(target)}")


def _class_as_instance(rules: Rules, source: ClassOf, target: Inst) -> Relation:
    if target.cls is type or target == OBJECT:
        return YES
    if not isinstance(source.term, Inst):
        return no(f"{show(source)} is not {show(target)}")
    if derives_from_any(source.term.cls):
        return YES
    if is_protocol(target.cls):
        if "__call__" in protocol_members(target.cls):
            return _class_as_factory(rules, source, source.term, target)
        found = relate_protocol(rules, source.term, target, of_class=True)
        if found.verdict is not Verdict.NO:
            return found
    metaclass = type(source.term.cls)
    if metaclass is type and not is_protocol(target.cls):
        return no(f"{show(source)} is not {show(target)}")
    if is_protocol(target.cls) and target.cls not in inspect.getmro(metaclass):
        # As mypy binds `cls: type[T]` of a metaclass: T is nothing, which what is returned may be for all it asks.
        found = rules.assume(
            source, target, lambda: relate_protocol(rules, Inst(metaclass), target, as_self=_CLASS_OF_NOTHING)
        )
    else:
        found = rules.relate(Inst(metaclass), target)
    if _no(found) and is_protocol(target.cls) and _has_methods_of_some(Inst(metaclass), target):
        return Relation(Verdict.UNKNOWN, "a method of the metaclass is for some classes only")
    return found


def _class_as_factory(rules: Rules, source: ClassOf, made: Inst, target: Inst) -> Relation:
    """A class where something to call is wanted: it must give what is asked for, and take what is passed."""
    call = find_member(target, "__call__", target)
    by_new = any("__new__" in vars(c) and not is_stdlib(c) for c in made.cls.__mro__)
    for option in call.options if isinstance(call, Member) and not by_new else ():
        if isinstance(option, Fn) and _no(rules.relate(made, option.ret)):
            return no(f"it makes {show(made)}, wanted {show(option.ret)}")
    found = rules.ask_about(source, target)
    # Pycroscope looks at the `__init__` of an enum, which type checkers do not.
    return (
        Relation(Verdict.UNKNOWN, found.reason) if issubclass(made.cls, enum.Enum) and _no(found) else found
    )


def _has_methods_of_some(metaclass: Inst, target: Inst) -> bool:
    """Whether a member that the protocol asks for depends on the class, as `EnumType.__iter__` with its typed self."""
    return any(
        isinstance(find_member(metaclass, name, _CLASS_OF_NOTHING), str)
        for name in protocol_members(target.cls)
    )


def _no(relation: Relation) -> bool:
    return relation.verdict is Verdict.NO
