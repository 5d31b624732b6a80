"""What is wrong with a value, and where inside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from merkl._base.type_forms import format_type

__all__ = ["Problem", "kind_of", "misfit", "within"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that does not fit: `path` leads to it from outside in ("item 3", "key 'a' of item 3", ".field")."""

    path: str
    expected: str
    actual: str

    def message(self, name: str) -> str:
        """Say it in one line, for the value that is called `name`.

        >>> Problem("item 3", "float", "str").message("xs")
        "item 3 of 'xs' is str, wanted float"
        """
        place = f"{self.path} of '{name}'" if self.path else f"'{name}'"
        return f"{place} is {self.actual}, wanted {self.expected}"


def misfit(value: object, hint: Any) -> Problem:
    """Give the problem that `value` itself is no `hint`."""
    return Problem("", hint if isinstance(hint, str) else format_type(hint), kind_of(value))


def kind_of(value: object) -> str:
    """Show the type of a value for a message."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {format_type(value)}"
    return format_type(type(value))


def within(step: str, problem: Problem) -> Problem:
    """Put one more step in front of the path to a problem."""
    return replace(problem, path=f"{problem.path} of {step}" if problem.path else step)
