"""Options of `merkl run` that contradict each other: refused before anything is done."""

from __future__ import annotations

from collections.abc import Collection

from merkl.cli.errors import UsageError

__all__ = ["refuse_contradictions"]

#: Two options that cannot be given together, and why.
_PAIRS = (
    ("--plan", "--audit", "a plan runs no body that could be watched"),
    ("--plan", "--recheck", "a plan runs nothing, and to compare results bodies must run"),
    ("--plan", "--pdb", "a plan runs no body that could fail"),
    ("--plan", "--events", "a plan is no run that events could tell of"),
    ("--plan", "--explain", "a plan runs nothing; `merkl why` says why calls would run"),
    ("--frozen", "--rerun", "nothing may run, and a task is to run again"),
    ("--frozen", "--no-cache", "nothing may run, and without the cache everything has to"),
    ("--frozen", "--recheck", "nothing may run, and to compare results bodies must run"),
    ("--frozen", "--audit", "nothing may run that could be watched"),
    (
        "--no-cache",
        "--rerun",
        "what is not read from the cache runs anyway, and nothing in it is overwritten",
    ),
    ("--no-cache", "--recheck", "without the cache there is nothing to compare with"),
    ("--no-cache", "--accept-interrupted", "without the cache nothing is stored"),
)


def refuse_contradictions(given: Collection[str]) -> None:
    """Raise `UsageError` where two of the options that were given cannot be meant together.

    >>> refuse_contradictions({"--plan", "--rerun"})
    >>> refuse_contradictions({"--frozen", "--rerun"})
    Traceback (most recent call last):
    ...
    merkl.cli.errors.UsageError: --frozen and --rerun contradict each other: nothing may run, and a task is to run again
    """
    for one, other, why in _PAIRS:
        if one in given and other in given:
            raise UsageError(f"{one} and {other} contradict each other: {why}")
