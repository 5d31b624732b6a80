"""Exceptions on their way from a worker: whatever a body raises arrives, with its traceback as text."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from merkl._base.lazy import LazyModule
from merkl._base.tracebacks import RemoteTraceback, traceback_text

if TYPE_CHECKING:
    from merkl.codecs import result_pickles
else:
    result_pickles = LazyModule("merkl.codecs.result_pickles")

__all__ = ["RemoteError", "dump_error", "load_error"]


class RemoteError(Exception):
    """Stands for an exception of a worker that cannot be pickled; `type_name` is its class."""

    def __init__(self, type_name: str, message: str) -> None:
        super().__init__(f"{type_name}: {message}" if message else type_name)
        self.type_name = type_name


def dump_error(error: BaseException) -> bytes:
    """Return an exception and its cause as bytes; what cannot be pickled is replaced by a description."""
    cause = error.__cause__
    text = traceback_text(cause if cause is not None else error)
    packed = (_pack(error), None if cause is None else _pack(cause), text)
    return pickle.dumps(packed, protocol=5)


def load_error(data: bytes) -> BaseException:
    """Return the exception that `dump_error` made bytes of."""
    packed, packed_cause, text = pickle.loads(data)
    error = _unpack(packed)
    cause = None if packed_cause is None else _unpack(packed_cause)
    inner = error if cause is None else cause
    inner.__cause__ = RemoteTraceback(text)
    if cause is not None:
        error.__cause__ = cause
    return error


def _pack(error: BaseException) -> Any:
    # By class, arguments and attributes: an exception's own way of pickling calls the class with `args` alone.
    state = {name: value for name, value in vars(error).items() if not name.startswith("__")}
    notes = list(getattr(error, "__notes__", ()))
    for attributes in (state, {}):
        try:
            data, _ = result_pickles.dump_result((type(error), error.args, attributes, notes))
            _unpack(data)
        except Exception:  # noqa: BLE001 - anything can happen in the pickling of what users wrote
            continue
        return data
    try:
        message = str(error)
    except Exception:  # noqa: BLE001
        message = ""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return pickle.dumps((RemoteError, (name, message), {}, notes))


def _unpack(data: bytes) -> BaseException:
    kind, args, state, notes = result_pickles.load_result(data)
    if kind is RemoteError:
        error: BaseException = RemoteError(*args)
    else:
        error = kind.__new__(kind, *args)
        error.args = args
        vars(error).update(state)
    for note in notes:
        error.add_note(note)
    str(error)
    return error
