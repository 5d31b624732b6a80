"""What the errors say of calls that could not be sent elsewhere, or ended their workers."""

from __future__ import annotations

import signal

from merkl._base.errors import TargetError, TaskFailedError, WorkerDiedError
from merkl.execution.body import failure_of
from merkl.execution.previews import preview_arguments
from merkl.execution.targets.base import Death
from merkl.graph.call import Call

__all__ = ["ran_too_long", "unmet_resources", "unpicklable", "worker_died"]


def ran_too_long(call: Call) -> TaskFailedError:
    """Return the error that says that the worker of a call was ended since its time was up."""
    cause = TimeoutError(f"it ran for more than {call.task.options.timeout:g} seconds and was ended")
    error = failure_of(call, cause)
    error.__cause__ = cause
    return error


def worker_died(call: Call, death: Death) -> WorkerDiedError:
    """Return the error that says which call ended its worker twice, and how."""
    if death.exit_code is None:
        how = (
            "was lost"
            if death.is_final
            else "closed its connection to the run, with descriptors that it had not opened"
        )
    elif death.exit_code < 0:
        try:
            name = signal.Signals(-death.exit_code).name
        except ValueError:
            name = str(-death.exit_code)
        how = f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    else:
        how = f"ended with exit code {death.exit_code}"
    arguments = preview_arguments(call)
    shown = ", ".join(f"{name}={preview}" for name, preview in arguments)
    return WorkerDiedError(
        f"task {call.task.name!r} failed twice: the worker process that ran it {how}\n"
        f"  in the call {call.task.name}({shown})\n"
        f"  made at {call.place()}",
        task=call.task.name,
        key=call.key().hex(),
        location=call.location(),
        arguments=arguments,
    )


def unmet_resources(call: Call, error: TargetError) -> TargetError:
    """Return the error that says which call asks for what a target never has."""
    said = f"task {call.task.name!r} cannot run on this target: {error}\n  in the call made at {call.place()}"
    return TargetError(said)


def unpicklable(call: Call, error: Exception) -> TaskFailedError:
    """Return the error that says that a call cannot be sent, and why."""
    failure = failure_of(call, error)
    failure.args = (
        f"task {call.task.name!r} cannot be sent to another process: {type(error).__name__}: {error}\n"
        f"  in the call made at {call.place()}",
    )
    failure.__cause__ = error
    return failure
