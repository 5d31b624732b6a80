"""`merkl debug`: what a task is, and what its fingerprint reaches."""

from __future__ import annotations

import msgspec

from merkl.cli.errors import UsageError
from merkl.cli.names import find_function
from merkl.graph.task import Task
from merkl.render.task_view import format_task, view_task

__all__ = ["debug_function"]


def debug_function(name: str, *, as_json: bool) -> int:
    """Print what there is to see of the task of that name."""
    found = find_function(name)
    if not isinstance(found, Task):
        raise UsageError(f"{name} is no task; `merkl debug` shows functions under @task")
    view = view_task(found)
    print(msgspec.json.encode(view).decode() if as_json else format_task(view))
    return 0
