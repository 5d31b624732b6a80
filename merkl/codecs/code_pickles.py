"""Pickling code by value: what every process has for itself, a lock or the cache of a function, is there anew."""

from __future__ import annotations

import contextvars
import functools
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from merkl.codecs.by_value import ByValuePickler
from merkl.codecs.definitions import MAIN

__all__ = ["CodePickler"]


class CodePickler(ByValuePickler):
    """Takes along what functions use that no pickle takes: a script's globals are made anew, as by an import."""

    def reducer_override(self, obj: Any) -> Any:
        reduce = _ANEW.get(type(obj))
        reduced = None if reduce is None else reduce(obj)
        return super().reducer_override(obj) if reduced is None else reduced


def _cached(fn: Callable[..., Any], options: dict[str, Any], attributes: dict[str, Any]) -> Any:
    cached = functools.lru_cache(**options)(fn)
    vars(cached).update(attributes)
    return cached


def _reduce_cached(obj: Any) -> Any:
    module = sys.modules.get(obj.__module__) if obj.__module__ != MAIN else None
    found: Any = module
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is obj:
        return obj.__qualname__
    attributes = {name: value for name, value in vars(obj).items() if name != "__wrapped__"}
    return _cached, (obj.__wrapped__, obj.cache_parameters(), attributes)


def _reduce_property(obj: functools.cached_property[Any]) -> Any:
    return _property, (obj.func, obj.attrname)


def _property(fn: Callable[[Any], Any], name: str | None) -> functools.cached_property[Any]:
    made = functools.cached_property(fn)
    if name is not None:
        made.__set_name__(object, name)
    return made


def _context_variable(name: str, *value: Any) -> contextvars.ContextVar[Any]:
    return contextvars.ContextVar(name, default=value[0]) if value else contextvars.ContextVar(name)


def _reduce_variable(obj: contextvars.ContextVar[Any]) -> Any:
    try:
        return _context_variable, (obj.name, obj.get())
    except LookupError:
        return _context_variable, (obj.name,)


#: How to make such things anew, by class.
_ANEW: dict[type, Callable[[Any], Any]] = {
    type(functools.lru_cache(len)): _reduce_cached,
    functools.cached_property: _reduce_property,
    type(threading.Lock()): lambda obj: (threading.Lock, ()),
    type(threading.RLock()): lambda obj: (threading.RLock, ()),
    threading.local: lambda obj: (threading.local, ()),
    contextvars.ContextVar: _reduce_variable,
    weakref.WeakKeyDictionary: lambda obj: (weakref.WeakKeyDictionary, (dict(obj),)),
    weakref.WeakValueDictionary: lambda obj: (weakref.WeakValueDictionary, (dict(obj),)),
}
