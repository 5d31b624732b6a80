"""What code that travels by value takes from modules that the other process imports for itself: the same, or not."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Sequence
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from merkl._base.errors import MerklError
from merkl.execution.targets.by_name import is_by_name, is_importable
from merkl.graph.session import sessions
from merkl.graph.task import Task

if TYPE_CHECKING:
    from merkl.fingerprint.borrowed import Place
    from merkl.graph.call import Call

__all__ = ["Reached", "differs_here", "reached_by"]

#: By module and name in it: the digest of all that is found there.
Reached = tuple[tuple[str, str, bytes], ...]


def reached_by(call: Call, code: Sequence[object]) -> Reached:
    """Return what a call reaches in modules that the other process imports.

    Of its task nothing, where that is imported itself and compared as a whole; of the `code` among its arguments all.
    """
    first = call.parts[0]
    reached: Reached = ()
    if first.fingerprint is not None and not is_by_name(first.task):
        reached = _reached_by_task(getattr(first.task, "whole", first.task), first.fingerprint)
    return tuple(sorted({*reached, *_reached_by(code)})) if code else reached


def differs_here(reached: Reached) -> bool:
    """Say whether code that came by value finds other code or constants in this process than where it came from."""
    return any(_digest_at(module, name) != digest for module, name, digest in reached)


@functools.lru_cache(maxsize=1024)
def _reached_by_task(task: Task[..., Any, Any], fingerprint: bytes) -> Reached:
    # The fingerprint tells apart what a task was at different times.
    return _reached_by([task.fn, *task.options.deps])


def _reached_by(code: Sequence[object]) -> Reached:
    try:
        found = sessions.current().fingerprinter.borrowed_by(code, _place_of)
    except MerklError:  # an object that cannot be looked at, where the key needs no look either
        return ()
    return tuple(sorted((*place, _digest_of(thing)) for place, thing in found.items()))


def _digest_of(thing: object) -> bytes:
    try:
        return sessions.current().fingerprinter.digest_callable(thing)
    except MerklError:
        return b""


def _digest_at(module: str, name: str) -> bytes | None:
    try:
        found: Any = importlib.import_module(module)
        for part in filter(None, name.split(".")):
            found = getattr(found, part)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever a module's code raises
        return None
    return _digest_of(found)


def _place_of(thing: object) -> Place | None:
    """Return where another process finds a function, class, task or module; None where it gets that by value."""
    if isinstance(thing, ModuleType):
        module, name = thing.__name__, ""
    elif isinstance(thing, FunctionType | type | Task):
        named: Any = thing.fn if isinstance(thing, Task) else thing
        module, name = getattr(named, "__module__", ""), getattr(named, "__qualname__", "")
    else:
        return None
    found: Any = sys.modules.get(module)
    for part in filter(None, name.split(".")):
        found = getattr(found, part, None)
    return (module, name) if found is thing and is_importable(module) else None
