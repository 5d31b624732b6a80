"""The one entry point: a cheap test for the usual pairs, the rules for the rest, every verdict remembered."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, get_args

from merkl._base.lazy import LazyModule
from merkl._base.type_forms import is_union
from merkl.assignability.relation import YES, Relation

if TYPE_CHECKING:
    from merkl.assignability import engine
else:
    engine = LazyModule("merkl.assignability.engine")  # the usual pairs never need it

__all__ = ["relate"]


def relate(source: Any, target: Any) -> Relation:
    """Say whether a value of type `source` may flow into a place of type `target`; never raises.

    Both are runtime type forms, as `resolve_hints` gives them.

    >>> relate(bool, int).verdict.value, relate(list[int], list[float]).reason
    ('yes', 'list is invariant, and int is not the same as float; Sequence would take it')
    """
    if source is target or target is Any or source is Any or target is object:
        return YES
    try:
        return _remembered(source, target)
    except Exception:  # noqa: BLE001  (unhashable: Annotated[int, []]; or a metaclass that raises when compared)
        return engine.answer(source, target)


@functools.lru_cache(maxsize=8192)
def _remembered(source: Any, target: Any) -> Relation:
    return YES if _clearly_fits(source, target) else engine.answer(source, target)


_FLOATS = frozenset({int, float})
_COMPLEX = frozenset({int, float, complex})


def _clearly_fits(source: Any, target: Any) -> bool:
    """The cheap test: a class and its base, a number and a wider one, a member of a union."""
    if source == target:
        return type(source) is type(target)
    if type(source) is type:
        if type(target) is type and source is not type:
            if target is float or target is complex:
                return source in (_FLOATS if target is float else _COMPLEX)
            # `dict` and `tuple` are bases of TypedDict and NamedTuple in other ways; a generic base is no cheap case.
            return target in source.__mro__ and not _is_special(target)
        if is_union(target):
            return source in get_args(target)
    return False


def _is_special(target: type) -> bool:
    return target in (dict, tuple) or hasattr(target, "__class_getitem__") or hasattr(target, "_is_protocol")
