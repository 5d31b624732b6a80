"""Containers that code only puts something into, such as a list of what ran: what they hold changes no result."""

from __future__ import annotations

import ast
from collections import defaultdict, deque
from typing import Any

from merkl.fingerprint.guards import Content
from merkl.fingerprint.nodes import Edge, Node

__all__ = ["TELLING", "takes_in_silence", "told_in", "without_marks"]

#: Kinds of syntax in which something may be told.
TELLING: frozenset[type] = frozenset({ast.Call, ast.Assign, ast.AugAssign})
#: Methods that take something and give None, whatever the container holds.
_METHODS: dict[type, frozenset[str]] = {
    list: frozenset({"append", "extend", "clear"}),
    deque: frozenset({"append", "appendleft", "extend", "extendleft", "clear"}),
    set: frozenset({"add", "clear"}),
    dict: frozenset({"clear"}),
    defaultdict: frozenset({"clear"}),
}
_NAMES = frozenset().union(*_METHODS.values())
#: Stand behind the path of a name in `name[key] = value`, and with the key behind it in `name["key"] += 1`.
_SET, _COUNT = "[]=", "[]+="


def told_in(node: ast.AST) -> list[tuple[ast.expr, tuple[str, ...]]]:
    """Return the names in a call or an assignment to which something is told, with the mark to put behind each.

    >>> [(ast.unparse(name), mark) for name, mark in told_in(ast.parse("seen[x] = 1").body[0])]
    [('seen', ('[]=',))]
    """
    match node:
        case ast.Call(func=ast.Attribute(attr=attr) as method) if attr in _NAMES:
            return [(method, ())]
        case ast.Assign(targets=targets):
            return [(target.value, (_SET,)) for target in targets if isinstance(target, ast.Subscript)]
        case ast.AugAssign(
            target=ast.Subscript(value=table, slice=ast.Constant(value=str(key))),
            op=ast.Add() | ast.Sub(),
            value=ast.Constant(value=int()),
        ):  # what else is added may raise, or look at what it is added to
            return [(table, (_COUNT, key))]
        case _:
            return []


def without_marks(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the attributes that a path reads, without the mark behind them."""
    if path[-1:] == (_SET,):
        return path[:-1]
    return path[:-2] if path[-2:-1] == (_COUNT,) else path


def takes_in_silence(node: Node, edge: Edge, path: tuple[str, ...]) -> str | None:
    """Return the name of the type of a container that is told something, which is all that counts of it here.

    None where what it holds may count: of the user's classes, and of libraries, nobody knows what they do.
    """
    container: Any = edge.target.subject
    kind = type(container)
    if path[-1:] == (_SET,):
        is_silent = kind in (dict, defaultdict) and not edge.label
    elif path[-2:-1] == (_COUNT,):
        # Whether there is a number decides whether an error is raised; which number it is does not.
        key = path[-1]
        is_silent = kind is dict and not edge.label and type(container.get(key)) in (int, float)
        if is_silent:
            node.guards.contents.append(Content(container, lambda table: type(table.get(key))))
    else:
        is_silent = edge.label.decode() in _METHODS.get(kind, ())
    return kind.__name__ if is_silent else None
