"""Tells whether a body drew from numpy's global generator without having seeded it; numpy tells nobody of that."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

__all__ = ["drew_without_seed", "global_state"]

#: How many blocks of numbers are tried to get from the state before to the one after: some ten million draws.
_MOST_BLOCKS = 16_000


def global_state() -> dict[str, Any] | None:
    """Return the state of numpy's global generator, None where there is none or somebody put another kind in its place."""
    # Loaded if need be: a body that is the first to import it may draw as well.
    if "numpy" not in sys.modules and importlib.util.find_spec("numpy") is None:
        return None
    import numpy as np

    state = np.random.get_state(legacy=False)
    return state if isinstance(state, dict) and state.get("bit_generator") == "MT19937" else None


def drew_without_seed(before: dict[str, Any] | None) -> bool:
    """Say whether the state now is one that draws lead to from the one before; after a seed it is another one."""
    after = global_state()
    if before is None or after is None:
        return False
    import numpy as np

    goal = after["state"]["key"]
    is_same = np.array_equal(before["state"]["key"], goal)
    if is_same:
        return bool(
            before["state"]["pos"] != after["state"]["pos"] or before["has_gauss"] != after["has_gauss"]
        )
    generator = np.random.MT19937()
    start: Any = {**before, "state": {**before["state"], "pos": len(goal)}}
    generator.state = start
    for _ in range(_MOST_BLOCKS):
        generator.random_raw(len(goal), output=False)
        if np.array_equal(generator.state["state"]["key"], goal):
            return True
    return False
