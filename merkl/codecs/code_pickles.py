"""Pickling code by value: what every process has for itself, a lock or the cache of a function, is there anew."""

from __future__ import annotations

import contextvars
import threading
import weakref
from collections.abc import Callable
from typing import Any

from merkl.codecs.by_value import ByValuePickler

__all__ = ["CodePickler"]


class CodePickler(ByValuePickler):
    """Takes along what functions use that no pickle takes: a script's globals are made anew, as by an import."""

    def reducer_override(self, obj: Any) -> Any:
        reduce = _ANEW.get(type(obj))
        reduced = None if reduce is None else reduce(obj)
        return super().reducer_override(obj) if reduced is None else reduced


def _context_variable(name: str, *value: Any) -> contextvars.ContextVar[Any]:
    return contextvars.ContextVar(name, default=value[0]) if value else contextvars.ContextVar(name)


def _reduce_variable(obj: contextvars.ContextVar[Any]) -> Any:
    try:
        return _context_variable, (obj.name, obj.get())
    except LookupError:
        return _context_variable, (obj.name,)


#: How to make such things anew, by class.
_ANEW: dict[type, Callable[[Any], Any]] = {
    type(threading.Lock()): lambda obj: (threading.Lock, ()),
    type(threading.RLock()): lambda obj: (threading.RLock, ()),
    threading.local: lambda obj: (threading.local, ()),
    contextvars.ContextVar: _reduce_variable,
    weakref.WeakKeyDictionary: lambda obj: (weakref.WeakKeyDictionary, (dict(obj),)),
    weakref.WeakValueDictionary: lambda obj: (weakref.WeakValueDictionary, (dict(obj),)),
}
