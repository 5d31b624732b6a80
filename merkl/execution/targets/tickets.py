"""Calls as bytes: the call itself, with keys in place of other calls, and its task by name or, failing that, by value."""

from __future__ import annotations

import functools
import io
import pickle
import sys
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import cloudpickle

from merkl.codecs.code_pickles import CodePickler
from merkl.execution.batches import BatchCall
from merkl.execution.targets.by_name import is_importable
from merkl.graph.batch import BatchTask
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.task import Task

__all__ = ["dump_call", "load_call"]


class _TaskPickler(CodePickler):
    """Pickles tasks by name where another process can import them, else with their functions."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Task):
            whole = getattr(obj, "whole", None)
            if isinstance(whole, BatchTask):
                return _item_task_of, (whole,)
            by_name = obj.__reduce__()
            if isinstance(by_name, str) and is_importable(obj.fn.__module__):
                return by_name
            if type(obj) in (Task, BatchTask) and isinstance(obj.fn, FunctionType):
                return _task_of, (*obj.taken_apart(), obj.name, _hints_of(obj))
            return obj.taken_apart() if isinstance(by_name, str) else by_name
        return super().reducer_override(obj)


class _CallPickler(_TaskPickler):
    """Pickles one call: each task in it once for all calls, each Future as the key of a result.

    `fingerprints` are those of the tasks of which they are known, by id; `code` gathers what the arguments hold of
    functions, classes and other tasks.
    """

    def __init__(self, buffer: io.BytesIO, fingerprints: dict[int, bytes]) -> None:
        super().__init__(buffer, protocol=5)
        self._fingerprints = fingerprints
        self.code: list[object] = []

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FunctionType | type) or (
            isinstance(obj, Task) and id(obj) not in self._fingerprints
        ):
            self.code.append(obj)
        if type(obj) is Future:
            call = obj._call
            return _make_input, (call.key(), obj.__merkl_key__(), obj._out, call.task, call.location())
        if isinstance(obj, Task):
            fingerprint = self._fingerprints.get(id(obj)) or obj.fingerprint().digest
            return load_task, (dump_task(obj, fingerprint),)
        return super().reducer_override(obj)


#: What is pickled as it stands, without a look at what it is made of.
_PLAIN = frozenset([int, float, str, bytes, bool, type(None)])


def dump_call(call: Call) -> tuple[bytes, Sequence[object]]:
    """Return a call as bytes that `load_call` makes a call with the same key of, without its ancestors.

    With it come the functions, classes and tasks that were met in its arguments. The code of its task is to be what it
    was when the call was made. Raises `pickle.PicklingError` and the like where an
    argument cannot be pickled.
    """
    if (
        type(call) is Call
        and call.fingerprint is not None
        and call.outs is call.task._outs
        and not call.files
    ):
        if all(type(value) is Future or type(value) in _PLAIN for value in call.values):
            return _dump_plain(call, call.fingerprint), ()
    whole = call.whole if isinstance(call, BatchCall) else None
    buffer = io.BytesIO()
    fingerprints = {id(part.task): part.fingerprint for part in call.parts if part.fingerprint is not None}
    pickler = _CallPickler(buffer, fingerprints)
    pickler.dump((whole, [_state_of(part) for part in call.parts]))
    return buffer.getvalue(), pickler.code


def _dump_plain(call: Call, fingerprint: bytes) -> bytes:
    """The same for a call of constants and Futures: a pickler of our own takes ten times as long."""
    inputs = {
        index: (*_make_input_of(value), dump_task(value.task, value.task.fingerprint().digest))
        for index, value in enumerate(call.values)
        if type(value) is Future
    }
    _, values, encodings, *rest = _state_of(call)
    if inputs:
        values = tuple(None if index in inputs else value for index, value in enumerate(values))
        encodings = tuple(None if index in inputs else encoded for index, encoded in enumerate(encodings))
    return pickle.dumps((dump_task(call.task, fingerprint), inputs, (values, encodings, *rest)), protocol=5)


def _make_input_of(future: Future[Any]) -> tuple[bytes, bytes, str | None, str]:
    call = future._call
    return call.key(), future.__merkl_key__(), future._out, call.location()


def _load_plain(blob: bytes, inputs: dict[int, tuple[Any, ...]], state: tuple[Any, ...]) -> Call:
    values, encodings, *rest = state
    if inputs:
        values, encodings = list(values), list(encodings)
        for index, (call_key, key, out, location, task) in inputs.items():
            values[index] = encodings[index] = _make_input(call_key, key, out, load_task(task), location)
    return _of_state(load_task(blob), tuple(values), tuple(encodings), *rest)


def _state_of(call: Call) -> tuple[Any, ...]:
    return (
        call.task,
        call.values,
        call.encodings,
        None if call.outs is call.task._outs else call.outs,
        call.extras,
        call.mutable,
        call.files,
        call.location(),
        call.fingerprint,
        call.key(),
        call.sequence,
    )


def load_call(payload: bytes) -> Call:
    """Return the call that `dump_call` made bytes of."""
    loaded = pickle.loads(payload)
    if len(loaded) == 3:
        return _load_plain(*loaded)
    whole, states = loaded
    calls = [_of_state(*state) for state in states]
    return calls[0] if whole is None else BatchCall(whole, calls)


def _of_state(
    task: Any,
    values: Any,
    encodings: Any,
    outs: Any,
    extras: Any,
    mutable: Any,
    files: Any,
    location: str,
    fingerprint: bytes,
    key: bytes,
    sequence: int,
) -> Call:
    call = _make_call(task, values, encodings, outs or task.outs_of(values), extras, mutable, location)
    call.adopt_key(fingerprint, key)
    call.files = files
    call.sequence = sequence
    return call


def _make_call(
    task: Any, values: Any, encodings: Any, outs: Any, extras: Any, mutable: Any, location: str
) -> Call:
    call = Call(task, values, encodings, outs, extras, mutable, _make_call.__code__, 0)
    call._code = location
    return call


def _make_input(
    call_key: bytes, key: bytes, out: str | None, task: Task[..., Any, Any], location: str
) -> Future[Any]:
    """Return a Future of which only key, task and out are known."""
    # What the outs of other tasks are, only their own calls know.
    is_known = type(task) is Task and not callable(task.options.outs)
    outs: Any = task.outs_of(()) if is_known else None
    call = _make_call(task, (), (), outs, (), (), location)
    call.adopt_key(b"", call_key)
    future: Future[Any] = Future(call, out)
    future._key = key
    return future


def _hints_of(task: Task[..., Any, Any]) -> dict[str, Any]:
    """Return the types that a task's annotations mean: the names in them may not come along with its code."""
    hints = {parameter.name: parameter.hint for parameter in task.signature.parameters}
    return {
        name: hints.get(name, task.signature.returns)
        for name in getattr(task.fn, "__annotations__", {})
        if name in hints or name == "return"
    }


def _task_of(
    make: Callable[..., Task[..., Any, Any]], parts: tuple[Any, ...], name: str, hints: dict[str, Any]
) -> Task[..., Any, Any]:
    parts[0].__annotations__ = hints
    task = make(*parts)
    task.name = name
    return task


def _item_task_of(whole: BatchTask) -> Task[..., Any, Any]:
    return whole.item_task


# -- tasks ---------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1024)
def dump_task(task: Task[..., Any, Any], fingerprint: bytes) -> bytes:
    """Return a task as bytes; `fingerprint` tells apart what a task was at different times."""
    buffer = io.BytesIO()
    by_value = _by_value_module(task)
    try:
        if by_value is not None:
            cloudpickle.register_pickle_by_value(by_value)
        _TaskPickler(buffer, protocol=5).dump(task)
    finally:
        if by_value is not None:
            cloudpickle.unregister_pickle_by_value(by_value)  # type: ignore[attr-defined]
    return buffer.getvalue()


@functools.lru_cache(maxsize=1024)
def load_task(blob: bytes) -> Task[..., Any, Any]:
    """Return the task that `dump_task` made bytes of; the same object for the same bytes."""
    task: Task[..., Any, Any] = pickle.loads(blob)
    return task


def _by_value_module(task: Task[..., Any, Any]) -> Any:
    module = sys.modules.get(task.fn.__module__)
    if module is None or module.__name__ == "__main__" or is_importable(module.__name__):
        return None
    return module
