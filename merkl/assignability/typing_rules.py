"""The full typing rules, by pycroscope and typeshed: the only importer of pycroscope, on first need."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from merkl.assignability.relation import YES, Relation, Verdict, no

__all__ = ["relate_by_typing_rules"]


class _Rules:
    """Pycroscope's checker with what we need of it; costs half a second to load."""

    def __init__(self) -> None:
        annotations: Any = importlib.import_module("pycroscope.annotations")
        relations: Any = importlib.import_module("pycroscope.relations")
        checker: Any = importlib.import_module("pycroscope.checker")
        value: Any = importlib.import_module("pycroscope.value")
        self.to_value = annotations.type_from_runtime
        self.has_relation = relations.has_relation
        self.assignable = relations.Relation.ASSIGNABLE
        self.error = value.CanAssignError
        self.checker = checker.Checker()

    def relate(self, source: Any, target: Any) -> Relation:
        answer = self.has_relation(
            self.to_value(target), self.to_value(source), self.assignable, self.checker
        )
        if isinstance(answer, self.error):
            return no(str(answer.display(depth=0)).strip())
        return YES


@functools.cache
def _rules() -> _Rules:
    return _Rules()


def relate_by_typing_rules(source: Any, target: Any) -> Relation:
    """Ask the typing rules whether `source` fits `target`; whatever they choke on is UNKNOWN."""
    try:
        return _rules().relate(source, target)
    except RecursionError:
        return Relation(Verdict.UNKNOWN, "the types nest too deeply")
    except Exception as error:  # noqa: BLE001  (a third-party rule engine on unforeseen types)
        return Relation(Verdict.UNKNOWN, f"the typing rules failed: {type(error).__name__}: {error}")
