"""The run of one body: its arguments, its retries, and what its return value is checked for."""

from __future__ import annotations

import builtins
import functools
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from types import CoroutineType
from typing import Any, NoReturn

from merkl._base.errors import (
    ArgumentMutatedError,
    MerklWarning,
    TaskFailedError,
    TaskOutsError,
    TypeMismatchError,
)
from merkl._base.hint_classes import iter_classes
from merkl._base.running_body import BodyContext, current_body
from merkl._base.tracebacks import text_of_error, traceback_text
from merkl.execution.alarm import time_limit
from merkl.execution.audit import is_watching
from merkl.execution.event_loop import complete
from merkl.execution.inputs import changed_inputs, warn_of_changed_inputs
from merkl.execution.interrupts import Interrupts
from merkl.execution.memory import QUICK, PeakMeter
from merkl.execution.output import body_output
from merkl.execution.previews import preview_arguments
from merkl.execution.working_folder import return_to_working_folder
from merkl.graph.building import building
from merkl.graph.call import Call
from merkl.graph.future import Future

__all__ = [
    "BodyOutcome",
    "Purity",
    "expand_call",
    "failure_of",
    "invoke_body",
    "is_as_declared",
    "outcome_of",
    "place_items",
    "require_unchanged",
    "run_body",
    "split_outs",
    "validate_outs",
]

#: Characters of what a body and its commands printed that are kept with its result.
_MOST_OUTPUT = 65_536
#: Seconds up to which a body is trusted to be in the working directory that it began in: to look costs as much as all its rest.
_UNNOTICED = 20e-6


class BodyOutcome:
    """What a body gave: the value of each out, how long it took, the tags it set, and whether its arguments held.

    `output` is the end of what it printed, `peak_memory` what `PeakMeter` says.
    """

    __slots__ = ("duration", "is_pure", "output", "outs", "peak_memory", "tags")

    def __init__(
        self,
        outs: dict[str | None, Any],
        duration: float,
        tags: dict[str, Any],
        is_pure: bool,
        output: str = "",
        peak_memory: int | None = None,
    ) -> None:
        self.outs = outs
        self.duration = duration
        self.tags = tags
        self.is_pure = is_pure
        self.output = output
        self.peak_memory = peak_memory

    @classmethod
    def of_link(cls) -> BodyOutcome:
        """Return the outcome of a body that had not to run."""
        return cls({}, 0.0, {}, True)


class Purity:
    """Whether a call's body saw what its key says: its code, its constants, its input files.

    Made before the body runs; raises `ArgumentMutatedError` where a constant was changed since the call was made, unless
    the call `is_copy`: came from another process, which has checked that.
    """

    __slots__ = ("_call", "_constants", "is_current")

    def __init__(self, call: Call, *, is_copy: bool = False) -> None:
        self._call = call
        self.is_current = (not call.files or _has_its_inputs(call)) and _has_its_code(call)
        self._constants: bytes | None = None
        if call.mutable:
            self._constants = digest_constants(call)
            if self.is_current and not is_copy and self._constants != _digest_when_made(call):
                require_unchanged(call)

    def holds(self) -> bool:
        """Say, after the body has run, whether its result may be stored."""
        call, constants = self._call, self._constants
        is_unchanged = constants is None or digest_constants(call) == constants
        if not is_unchanged:
            _warn_of_change(call)
        return self.is_current and is_unchanged and (not call.files or _has_its_inputs(call))


def run_body(
    call: Call,
    values: tuple[Any, ...],
    expand: Callable[[Any], Any],
    interrupts: Interrupts,
    *,
    meter: PeakMeter,
    is_copy: bool = False,
    on_attempt: Callable[[], None] | None = None,
    retries: int | None = None,
) -> BodyOutcome:
    """Run the body of a call with arguments in which every Future has been replaced by its value.

    `expand` evaluates what the body of an expanding task (a map over a list) returned. With `is_copy` the call came from
    another process, which has checked that its constants are what they were. `on_attempt` is told of each attempt. `retries`
    stands for what the task says, where whoever handed the call out tries again.

    Raises `TaskFailedError` from what the body raised, `TypeMismatchError` and `TaskOutsError` for what it returned,
    `ArgumentMutatedError` where a constant was changed since the call was made.
    """
    task = call.task
    purity = Purity(call, is_copy=is_copy)
    context = BodyContext(call.key())
    started = time.perf_counter()
    # Calls that a body makes are no part of the graph that is being built.
    outside, before = building.set(None), current_body.set(context)
    meter.begin(started, of_children=task.command is not None)
    try:
        result, output = _run_and_listen(call, values, interrupts, on_attempt, retries)
        duration = time.perf_counter() - started
        peak = meter.end() if duration > QUICK else None
        if task.is_expanding:
            result = expand(result)
    finally:
        building.reset(outside)
        current_body.reset(before)
        if time.perf_counter() - started > _UNNOTICED:
            return_to_working_folder()
        if purity.is_current:
            call.adopt_code()
    if context.printed:
        output += "".join(context.printed)
    return outcome_of(call, result, duration, context.tags, purity, output, peak)


def _run_and_listen(
    call: Call,
    values: tuple[Any, ...],
    interrupts: Interrupts,
    on_attempt: Callable[[], None] | None,
    retries: int | None,
) -> tuple[Any, str]:
    """Run the body and return what it gave with the end of what it printed, if that is kept; a failure has it as `output`."""
    end = _begin_output(call)
    if end is None:
        return _run_with_retries(call, values, interrupts, on_attempt, retries), ""
    output = ""
    try:
        try:
            result = _run_with_retries(call, values, interrupts, on_attempt, retries)
        finally:
            output = end()
    except TaskFailedError as error:
        error.output = output
        raise
    return result, output


def _begin_output(call: Call) -> Callable[[], str] | None:
    """Take what is printed from here on as the body's; return what ends that and gives it, None where it is not kept.

    In a thread, or where output is not seen, it is what is written to `sys.stdout` and `sys.stderr`.
    """
    is_shown = not call.task.options.capture
    if body_output.is_installed and threading.current_thread() is threading.main_thread():
        body_output.begin(call.task.name, is_shown=is_shown)
        return body_output.end
    printed = body_output.begin_in_context(call.task.name, is_shown=is_shown)
    return None if printed is None else functools.partial(body_output.end_in_context, printed)


def expand_call(call: Call, values: tuple[Any, ...]) -> Any:
    """Return what the body of an expanding task gives: a structure with the Futures that are to be evaluated."""
    outside = building.set(None)
    try:
        return invoke_body(call, values)
    except Exception as error:
        raise failure_of(call, error) from error
    finally:
        building.reset(outside)


def place_items(call: Call, futures: Iterable[Future[Any]]) -> None:
    """Have the calls that the body of a map made stand where the map was called."""
    own = call.task.fn.__code__
    for future in futures:
        if future._call._code is own:
            future._call.take_place_of(call)


def outcome_of(
    call: Call,
    result: Any,
    duration: float,
    tags: dict[str, Any] | None = None,
    purity: Purity | None = None,
    output: str = "",
    peak: int | None = None,
) -> BodyOutcome:
    """Return the outcome of a call that has ended with a result.

    Raises `TypeMismatchError` and `TaskOutsError` where it is not what the task declares.
    """
    outs = split_outs(call, result)
    validate_outs(call, outs)
    is_pure = purity is None or purity.holds()
    return BodyOutcome(outs, duration, {} if tags is None else tags, is_pure, output[-_MOST_OUTPUT:], peak)


def split_outs(call: Call, result: Any) -> dict[str | None, Any]:
    """Return the value of each out; raises `TaskOutsError` where they are not those that the task declares."""
    try:
        return dict(call.outs.split(call.task.name, result))
    except TaskOutsError as error:
        error.args = (f"{error}\n  in the call made at {call.place()}",)
        raise


def _run_with_retries(
    call: Call,
    values: tuple[Any, ...],
    interrupts: Interrupts,
    on_attempt: Callable[[], None] | None,
    retries: int | None,
) -> Any:
    options = call.task.options
    most = options.retries if retries is None else retries
    forks = interrupts.forks
    for attempt in range(most + 1):
        if on_attempt is not None:
            on_attempt()
        try:
            before = interrupts.enter_body()
            try:
                interrupts.check()  # while a body is prepared, Ctrl-C waits
                # In a worker the process that handed the call out keeps the time, and can kill.
                if options.timeout is not None and on_attempt is None:
                    with time_limit(options.timeout):
                        return _complete(invoke_body(call, values))
                return _complete(invoke_body(call, values))
            finally:
                interrupts.leave_body(before)
                if interrupts.forks != forks:
                    _end_child()
        except options.retry_on as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if attempt == most:
                raise failure_of(call, error) from error
            return_to_working_folder()
            _wait(options.retry_delay, interrupts)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # A body that calls sys.exit() gave no result, so the run must not end as if all were done.
            raise failure_of(call, error) from error
    raise AssertionError("unreachable")


def _end_child() -> NoReturn:
    """End a process that a body forked off and that has left the body: the run is the parent's."""
    error = sys.exc_info()[1]
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    else:
        code = int(error is not None)
        if error is not None:
            print(traceback_text(error), file=sys.stderr)  # noqa: T201
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _wait(seconds: float, interrupts: Interrupts) -> None:
    """Sleep, and let Ctrl-C end that."""
    before = interrupts.enter_body()
    try:
        time.sleep(seconds)
    finally:
        interrupts.leave_body(before)


def _complete(result: Any) -> Any:
    return complete(result, is_apart=not is_watching()) if type(result) is CoroutineType else result


def invoke_body(call: Call, values: tuple[Any, ...]) -> Any:
    """Call the function of a task with the values of a call."""
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


def failure_of(call: Call, error: BaseException) -> TaskFailedError:
    """Return the error that says which call raised what."""
    arguments = preview_arguments(call)
    shown = ", ".join(f"{name}={preview}" for name, preview in arguments)
    return TaskFailedError(
        f"task {call.task.name!r} failed: {type(error).__name__}: {text_of_error(error)}\n"
        f"  in the call {call.task.name}({shown})\n"
        f"  made at {call.place()}",
        task=call.task.name,
        key=call.key().hex(),
        location=call.location(),
        arguments=arguments,
    )


def require_unchanged(call: Call) -> None:
    """Raise `ArgumentMutatedError` where a constant is not what it was when the call was made."""
    changed = call.changed_arguments()
    if changed:
        raise ArgumentMutatedError(
            f"task {call.task.name!r}, parameter {changed[0]!r}: the argument was changed after the call was made "
            f"at {call.place()} and before its body ran, so its key is not that of the value any more; pass a copy",
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
            f"{call.place()}: its result is used, but not stored. Make the call again, or pass what changes as an "
            "argument",
            MerklWarning,
            stacklevel=2,
        )
    return not changed


def digest_constants(call: Call) -> bytes | None:
    """Return a digest of the constants that a body could change in place; None where there are none."""
    return b"".join([part.recompute_key() for part in _with_constants(call)]) or None


def _digest_when_made(call: Call) -> bytes | None:
    """Return what `digest_constants` gave when the call was made."""
    return b"".join([part.key() for part in _with_constants(call)]) or None


def _with_constants(call: Call) -> list[Call]:
    return [part for part in call.parts if part.mutable and part.fingerprint is not None]


def _warn_of_change(call: Call) -> None:
    changed = call.changed_arguments()
    which = f" {changed[0]!r}" if changed else ""
    warnings.warn(
        f"the body of task {call.task.name!r} changed its argument{which} in place; its result is used, "
        "but not stored. Change a copy instead",
        MerklWarning,
        stacklevel=2,
    )


def validate_outs(call: Call, outs: dict[str | None, Any]) -> None:
    """Check what a body gave against the declared types; raises `TypeMismatchError`."""
    task = call.task
    is_checked = task.options.validate != "off"
    for out, value in outs.items():
        if isinstance(value, Future):
            raise TypeMismatchError(
                f"task {task.name!r} returned a Future of task {value.task.name!r}: a body must return values; "
                "call .eval() on it, or make the function a @pipeline",
                task=task.name,
                expected=str(call.outs.type_of(out)),
                actual="Future",
            )
        problem = task.out_validator(call.outs, out)(value) if is_checked else None
        if problem is not None:
            what = "the return value" if out is None else f"out {out!r}"
            place = f"{problem.path} of {what}" if problem.path else what
            raise TypeMismatchError(
                f"task {task.name!r}: {place} is {problem.actual}, declared is {problem.expected}\n"
                f"  in the call made at {call.place()}",
                task=task.name,
                expected=problem.expected,
                actual=problem.actual,
                path=problem.path,
                location=call.location(),
            )


def is_as_declared(future: Future[Any], value: object) -> bool:
    """Say whether a stored value is of the type that is declared now; a warning says how it is not.

    Annotations are no part of a key, so they may have changed since the value was stored.
    """
    call = future._call
    outs: Any = call.outs  # None for an input of a call in a worker, of a task whose outs depend on the call
    if call.task.options.validate == "off" or outs is None:
        return True
    problem = call.task.out_validator(call.outs, future.out, is_stored=True)(value)
    if problem is None or _may_be_copied_class(call.outs.type_of(future.out), problem.actual):
        return True
    warnings.warn(
        f"the stored result {future.hash} of task {call.task.name!r} is not of the declared type and is computed again: "
        f"{problem.path or 'it'} is {problem.actual}, declared is {problem.expected}",
        MerklWarning,
        stacklevel=2,
    )
    return False


def _may_be_copied_class(hint: Any, actual: str) -> bool:
    """Say whether a value may have misfitted only because its class was stored with it, as one that nobody can import is.

    Such a value is of a copy of the class that is declared, or of a class that is derived from a copy.
    """
    if actual == "None" or hasattr(builtins, actual):
        return False
    return any(not _is_importable(cls) for cls in iter_classes(hint))


def _is_importable(cls: type) -> bool:
    found: Any = sys.modules.get(cls.__module__) if cls.__module__ != "__main__" else None
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls
