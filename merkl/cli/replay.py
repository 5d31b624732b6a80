"""Runs one call again in this process, and says whether it gives what is stored."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from merkl.cache import ArgumentPreview, Metadata, stored_key
from merkl.cli.errors import UsageError
from merkl.cli.names import find_function, load_module
from merkl.cli.read_back import read_back
from merkl.execution.failed_calls import describe_failed_call, metadata_of_failed
from merkl.execution.previews import UNKEYED, digest_argument
from merkl.execution.replay import hash_outs, run_again
from merkl.graph.batch import BatchTask
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import replace_futures
from merkl.graph.task import MapTask, Task
from merkl.hashing.keys import describe_constant
from merkl.workspace import Workspace

__all__ = ["Replay", "load_arguments", "replay_call"]


@dataclass(frozen=True, slots=True)
class Replay:
    """What a call gave this time; `is_same` is None where there is nothing to compare with."""

    value: Any
    is_same: bool | None
    verdict: str


def replay_call(workspace: Workspace, key: str, make: Callable[[], Any] | None = None) -> Replay:
    """Run the body behind a key with the inputs that the cache has.

    `make` is a function that makes the call, among others; without it the arguments are read back from the ledger.

    Raises `UsageError` where the arguments cannot be had.
    """
    failed = describe_failed_call(workspace.ledger, key)
    metadata = workspace.ledger.known(key) or (Metadata() if failed is None else metadata_of_failed(failed))
    if make is None:
        task, arguments = _from_ledger(workspace, key, metadata)
    else:
        task, arguments = _from_graph(workspace, key, make)
    values = run_again(task, arguments, bytes.fromhex(key))
    if task.is_expanding:  # a map made calls, which are not run again
        values = replace_futures(values, lambda future: _load(workspace, future.hash))
    value = values.get(metadata.out)
    record = workspace.cache.lookup(stored_key(workspace.cache, key))
    if record is None:
        return Replay(value, None, "no result is stored to compare it with")
    again = hash_outs(task, arguments, {metadata.out: value}, workspace.codecs)[metadata.out]
    if again == record.content_hash:
        return Replay(value, True, "it gave the same content as is stored")
    return Replay(
        value,
        False,
        "it gave another content than is stored: the code changed since, or it is not deterministic",
    )


def _from_graph(
    workspace: Workspace, key: str, make: Callable[[], Any]
) -> tuple[Task[..., Any, Any], dict[str, Any]]:
    program, _, _ = workspace.plan(make)
    call = next((call for call in program.all_calls() if any(f.hash == key for f in call.futures())), None)
    if call is None:
        raise UsageError(f"that function makes no call with the key {key[:12]} as its code is now")
    return call.task, load_arguments(workspace, call)


def load_arguments(workspace: Workspace, call: Call) -> dict[str, Any]:
    """Return the arguments of a call with the values of its Futures; raises `UsageError` where one is not in the cache."""
    return {
        name: replace_futures(value, functools.partial(_load_input, workspace))
        for name, value in call.arguments().items()
    }


def _from_ledger(
    workspace: Workspace, key: str, metadata: Metadata
) -> tuple[Task[..., Any, Any], dict[str, Any]]:
    task = _task_of(key, metadata)
    arguments: dict[str, Any] = {}
    for argument in metadata.arguments:
        if argument.preview.startswith("<Future of "):
            arguments[argument.name] = _load(workspace, argument.digest)
            continue
        try:
            arguments[argument.name] = _read_constant(task, argument)
        except ValueError:
            raise UsageError(
                f"the log has only a short text of the argument {argument.name!r} ({argument.preview}): name the function "
                f"that makes the call: merkl debug --hash {key[:12]} --rerun MODULE.FUNCTION ARGS"
            ) from None
    return task, arguments


def _task_of(key: str, metadata: Metadata) -> Task[..., Any, Any]:
    """Return the task that made a result; of several with one name, as shell tasks may have, that with the same code."""
    if not metadata.task:
        raise UsageError(f"the ledger does not know which call made {key[:12]}")
    module, _, name = metadata.task.partition(".")
    if module == "__main__":
        raise UsageError(
            f"{key[:12]} was made in a script, by its task {name!r}: name the script with the function that makes the call: "
            f"merkl debug --hash {key[:12]} --rerun path/to/script.py:FUNCTION ARGS"
        )
    found = [_as_called(task) for task in _tasks_named(metadata.task)]
    if not found:
        find_function(metadata.task)
        raise UsageError(f"{metadata.task} is no task any more")
    same = (task for task in found if task.fingerprint().digest.hex() == metadata.fingerprint)
    return next(same, found[0])


def _tasks_named(name: str) -> list[Task[..., Any, Any]]:
    """Return the tasks of a name, whatever the variables that hold them are called."""
    if name.endswith(".map"):
        return [MapTask(task) for task in _tasks_named(name.removesuffix(".map"))]
    with contextlib.suppress(UsageError):
        task = find_function(name)
        if isinstance(task, Task):
            return [task]
    module = name
    while module := module.rpartition(".")[0]:
        with contextlib.suppress(UsageError):
            values = vars(load_module(module)).values()
            return [v for v in values if isinstance(v, Task) and f"{v.__module__}.{v.name}" == name]
    return []


def _as_called(task: Task[..., Any, Any]) -> Task[..., Any, Any]:
    """Return the task that the calls of a task are of: those of a batch are of single items."""
    return task.item_task if isinstance(task, BatchTask) else task


def _read_constant(task: Task[..., Any, Any], argument: ArgumentPreview) -> Any:
    """Return the constant that a preview shows; raises ValueError where it does not show all of it."""
    index = task.signature.names.index(argument.name)
    value = read_back(argument.preview, task.signature.parameters[index].hint)
    if argument.digest not in ("", UNKEYED):
        encoded = describe_constant(task.encode_argument(index, value, lambda future: b"").data)
        if digest_argument(value, encoded) != argument.digest:
            raise ValueError(argument.preview)
    return value


def _load_input(workspace: Workspace, future: Future[Any]) -> Any:
    # What no cache keeps, as the user's files, is made again.
    is_kept = future.task.options.keep == "always"
    return _load(workspace, future.hash) if is_kept else workspace.evaluate_futures([future])[0]


def _load(workspace: Workspace, key: str) -> Any:
    value = workspace.load(key)
    if value is None:
        raise UsageError(f"the input {key[:12]} is not in the cache any more; run what makes it first")
    return value[0]
