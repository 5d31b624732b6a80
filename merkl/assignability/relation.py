"""The answer to "may a value of this type flow in there?": a verdict, and the reason when it is no."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["UNKNOWN", "YES", "Relation", "Verdict", "no"]


class Verdict(Enum):
    """May the value flow in? UNKNOWN means that the types do not decide it: let it pass."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Relation:
    """A verdict; `reason` is empty unless it is NO (what does not fit) or UNKNOWN (what could not be decided)."""

    verdict: Verdict
    reason: str = ""


YES = Relation(Verdict.YES)
UNKNOWN = Relation(Verdict.UNKNOWN)


def no(reason: str) -> Relation:
    """Give the relation that refuses, with its reason."""
    return Relation(Verdict.NO, reason)
