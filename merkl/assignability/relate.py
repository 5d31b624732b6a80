"""The one entry point: a cheap test for the usual pairs, the full rules for the rest, every verdict remembered."""

from __future__ import annotations

import functools
from typing import Any

from merkl.assignability.relation import YES, Relation
from merkl.assignability.typing_rules import relate_by_typing_rules

__all__ = ["relate"]


def relate(source: Any, target: Any) -> Relation:
    """Say whether a value of type `source` may flow into a place of type `target`; never raises.

    >>> relate(bool, int).verdict.value, relate(str, int).verdict.value
    ('yes', 'no')
    """
    if source is target or target is Any or source is Any or target is object:
        return YES
    try:
        return _remembered(source, target)
    except TypeError:  # unhashable: Annotated[int, []]
        return _relate(source, target)


@functools.lru_cache(maxsize=8192)
def _remembered(source: Any, target: Any) -> Relation:
    return _relate(source, target)


def _relate(source: Any, target: Any) -> Relation:
    return relate_by_typing_rules(source, target)
