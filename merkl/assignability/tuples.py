"""One tuple type against another, item by item, where at most one stretch of each is of open length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from merkl.assignability.nominal import as_base
from merkl.assignability.relation import YES, Relation, Verdict, no
from merkl.assignability.terms import ANY, OBJECT, Inst, Rest, Term, Tup, show

if TYPE_CHECKING:
    from merkl.assignability.rules import Rules

__all__ = ["relate_tuples"]


def relate_tuples(rules: Rules, source: Tup, target: Tup) -> Relation:
    """Say whether one tuple fits another; a NamedTuple fits a tuple of its items, never the reverse."""
    if any(isinstance(i, Rest) for i in target.items):
        return _into_open(rules, source, target)  # for which mypy asks of no class
    if target.cls is not tuple and target.cls not in source.cls.__mro__:
        return no(f"{show(source)} is not {show(target)}")
    if any(isinstance(i, Rest) for i in source.items):
        fitted = _stretched(source, len(target.items))
        if fitted is None and _object_takes_rest(source, target):
            fitted = source
        if fitted is None:
            return no(f"{show(source)} may have another length than {show(target)}")
        source = fitted
    if len(source.items) != len(target.items):
        return no(f"{show(source)} has {len(source.items)} items, wanted {len(target.items)}")
    worst = YES
    for index, (one, other) in enumerate(zip(source.items, target.items, strict=True)):
        found = rules.relate(one, other)
        if found.verdict is Verdict.NO:
            return no(f"item {index} is {show(one)}, wanted {show(other)}")
        if found.verdict is Verdict.UNKNOWN:
            worst = found
    if target.cls is not tuple and target.args:
        seen = as_base(Inst(source.cls, source.args), target.cls)
        found = rules.relate_arguments(seen, Inst(target.cls, target.args)) if seen is not None else YES
        worst = worst if found.verdict is Verdict.YES else found
    return worst


def _object_takes_rest(source: Tup, target: Tup) -> bool:
    """As mypy has it, an open stretch fits where one item of type object stands."""
    at = next(i for i, item in enumerate(source.items) if isinstance(item, Rest))
    return len(source.items) == len(target.items) and target.items[at] == OBJECT


def _stretched(source: Tup, length: int) -> Tup | None:
    """A tuple with an open stretch of Any takes any length; one of another type has no certain length."""
    at = next(i for i, item in enumerate(source.items) if isinstance(item, Rest))
    rest = source.items[at]
    assert isinstance(rest, Rest)
    missing = length - (len(source.items) - 1)
    if rest.item != ANY or missing < 0:
        return None
    return Tup((*source.items[:at], *[ANY] * missing, *source.items[at + 1 :]), source.cls, source.args)


def _into_open(rules: Rules, source: Tup, target: Tup) -> Relation:
    at = next(i for i, item in enumerate(target.items) if isinstance(item, Rest))
    head, rest, tail = target.items[:at], target.items[at], target.items[at + 1 :]
    assert isinstance(rest, Rest)
    own = next((i for i, item in enumerate(source.items) if isinstance(item, Rest)), None)
    if own is None:
        if len(source.items) < len(head) + len(tail):
            return no(f"{show(source)} is shorter than {show(target)}")
        middle = source.items[len(head) : len(source.items) - len(tail)]
        pairs = [
            *zip(source.items, head, strict=False),
            *((item, rest.item) for item in middle),
            *zip(source.items[len(source.items) - len(tail) :], tail, strict=True),
        ]
        return _all(rules, pairs)
    open_item = source.items[own]
    assert isinstance(open_item, Rest)
    anything = open_item.item == ANY
    if not anything and len(source.items) < len(target.items):
        return no(f"{show(source)} may be shorter than {show(target)}")
    first = rules.relate(open_item.item, rest.item)
    if first.verdict is Verdict.NO:
        return first
    own_tail = len(source.items) - own - 1
    overlap = max(0, len(head) - own, len(tail) - own_tail, len(head) - own + len(tail) - own_tail)
    worst = first
    for extra in range(overlap + 1):
        items = (*source.items[:own], *[open_item.item] * extra, *source.items[own + 1 :])
        found = _into_open(rules, Tup(items, source.cls, source.args), target)
        if found.verdict is Verdict.NO and not anything:
            return found
        if found.verdict is not Verdict.NO and anything:
            return found
        if found.verdict is Verdict.UNKNOWN:
            worst = found
    return no(f"{show(source)} is not {show(target)}") if anything else worst


def _all(rules: Rules, pairs: list[tuple[Term, Term]]) -> Relation:
    worst = YES
    for one, other in pairs:
        found = rules.relate(one, other)
        if found.verdict is Verdict.NO:
            return no(f"its item {show(one)} is not {show(other)}")
        if found.verdict is Verdict.UNKNOWN:
            worst = found
    return worst
