"""Which tasks and modules another process finds by their names."""

from __future__ import annotations

import functools
import importlib.machinery
import sys
from typing import Any

from merkl.graph.task import Task

__all__ = ["is_by_name", "is_importable"]


def is_by_name(task: Task[..., Any, Any]) -> bool:
    """Say whether another process gets a task by importing it."""
    task = getattr(task, "whole", task)
    return isinstance(task.__reduce__(), str) and is_importable(task.fn.__module__)


def is_importable(name: str) -> bool:
    """Say whether another process with the same path finds the module of that name that is loaded here."""
    if name == "__main__":
        return False
    top = name.partition(".")[0]
    module = sys.modules.get(top)
    return module is not None and _found_at(top, tuple(sys.path)) == getattr(module, "__file__", None)


@functools.lru_cache(maxsize=256)
def _found_at(top: str, path: tuple[str, ...]) -> str | None:
    if top in sys.builtin_module_names:
        return None
    spec = importlib.machinery.PathFinder.find_spec(top, list(path))
    return None if spec is None else spec.origin
