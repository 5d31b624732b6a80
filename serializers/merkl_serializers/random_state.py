"""Random generators: they have canonical bytes, but as a task's constant they are refused by the caller."""

from __future__ import annotations

import random
import sys

__all__ = ["is_random_state"]

#: Module -> the classes in it that hold the state of a generator.
_STATEFUL = {
    "numpy.random": ("Generator", "RandomState", "BitGenerator"),
    "torch": ("Generator",),
}


def is_random_state(value: object) -> bool:
    """Say whether a value is a random generator with state, or a method bound to one.

    >>> import random
    >>> is_random_state(random.Random(1)), is_random_state(random.Random(1).random), is_random_state(1)
    (True, True, False)
    """
    owner = getattr(value, "__self__", None) if callable(value) and not isinstance(value, type) else None
    if owner is not None and not isinstance(owner, type) and is_random_state(owner):
        return True
    if isinstance(value, random.Random):
        return not isinstance(value, random.SystemRandom)
    for module, names in _STATEFUL.items():
        loaded = sys.modules.get(module)
        if loaded is not None and any(isinstance(value, getattr(loaded, name, ())) for name in names):
            return True
    return False
