"""Puts the rules to work on one pair of runtime types, and turns whatever goes wrong into UNKNOWN."""

from __future__ import annotations

from typing import Any

from merkl.assignability.parse import parse
from merkl.assignability.relation import Relation, Verdict
from merkl.assignability.rules import Rules
from merkl.assignability.typing_rules import relate_by_typing_rules

__all__ = ["answer"]


def answer(source: Any, target: Any) -> Relation:
    """Relate two runtime types by the rules, asking pycroscope for what they don't know; never raises.

    >>> answer(dict[str, int], dict[str, str]).verdict.value
    'no'
    """
    try:
        return Rules(relate_by_typing_rules).relate(parse(source), parse(target))
    except RecursionError:
        return Relation(Verdict.UNKNOWN, "the types nest too deeply")
    except Exception as error:  # noqa: BLE001  (a class may run any code when it is looked at)
        return Relation(Verdict.UNKNOWN, f"{type(error).__name__}: {error}")
