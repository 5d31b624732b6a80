"""What code that travels by value finds under names in modules that another process imports for itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from merkl.fingerprint.guards import MISSING
from merkl.fingerprint.nodes import Node
from merkl.fingerprint.reach import Hidden

__all__ = ["Place", "borrowed"]

#: The name of a module, and what something is called in it: "" for the module itself.
Place = tuple[str, str]


def borrowed(
    roots: Iterable[Node],
    look: Callable[[Node], None],
    place_of: Callable[[object], Place | None],
) -> dict[Place, object]:
    """Return what is not taken along with code, by where it is found: functions, classes, values that modules hold.

    Args:
        roots: nodes of what travels.
        look: fills in a node before its edges are followed.
        place_of: where another process finds a function, a class, a task or a module; None where it comes along.
    """
    found: dict[Place, object] = {}
    pending = list(roots)
    seen = set(map(id, pending))
    while pending:
        node = pending.pop()
        if node.subject is None:  # a leaf
            continue
        place = place_of(node.subject)
        if place is not None:
            found[place] = node.subject
            continue
        look(node)
        found.update(_read_of_modules(node, place_of))
        for target in [*(edge.target for edge in node.edges), *(method for _, method in node.methods)]:
            if id(target) not in seen:
                seen.add(id(target))
                pending.append(target)
    return found


def _read_of_modules(
    node: Node, place_of: Callable[[object], Place | None]
) -> Iterator[tuple[Place, object]]:
    """Yield what a definition reads as an attribute of a module: the globals that it has itself come along."""
    own = _globals_of(node.subject)
    for namespace, name, value in node.guards.bindings:
        if (
            type(namespace) is not dict
            or namespace is own
            or value is MISSING
            or isinstance(value, ModuleType)
        ):
            continue
        module = sys.modules.get(str(namespace.get("__name__")))
        if isinstance(module, ModuleType) and module.__dict__ is namespace:
            place = place_of(module)
            if place is not None:
                yield (place[0], name), value


def _globals_of(subject: object) -> object:
    if isinstance(subject, Hidden):
        return subject.around.namespace
    if isinstance(subject, type):
        return getattr(sys.modules.get(subject.__module__), "__dict__", None)
    return getattr(subject, "__globals__", None)
