"""What code that travels by value takes from modules that the other process imports for itself: the same, or not."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from merkl.execution.targets.by_name import is_by_name, is_importable
from merkl.hashing.digests import hash_parts

if TYPE_CHECKING:
    from merkl.fingerprint import Fingerprint
    from merkl.graph.call import Call
    from merkl.graph.task import Task

__all__ = ["Reached", "differs_here", "reached_by"]

#: By module: the digest of all that a task reaches in it.
Reached = tuple[tuple[str, bytes], ...]


def reached_by(call: Call) -> Reached:
    """Return what a call's task reaches in importable modules; nothing where it is imported itself and compared as a whole."""
    first = call.parts[0]
    if is_by_name(first.task) or first.fingerprint is None:
        return ()
    return _reached_in(first.task, first.fingerprint)


def differs_here(task: Task[..., Any, Any], reached: Reached) -> bool:
    """Say whether a task that came by value finds other code or constants in this process than where it came from."""
    here = dict(_by_module(task.fingerprint()))
    return any(here.get(module, digest) != digest for module, digest in reached)


@functools.lru_cache(maxsize=1024)
def _reached_in(task: Task[..., Any, Any], fingerprint: bytes) -> Reached:
    # The fingerprint tells apart what a task was at different times.
    return _by_module(task.fingerprint())


def _by_module(fingerprint: Fingerprint) -> Reached:
    found: dict[str, list[bytes]] = {}
    for component in fingerprint.components:
        # What is defined inside of a function, or is a lambda, comes along itself.
        module = None if "<" in component.name else _module_of(component.name)
        if module is not None:
            parts = (component.name.encode(), component.kind.encode(), component.digest.encode())
            found.setdefault(module, []).append(hash_parts(b"reached", parts))
    return tuple((module, hash_parts(b"module", sorted(found[module]))) for module in sorted(found))


def _module_of(name: str) -> str | None:
    """Return the module in which something of that full name is, where another process imports it."""
    while name:
        if name in sys.modules:
            return name if is_importable(name) else None
        name = name.rpartition(".")[0]
    return None
