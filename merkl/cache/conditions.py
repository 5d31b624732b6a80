"""What is wrong with a condition in SQL that a person wrote, said of what they wrote and of nothing around it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from merkl._base.errors import CacheError

__all__ = ["ConditionError", "problem_of_condition"]


class ConditionError(CacheError):
    """A condition is no SQL expression over the fields that there are."""


_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^]]*\]|.""", re.DOTALL)
_NEAR = re.compile(r'near "(.*)": syntax error', re.DOTALL)
_NO_COLUMN = re.compile(r"no such column: (.*)", re.DOTALL)


def problem_of_condition(condition: str, fields: Sequence[str]) -> str | None:
    """Return what is wrong with a condition over these fields, None where nothing is.

    >>> problem_of_condition("size > 1", ["size"])
    >>> problem_of_condition("abs(size", ["size"])
    'a ( is not closed'
    >>> problem_of_condition("size >", ["size"])
    'it ends too early'
    """
    return _unbalanced(condition) or _refused(condition, fields)


def _unbalanced(condition: str) -> str | None:
    depth = 0
    for token in _TOKEN.findall(condition):
        if token in ("'", '"', "`", "["):
            return f"a {token} is not closed"
        depth += (token == "(") - (token == ")")
        if depth < 0:
            return "a ) closes nothing"
    return "a ( is not closed" if depth else None


def _refused(condition: str, fields: Sequence[str]) -> str | None:
    """Return what SQLite says of a condition that stands alone, as said of that."""
    if not condition.strip():
        return "it is empty"
    columns = ", ".join(f'"{field}"' for field in fields)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE TABLE results ({columns})")
        try:
            database.execute(f"SELECT 1 FROM results WHERE ({condition}\n)")
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            said = str(error)
        else:
            return None
    unknown = _NO_COLUMN.fullmatch(said)
    if unknown:
        return f"no such field: {unknown[1]}; there are {', '.join(fields)}"
    near = _NEAR.fullmatch(said)
    if near is None:
        return said
    if near[1] != ")":
        return f"it is no SQL expression, see at {near[1]!r}"
    return "something is missing before a )" if ")" in condition else "it ends too early"
