"""The run of one body: its arguments, its retries, and what its return value is checked for."""

from __future__ import annotations

import contextvars
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import CoroutineType
from typing import Any

from merkl._base.errors import (
    ArgumentMutatedError,
    MerklWarning,
    TaskFailedError,
    TypeMismatchError,
)
from merkl.execution.context import BodyContext, enter_body, leave_body
from merkl.execution.inputs import changed_inputs, warn_of_changed_inputs
from merkl.execution.previews import preview_arguments
from merkl.graph.building import building
from merkl.graph.call import Call
from merkl.graph.future import Future

__all__ = ["BodyOutcome", "run_body", "validate_outs"]


class BodyOutcome:
    """What a body gave: the value of each out, how long it took, the tags it set, and whether its arguments held."""

    __slots__ = ("duration", "is_pure", "outs", "tags")

    def __init__(
        self, outs: dict[str | None, Any], duration: float, tags: dict[str, Any], is_pure: bool
    ) -> None:
        self.outs = outs
        self.duration = duration
        self.tags = tags
        self.is_pure = is_pure

    @classmethod
    def of_link(cls) -> BodyOutcome:
        """Return the outcome of a body that had not to run."""
        return cls({}, 0.0, {}, True)


def run_body(call: Call, values: tuple[Any, ...], expand: Callable[[Any], Any]) -> BodyOutcome:
    """Run the body of a call with arguments in which every Future has been replaced by its value.

    `expand` evaluates what the body of an expanding task (a map over a list) returned.

    Raises `TaskFailedError` from what the body raised, `TypeMismatchError` and `TaskOutsError` for what it returned,
    `ArgumentMutatedError` where a constant was changed since the call was made.
    """
    task = call.task
    is_current = _has_its_inputs(call) and _has_its_code(call)
    if is_current:
        _require_unchanged(call)
    context = BodyContext(call.key())
    started = time.perf_counter()
    # Calls that a body makes are no part of the graph that is being built.
    outside, before = building.set(None), enter_body(context)
    try:
        result = _run_with_retries(call, values)
        duration = time.perf_counter() - started
        if task.is_expanding:
            result = expand(result)
    finally:
        building.reset(outside)
        leave_body(before)
        if is_current:
            call.adopt_code()
    outs = dict(call.outs.split(task.name, result))
    validate_outs(call, outs)
    is_pure = is_current and _has_its_inputs(call) and _is_unchanged_after(call)
    return BodyOutcome(outs, duration, context.tags, is_pure)


def _run_with_retries(call: Call, values: tuple[Any, ...]) -> Any:
    options = call.task.options
    for attempt in range(options.retries + 1):
        try:
            result = _invoke(call, values)
            return _await(result) if type(result) is CoroutineType else result
        except options.retry_on as error:
            if attempt == options.retries:
                raise _failure(call, error) from error
            time.sleep(options.retry_delay)
        except (Exception, SystemExit, GeneratorExit) as error:
            # A body that calls sys.exit() gave no result, so the run must not end as if all were done.
            raise _failure(call, error) from error
    raise AssertionError("unreachable")


def _await(coroutine: CoroutineType[Any, Any, Any]) -> Any:
    """Run an `async def` body to its end, on an event loop of its own."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    # In a notebook a loop runs in this thread already, and it waits for us.
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(context.run, asyncio.run, coroutine).result()


def _invoke(call: Call, values: tuple[Any, ...]) -> Any:
    signature = call.task.signature
    if signature.is_positional:
        return call.task.fn(*values)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter, value in zip(signature.signature.parameters.values(), values, strict=True):
        if parameter.kind is parameter.VAR_POSITIONAL:
            args.extend(value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            kwargs.update(value)
        elif parameter.kind is parameter.KEYWORD_ONLY:
            kwargs[parameter.name] = value
        else:
            args.append(value)
    return call.task.fn(*args, **kwargs)


def _failure(call: Call, error: BaseException) -> TaskFailedError:
    arguments = preview_arguments(call)
    shown = ", ".join(f"{name}={preview}" for name, preview in arguments)
    said = str(error) or "no message"
    return TaskFailedError(
        f"task {call.task.name!r} failed: {type(error).__name__}: {said}\n"
        f"  in the call {call.task.name}({shown})\n"
        f"  made at {call.location()}",
        task=call.task.name,
        key=call.key().hex(),
        location=call.location(),
        arguments=arguments,
    )


def _require_unchanged(call: Call) -> None:
    changed = call.changed_arguments()
    if changed:
        raise ArgumentMutatedError(
            f"task {call.task.name!r}, parameter {changed[0]!r}: the argument was changed after the call was made "
            f"at {call.location()} and before its body ran, so its key is not that of the value any more; pass a copy",
            task=call.task.name,
            parameter=changed[0],
        )


def _has_its_inputs(call: Call) -> bool:
    changed = changed_inputs(call)
    if changed:
        warn_of_changed_inputs(call, changed)
    return not changed


def _has_its_code(call: Call) -> bool:
    changed = call.has_changed_code()
    if changed:
        warnings.warn(
            f"the code of task {call.task.name!r}, or a constant that it reaches, was changed after the call was made at "
            f"{call.location()}: its result is used, but not stored. Make the call again, or pass what changes as an "
            "argument",
            MerklWarning,
            stacklevel=2,
        )
    return not changed


def _is_unchanged_after(call: Call) -> bool:
    changed = call.changed_arguments()
    if changed:
        warnings.warn(
            f"the body of task {call.task.name!r} changed its argument {changed[0]!r} in place; its result is used, "
            "but not stored. Change a copy instead",
            MerklWarning,
            stacklevel=2,
        )
    return not changed


def validate_outs(call: Call, outs: dict[str | None, Any]) -> None:
    """Check what a body gave against the declared types; raises `TypeMismatchError`."""
    task = call.task
    for out, value in outs.items():
        if isinstance(value, Future):
            raise TypeMismatchError(
                f"task {task.name!r} returned a Future of task {value.task.name!r}: a body must return values; "
                "call .eval() on it, or make the function a @pipeline",
                task=task.name,
                expected=str(call.outs.type_of(out)),
                actual="Future",
            )
    if task.options.validate == "off":
        return
    for out, value in outs.items():
        problem = task.out_validator(call.outs, out)(value)
        if problem is not None:
            what = "the return value" if out is None else f"out {out!r}"
            place = f"{problem.path} of {what}" if problem.path else what
            raise TypeMismatchError(
                f"task {task.name!r}: {place} is {problem.actual}, declared is {problem.expected}\n"
                f"  in the call made at {call.location()}",
                task=task.name,
                expected=problem.expected,
                actual=problem.actual,
                path=problem.path,
                location=call.location(),
            )
