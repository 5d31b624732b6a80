"""Callables: signatures read from functions, and the rules by which one callable stands in for another."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpecArgs, ParamSpecKwargs, get_origin

from merkl._base.hints import resolve_hints
from merkl._base.type_forms import is_named
from merkl.assignability.nominal import as_base
from merkl.assignability.parse import ANY_REST, is_spread, parse, substitute_term, variables_in
from merkl.assignability.relation import YES, Relation, Verdict, no
from merkl.assignability.terms import (
    ANY,
    NEVER,
    ClassOf,
    Fn,
    Inst,
    Kind,
    Opaque,
    Param,
    Term,
    UnionTerm,
    Var,
    show,
    union,
)
from merkl.assignability.typeshed import StubFunction, Unresolved

__all__ = ["bound_signature", "relate_callables", "solve", "stub_signature"]

Relate = Callable[[Term, Term], Relation]

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: Kind.POSITIONAL,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: Kind.NORMAL,
    inspect.Parameter.KEYWORD_ONLY: Kind.KEYWORD,
    inspect.Parameter.VAR_POSITIONAL: Kind.STAR,
    inspect.Parameter.VAR_KEYWORD: Kind.STAR_STAR,
}


def bound_signature(function: Any, *, static: bool, known: tuple[Any, ...] = ()) -> Fn | None:
    """Give the type of a function as a method bound to its instance, or None when it can't be told.

    `known` are the type variables of its class; any others are the function's own.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    hints = resolve_hints(function)
    params: list[Param] = []
    for parameter in signature.parameters.values():
        hint = hints.parameters.get(parameter.name, Any)
        if isinstance(hint, (ParamSpecArgs, ParamSpecKwargs)):
            if isinstance(hint, ParamSpecArgs):
                params.append(Param(Var(get_origin(hint)), Kind.STAR, None, False))
            continue
        term = parse(hint)
        if isinstance(term, Opaque) and not is_named(term.form, "Self"):
            return None
        kind = _KINDS[parameter.kind]
        required = parameter.default is parameter.empty and kind not in (Kind.STAR, Kind.STAR_STAR)
        if kind is Kind.NORMAL and _is_private(parameter.name, function):
            kind = Kind.POSITIONAL
        params.append(Param(term, kind, None if kind is Kind.POSITIONAL else parameter.name, required))
    ret = parse(hints.returns)
    if inspect.iscoroutinefunction(function):
        ret = Inst(Coroutine, (ANY, ANY, ret))
    return _bound(params, ret, static, known)


def _is_private(name: str, function: Any) -> bool:
    """Whether a parameter is positional by its name alone, which inside a class is mangled."""
    around = getattr(function, "__qualname__", "").split(".")[-2:-1]
    for cls in around:
        name = name.removeprefix(f"_{cls.lstrip('_')}") if name.startswith(f"_{cls.lstrip('_')}__") else name
    return name.startswith("__") and not name.endswith("__")


def stub_signature(
    function: StubFunction, known: tuple[Any, ...], *, static: bool, self_term: Term = ANY
) -> Fn | None:
    """Give the type of a method in a stub, bound to its instance; None when parts of it exist in stubs only.

    `self_term` is what type variables in the annotation of self stand for.
    """
    params: list[Param] = []
    for name, written_kind, form, required in function.parameters:
        if isinstance(form, Unresolved):
            return None
        kind = _KINDS[written_kind]
        if kind is Kind.NORMAL and name.startswith("__") and not name.endswith("__"):
            kind = Kind.POSITIONAL
        params.append(Param(parse(form), kind, None if kind is Kind.POSITIONAL else name, required))
    if isinstance(function.returns, Unresolved):
        return None
    ret = parse(function.returns)
    if function.is_async:
        ret = Inst(Coroutine, (ANY, ANY, ret))
    if params and not static and self_term != ANY:
        params, ret = _with_known_self(params, ret, self_term)
    return _bound(params, ret, static, known)


def _with_known_self(params: list[Param], ret: Term, self_term: Term) -> tuple[list[Param], Term]:
    """The parameters and the result when an annotated self, such as `cls: type[T]`, tells what T is."""
    first, variables = params[0], variables_in(params[0].term)
    found: dict[Any, list[Term]] = {}
    _match(first.term, self_term, variables, found)
    if not variables or set(found) != set(variables):
        return params, ret
    whole = substitute_term(Fn(tuple(params[1:]), ret), {v: union(tuple(t)) for v, t in found.items()})
    assert isinstance(whole, Fn)
    return [Param(ANY, first.kind, first.name), *(whole.params or ())], whole.ret


def _bound(params: list[Param], ret: Term, static: bool, known: tuple[Any, ...]) -> Fn | None:
    if not static:
        if not params:
            return None
        if params[0].kind in (Kind.POSITIONAL, Kind.NORMAL):
            if params[0].term != ANY:
                return None  # an annotated self binds type variables
            params = params[1:]
        elif params[0].kind is not Kind.STAR:
            return None
    own: dict[Any, None] = {}
    for term in (*(p.term for p in params), ret):
        for variable in variables_in(term):
            if variable not in known:
                own.setdefault(variable)
    return Fn(tuple(params), ret, tuple(own))


def solve(left: Fn, right: Fn) -> Fn | None:
    """Give `left` with its type variables replaced by what `right` passes to it, or None where that is not plain."""
    found: dict[Any, list[Term]] = {}
    given = [p.term for p in right.params or () if p.kind in (Kind.POSITIONAL, Kind.NORMAL)]
    for own, term in zip([p.term for p in left.params or ()], given, strict=False):
        _match(own, term, left.variables, found)
    for variable in left.variables:
        if variable not in found:
            _match(left.ret, right.ret, (variable,), found)
        if variable not in found:
            found[variable] = [NEVER]
        if not _within_bound(variable):
            return None
    values = {variable: union(tuple(terms)) for variable, terms in found.items()}
    solved = substitute_term(Fn(left.params, left.ret), values)
    assert isinstance(solved, Fn)
    return solved


def _match(own: Term, given: Term, variables: tuple[Any, ...], found: dict[Any, list[Term]]) -> None:
    if isinstance(own, Var) and own.var in variables:
        found.setdefault(own.var, []).append(given)
    elif isinstance(own, ClassOf) and isinstance(given, ClassOf):
        _match(own.term, given.term, variables, found)
    elif isinstance(own, Inst) and isinstance(given, Inst):
        seen = as_base(given, own.cls)
        for one, other in zip(own.args, seen.args if seen is not None else (), strict=False):
            _match(one, other, variables, found)
    elif isinstance(own, UnionTerm):
        inner = [m for m in own.members if variables_in(m)]
        rest = [
            m for m in (given.members if isinstance(given, UnionTerm) else (given,)) if m not in own.members
        ]
        for member in inner:
            for term in rest:
                _match(member, term, variables, found)


def _within_bound(variable: Any) -> bool:
    return not getattr(variable, "__constraints__", ()) and getattr(variable, "__bound__", None) is None


def relate_callables(left: Fn, right: Fn, relate: Relate, *, ignore_names: bool) -> Relation:
    """Say whether a callable `left` may stand where `right` is asked for.

    The rules are those of mypy: each argument that `right` takes must be taken by `left`, by position and name,
    and `left` may require none that `right` doesn't.
    """
    worst = relate(left.ret, right.ret)
    if worst.verdict is Verdict.NO:
        return no(f"it returns {show(left.ret)}, wanted {show(right.ret)}")
    given, wanted = _opened(left.params), _opened(right.params)
    if wanted is None or given is None or _is_anything(wanted):
        return worst
    return _Match(given, wanted, relate, ignore_names).verdict(worst)


def _opened(params: tuple[Param, ...] | None) -> tuple[Param, ...] | None:
    """The parameters with anything at all where a ParamSpec is not known."""
    if params is None or not any(map(is_spread, params)):
        return params
    return None if len(params) == 1 else (*(p for p in params if not is_spread(p)), *ANY_REST)


def _is_anything(params: tuple[Param, ...]) -> bool:
    return [p.kind for p in params] == [Kind.STAR, Kind.STAR_STAR] and all(p.term == ANY for p in params)


class _Match:
    """One pair of parameter lists being matched."""

    def __init__(
        self, left: tuple[Param, ...], right: tuple[Param, ...], relate: Relate, ignore_names: bool
    ) -> None:
        self.left, self.right = left, right
        self.relate = relate
        self.ignore_names = ignore_names
        self.left_plain = [p for p in left if p.kind not in (Kind.STAR, Kind.STAR_STAR)]
        self.right_plain = [p for p in right if p.kind not in (Kind.STAR, Kind.STAR_STAR)]
        self.any_suffix = _is_anything(right[-2:])

    def verdict(self, worst: Relation) -> Relation:
        for step in (self._stars, self._each_of_right, self._beyond_right, self._required_by_left):
            found = step()
            if found.verdict is Verdict.NO:
                return found
            if found.verdict is Verdict.UNKNOWN:
                worst = found
            if step == self._each_of_right and self.any_suffix:
                return worst
        return worst

    def _stars(self) -> Relation:
        worst = YES
        for kind in (Kind.STAR, Kind.STAR_STAR):
            mine, wanted = _star(self.left, kind), _star(self.right, kind)
            if wanted is None or (kind is Kind.STAR and self._lenient_star()):
                continue
            if mine is None:
                if not self.any_suffix:
                    return no(f"it takes no {'*args' if kind is Kind.STAR else '**kwargs'}")
                continue
            worst = _worse(worst, self._argument(wanted.term, mine.term))
            if worst.verdict is Verdict.NO:
                return worst
        return worst

    def _lenient_star(self) -> bool:
        """`*args: Any` alone at the end stands for any positional rest."""
        last = self.right[-1]
        positional = (Kind.POSITIONAL, Kind.NORMAL, Kind.STAR)
        return last.kind is Kind.STAR and last.term == ANY and all(p.kind in positional for p in self.left)

    def _argument(self, given: Term, taken: Term) -> Relation:
        found = self.relate(given, taken)
        return no(f"it takes {show(taken)}, is given {show(given)}") if found.verdict is Verdict.NO else found

    def _each_of_right(self) -> Relation:
        worst = YES
        for wanted in self.right_plain:
            position = _position(self.right, wanted)
            mine = self._counterpart(wanted, position)
            if mine is None:
                return no(f"it takes no argument {wanted.name or f'number {(position or 0) + 1}'}")
            worst = _worse(worst, self._compatible(mine, wanted, position))
            if worst.verdict is Verdict.NO:
                return worst
        return worst

    def _counterpart(
        self, wanted: Param, position: int | None
    ) -> tuple[Param, int | None, str | None] | None:
        by_name = self._by_name(wanted.name) if wanted.name is not None else None
        by_position = self._by_position(position) if position is not None else None
        if (
            by_name is not None
            and by_position is not None
            and by_name != by_position
            and by_name[0].kind is Kind.STAR_STAR
            and by_position[0].kind is Kind.STAR
        ):
            # `*args, **kwargs` together take an argument either way, if both of their types do.
            wide, other = by_position[0].term, by_name[0].term
            narrower = other if self.relate(other, wide).verdict is Verdict.YES else wide
            return Param(narrower, Kind.NORMAL, wanted.name, required=False), position, wanted.name
        return by_name if by_name is not None else by_position

    def _by_name(self, name: str) -> tuple[Param, int | None, str | None] | None:
        for param in self.left_plain:
            if param.name == name:
                return param, _position(self.left, param), name
        star = _star(self.left, Kind.STAR_STAR)
        return (star, None, name) if star is not None else None

    def _by_position(self, position: int) -> tuple[Param, int | None, str | None] | None:
        positional = [p for p in self.left if p.kind in (Kind.POSITIONAL, Kind.NORMAL)]
        if position < len(positional):
            return positional[position], position, positional[position].name
        star = _star(self.left, Kind.STAR)
        return (star, position, None) if star is not None else None

    def _compatible(
        self, mine: tuple[Param, int | None, str | None], wanted: Param, position: int | None
    ) -> Relation:
        param, own_position, own_name = mine
        if (
            wanted.name is not None
            and own_name != wanted.name
            and (not self.ignore_names or position is None)
        ):
            return no(f"its argument {own_name or 'there'} is not called {wanted.name}")
        if position is not None and own_position != position:
            return no(f"its argument {wanted.name} stands elsewhere")
        if not wanted.required and param.required:
            return no(f"its argument {own_name or ''} is required")
        return self._argument(wanted.term, param.term)

    def _beyond_right(self) -> Relation:
        """What the open ends of `right` may still pass to `left`."""
        worst = YES
        star = _star(self.right, Kind.STAR)
        if star is not None and not self._lenient_star():
            first = sum(p.kind in (Kind.POSITIONAL, Kind.NORMAL) for p in self.right)
            for param in [p for p in self.left if p.kind in (Kind.POSITIONAL, Kind.NORMAL)][first:]:
                if param.required:
                    return no(f"its argument {param.name or ''} is required")
                worst = _worse(worst, self._argument(star.term, param.term))
        keywords = _star(self.right, Kind.STAR_STAR)
        if keywords is not None:
            names = {p.name for p in self.right}
            for param in self.left_plain:
                if param.name is None or param.name in names:
                    continue
                if param.required:
                    return no(f"its argument {param.name} is required")
                worst = _worse(worst, self._argument(keywords.term, param.term))
        return worst

    def _required_by_left(self) -> Relation:
        right_positional = sum(p.kind in (Kind.POSITIONAL, Kind.NORMAL) for p in self.right)
        open_names = _star(self.right, Kind.STAR_STAR) is not None
        open_positions = _star(self.right, Kind.STAR) is not None
        for param in self.left_plain:
            if not param.required:
                continue
            position = _position(self.left, param)
            by_position = position is not None and (position < right_positional or open_positions)
            by_name = param.name is not None and (
                open_names or any(p.name == param.name for p in self.right_plain)
            )
            if not by_position and not by_name:
                return no(f"its argument {param.name or f'number {(position or 0) + 1}'} is required")
        return YES


def _star(params: tuple[Param, ...], kind: Kind) -> Param | None:
    return next((p for p in params if p.kind is kind), None)


def _position(params: tuple[Param, ...], param: Param) -> int | None:
    positional = [p for p in params if p.kind in (Kind.POSITIONAL, Kind.NORMAL)]
    return next((i for i, p in enumerate(positional) if p is param), None)


def _worse(one: Relation, other: Relation) -> Relation:
    if one.verdict is Verdict.NO or other.verdict is Verdict.YES:
        return one
    return other
