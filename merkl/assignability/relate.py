"""The one entry point: rules of our own for what they know, pycroscope for the rest, every verdict remembered."""

from __future__ import annotations

import functools
from typing import Any

from merkl.assignability.parse import parse
from merkl.assignability.relation import YES, Relation, Verdict
from merkl.assignability.rules import Rules
from merkl.assignability.typing_rules import relate_by_typing_rules

__all__ = ["relate"]


def relate(source: Any, target: Any) -> Relation:
    """Say whether a value of type `source` may flow into a place of type `target`; never raises.

    >>> relate(bool, int).verdict.value, relate(list[int], list[float]).reason
    ('yes', 'list is invariant, and int is not the same as float; Sequence would take it')
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
    try:
        return Rules(relate_by_typing_rules).relate(parse(source), parse(target))
    except RecursionError:
        return Relation(Verdict.UNKNOWN, "the types nest too deeply")
    except Exception as error:  # noqa: BLE001  (a class may run any code when it is looked at)
        return Relation(Verdict.UNKNOWN, f"{type(error).__name__}: {error}")
