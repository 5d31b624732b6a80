"""How far a fingerprint looks."""

from __future__ import annotations

from enum import Enum

__all__ = ["HashMode"]


class HashMode(Enum):
    """How much of the code around a task counts."""

    #: Everything that the task's code reaches: helpers, classes and constants in any of the user's modules.
    FIND_DEPS = "find-deps"
    #: The whole module that the task is defined in, but nothing outside of it.
    MODULE = "module"
    #: The task's own code alone.
    FUNCTION = "function"
