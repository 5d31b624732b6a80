"""The body of one call run again by itself: nothing is looked up or stored."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from merkl._base.running_body import BodyContext, current_body
from merkl.cache import record_of
from merkl.codecs import CodecRegistry
from merkl.execution.exits import refused_exits
from merkl.execution.working_folder import keep_working_folder
from merkl.files.scratch import Scratch, enter_scratch, leave_scratch
from merkl.graph.building import record_calls
from merkl.graph.task import Task

__all__ = ["hash_outs", "run_again"]


def run_again(
    task: Task[..., Any, Any], arguments: Mapping[str, Any], key: bytes, scratch: Path | None = None
) -> dict[str | None, Any]:
    """Run the body of a task as in the call with that key, and return the value of each out.

    The exception of a body goes on to the caller. Files that it makes stay where they are.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter in task.signature.signature.parameters.values():
        value = arguments[parameter.name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            args.extend(value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            kwargs.update(value)
        elif parameter.kind is parameter.KEYWORD_ONLY:
            kwargs[parameter.name] = value
        else:
            args.append(value)
    body = BodyContext(key)
    token, files = current_body.set(body), enter_scratch(Scratch(scratch))
    try:
        with record_calls(None), refused_exits(), keep_working_folder():
            result = task.fn(*args, **kwargs)
            if inspect.iscoroutine(result):
                import asyncio  # 20 ms that only coroutines need

                result = asyncio.run(result)
    finally:
        leave_scratch(files)
        current_body.reset(token)
    outs = task.outs_of(tuple(arguments.values()))
    return dict(outs.split(task.name, result))


def hash_outs(
    task: Task[..., Any, Any],
    arguments: Mapping[str, Any],
    values: Mapping[str | None, Any],
    codecs: CodecRegistry,
) -> dict[str | None, str]:
    """Return the content hash that each out would be stored under."""
    outs = task.outs_of(tuple(arguments.values()))
    found: dict[str | None, str] = {}
    for out, value in values.items():
        option = task.options.codec
        if isinstance(option, Mapping):
            option = option.get(out or "")
        codec = codecs.get(option) if isinstance(option, str) else option
        found[out] = record_of(codecs.encode(value, outs.type_of(out), codec)).content_hash
    return found
