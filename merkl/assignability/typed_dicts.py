"""A TypedDict where another type is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_origin

from merkl._base.type_forms import is_typed_dict
from merkl._base.typed_dicts import Key, typed_dict_keys
from merkl.assignability.classes import is_protocol, original_bases, parameters
from merkl.assignability.nominal import as_base
from merkl.assignability.parse import parse, substitute_term
from merkl.assignability.relation import YES, Relation, Verdict, no
from merkl.assignability.terms import OBJECT, Inst, Record, Term, show

if TYPE_CHECKING:
    from merkl.assignability.rules import Rules

__all__ = ["key_term", "relate_typed_dicts"]

_AS_MAPPING = Inst(Mapping, (Inst(str), OBJECT))


def relate_typed_dicts(rules: Rules, source: Record, target: Term) -> Relation:
    """Say whether a TypedDict fits: another one key by key, else as a `Mapping[str, object]`."""
    if isinstance(target, Record):
        return _keys(rules, source, target)
    if isinstance(target, Inst):
        if as_base(_AS_MAPPING, target.cls) is not None:
            return rules.relate(_AS_MAPPING, target)
        if is_protocol(target.cls):
            return rules.relate(_AS_MAPPING, target)
    return no(f"{show(source)} is not {show(target)}")


def _keys(rules: Rules, source: Record, target: Record) -> Relation:
    own, wanted = typed_dict_keys(source.cls), typed_dict_keys(target.cls)
    worst = YES
    for name, place in wanted.items():
        key = own.get(name)
        refusal = _shape(source, target, name, key, place, rules)
        if refusal is not None:
            return no(refusal)
        if key is None:
            continue
        one, other = key_term(source, name), key_term(target, name)
        found = rules.relate(one, other) if place.read_only else rules.same(one, other)
        if found.verdict is Verdict.NO:
            return no(f"key {name!r} is {show(one)}, wanted {show(other)}")
        if found.verdict is Verdict.UNKNOWN:
            worst = found
    if _is_closed(target.cls) and not _is_closed(source.cls):
        return no(f"{show(source)} may hold more keys than {show(target)}")
    return worst


def _shape(
    source: Record, target: Record, name: str, key: Key | None, place: Key, rules: Rules
) -> str | None:
    if key is None:
        optional_anything = place.read_only and not place.required
        if optional_anything and rules.relate(OBJECT, key_term(target, name)).verdict is Verdict.YES:
            return None
        return f"{show(source)} has no key {name!r}"
    if place.required and not key.required:
        return f"key {name!r} may be missing"
    if not place.read_only and key.read_only:
        return f"key {name!r} is read-only"
    if not place.read_only and not place.required and key.required:
        return f"key {name!r} is required in {show(source)}, but {show(target)} allows to delete it"
    return None


def key_term(record: Record, name: str) -> Term:
    """Give the type of a key, in which the type variables of the class that declares it are known."""
    known = dict(zip(parameters(record.cls), record.args, strict=False))
    for base in original_bases(record.cls):
        term = parse(base)
        if isinstance(term, Record) and name in typed_dict_keys(term.cls):
            return key_term(Record(term.cls, tuple(substitute_term(a, known) for a in term.args)), name)
    return substitute_term(parse(typed_dict_keys(record.cls)[name].hint), known)


def _is_closed(cls: type) -> bool:
    declared: bool | None = vars(cls).get("__closed__")
    if declared is not None:
        return declared
    bases = (get_origin(base) or base for base in original_bases(cls))
    return any(_is_closed(base) for base in bases if is_typed_dict(base))
