"""Futures anywhere inside a structure: find them, and put values in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from merkl._base.containers import iter_leaves, map_leaves
from merkl.graph.future import Future

__all__ = ["find_futures", "replace_futures"]


def find_futures(structure: Any) -> tuple[Future[Any], ...]:
    """Return the Futures in a structure, in order, each object once."""
    leaves = iter_leaves(structure, atom=Future)
    return tuple({id(leaf): leaf for leaf in leaves if type(leaf) is Future}.values())


def replace_futures(structure: Any, value_of: Callable[[Future[Any]], Any]) -> Any:
    """Return a structure in which a value stands for each Future; parts without Futures are the same objects."""
    return map_leaves(structure, value_of, only=Future)
