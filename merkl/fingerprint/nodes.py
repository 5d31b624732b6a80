"""The graph of what a task's code reaches: definitions and constants as nodes, uses as labelled edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from merkl.fingerprint.guards import Guards
from merkl.hashing.fingerprints import cycle_digests, node_digest

__all__ = ["ONLY_MENTIONED", "Aspect", "Edge", "Node", "Territory", "digest_of", "explore"]


#: The one method that counts nowhere but where its name is mentioned.
ONLY_MENTIONED = "__subclasses__"


@dataclass(slots=True, eq=False)
class Node:
    """A definition or a constant. `own` is what it says itself; `edges` lead to what it uses, in order.

    A leaf has a `digest` from the start. `subject` is kept alive, because nodes are found by its identity.
    """

    kind: str
    name: str
    own: bytes = b""
    subject: object = None
    edges: list[Edge] = field(default_factory=list)
    guards: Guards = field(default_factory=Guards)
    digest: bytes | None = None
    text: Any = ""  # the text itself, or a callable that gives it
    location: str = ""
    expanded: bool = True
    is_complete: bool = True
    from_source: bool = True
    #: The import name of an installed package that this leaf is part of.
    package: str = ""
    #: Attribute names and words that the code mentions: what methods it could be calling.
    mentions: frozenset[str] = frozenset()
    #: Why a value has no canonical bytes, so that only its type is known; "" for all others.
    opaque: str = ""
    #: Whether it could be calling methods that it does not mention.
    is_dynamic: bool = False
    #: Methods that count only where their name is mentioned.
    methods: list[tuple[str, Node]] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Edge:
    """One use: `label` says how (which hole, which attributes), `target` is what is used."""

    label: bytes
    target: Node


@dataclass(slots=True, frozen=True)
class Aspect:
    """What counts of every definition where some code that is reached may read it, such as annotations or names.

    `is_read` says so of a node, `of` gives the node of what it says of another, None for one that has none.
    """

    label: str
    is_read: Callable[[Node], bool]
    of: Callable[[Node], Node | None]


@dataclass(slots=True)
class Territory:
    """All that a node reaches, in the order of first use, and the methods that are reached by being mentioned."""

    nodes: list[Node] = field(default_factory=list)
    methods: list[tuple[Node, str, Node]] = field(default_factory=list)


def explore(
    root: Node,
    visit: Callable[[Node], None],
    *,
    whole: bool = False,
    aspects: Sequence[Aspect] = (),
) -> Territory:
    """Return what a node reaches. `visit` is called on each node before its edges are followed.

    A method that is not called by the language itself counts where code that is reached mentions its name; all
    methods count if `whole`, or where some code could be calling methods that it does not mention. An aspect counts
    where some code reads it.
    """
    found = Territory()
    seen = {id(root)}
    pending = [root]
    mentioned: set[str] = set()
    waiting: list[tuple[Node, str, Node]] = []
    #: Of how many nodes each aspect that is read was taken.
    taken: dict[Aspect, int] = {}
    while True:
        while pending:
            node = pending.pop()
            if node.subject is not None:  # leaves say all from the start
                visit(node)
            found.nodes.append(node)
            mentioned |= node.mentions
            whole = whole or node.is_dynamic
            for aspect in aspects:
                if aspect not in taken and aspect.is_read(node):
                    taken[aspect] = 0
            waiting.extend((node, name, method) for name, method in node.methods)
            for edge in reversed(node.edges):
                if id(edge.target) not in seen:
                    seen.add(id(edge.target))
                    pending.append(edge.target)
        called: list[tuple[Node, str, Node]] = []
        others: list[tuple[Node, str, Node]] = []
        for entry in waiting:
            counts = entry[1] in mentioned or (whole and entry[1] != ONLY_MENTIONED)
            (called if counts else others).append(entry)
        for aspect, count in taken.items():
            for node in found.nodes[count:]:
                part = aspect.of(node)
                if part is not None:
                    called.append((node, aspect.label, part))
            taken[aspect] = len(found.nodes)
        if not called:
            return found
        waiting = others
        found.methods.extend(called)
        for _, _, method in reversed(called):
            if id(method) not in seen:
                seen.add(id(method))
                pending.append(method)


def digest_of(root: Node, known: dict[int, bytes]) -> bytes:
    """Return the digest of a node, noting those of all that it reaches in `known` (by identity of the node).

    Tarjan's strongly connected components, without recursion: components come out in such an order that
    everything outside of one is known when it is digested.
    """
    if root.digest is not None:
        # Leaves are made anew for each use: one that is gone must leave nothing behind under its identity.
        return root.digest
    if id(root) in known:
        return known[id(root)]
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[Node] = []
    on_stack: set[int] = set()
    work: list[tuple[Node, int]] = [(root, 0)]
    while work:
        node, position = work.pop()
        key = id(node)
        if position == 0:
            order[key] = low[key] = len(order)
            stack.append(node)
            on_stack.add(key)
        descended = False
        for number in range(position, len(node.edges)):
            target = node.edges[number].target
            other = id(target)
            if target.digest is not None or other in known:
                continue
            if other not in order:
                work.append((node, number + 1))
                work.append((target, 0))
                descended = True
                break
            if other in on_stack:
                low[key] = min(low[key], order[other])
        if descended:
            continue
        if low[key] == order[key]:
            component: list[Node] = []
            while True:
                member = stack.pop()
                on_stack.discard(id(member))
                component.append(member)
                if member is node:
                    break
            _digest_component(component, known)
        if work:
            parent = id(work[-1][0])
            low[parent] = min(low[parent], low[key])
    return known[id(root)]


def _digest_component(component: list[Node], known: dict[int, bytes]) -> None:
    if len(component) == 1:
        node = component[0]
        if all(edge.target is not node for edge in node.edges):
            known[id(node)] = node_digest(
                node.own, [(e.label, e.target.digest or known[id(e.target)]) for e in node.edges]
            )
            return
    numbers = {id(node): number for number, node in enumerate(component)}
    described = [
        (
            node.own,
            [
                (
                    e.label,
                    numbers[id(e.target)]
                    if id(e.target) in numbers
                    else e.target.digest or known[id(e.target)],
                )
                for e in node.edges
            ],
        )
        for node in component
    ]
    known.update(zip(numbers, cycle_digests(described), strict=True))
