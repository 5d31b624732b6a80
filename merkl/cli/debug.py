"""`merkl debug`: what a task is, and what its fingerprint reaches."""

from __future__ import annotations

from typing import Annotated

import cyclopts
import msgspec

from merkl.cli.command import Command, split_at_function
from merkl.cli.errors import UsageError
from merkl.cli.names import find_function
from merkl.graph.task import Task
from merkl.render.task_view import format_task, view_task

__all__ = ["COMMAND"]

USAGE = """\
usage: merkl debug [--json] MODULE.FUNCTION

Print a task's signature with the types that its parameters take, what each out is, its code hash,
and every definition and constant that its fingerprint reaches.
"""


def _options(*, json: Annotated[bool, cyclopts.Parameter(negative=())] = False) -> None:
    """The options of `merkl debug`."""


def _carry_out(words: list[str]) -> int:
    target = split_at_function(words, _options)
    options, rest = target.take_options(_options)
    if rest:
        raise UsageError(f"`merkl debug` takes no {rest[0]!r}")
    return debug_function(target.name, as_json=options.get("json", False))


def debug_function(name: str, *, as_json: bool) -> int:
    """Print what there is to see of the task of that name."""
    found = find_function(name)
    if not isinstance(found, Task):
        raise UsageError(f"{name} is no task; `merkl debug` shows functions under @task")
    view = view_task(found)
    print(msgspec.json.encode(view).decode() if as_json else format_task(view))
    return 0


COMMAND = Command(
    name="debug",
    takes="MODULE.FUNCTION",
    summary="signature, outs, code hash, and all that the fingerprint reaches",
    usage=USAGE,
    carry_out=_carry_out,
)
