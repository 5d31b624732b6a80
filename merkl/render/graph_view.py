"""A graph of calls as plain data: nodes with their state, edges with their types, big maps as one node."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from merkl._base.containers import iter_leaves
from merkl._base.hints import format_type
from merkl._base.places import shown_path
from merkl.cache import ArgumentPreview, Ledger
from merkl.execution.known_maps import KnownItems
from merkl.execution.plan import Plan
from merkl.execution.previews import describe_arguments, preview_arguments
from merkl.files import DirRef, FileRef
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.shown import plain_text
from merkl.graph.task import MapTask
from merkl.render.call_states import task_name
from merkl.render.grouping import group_calls
from merkl.shell.bash import BashTask

__all__ = ["EdgeView", "GraphView", "NodeView", "view_graph"]


class CallView(msgspec.Struct, frozen=True):
    """One call of a node: its key, what it is called with, and what is known of its result; in a loop its task."""

    key: str
    status: str
    arguments: tuple[tuple[str, str], ...]
    duration: float = 0.0
    size: int = 0
    run: str = ""
    created: float = 0.0
    failed: str = ""
    task: str = ""


class NodeView(msgspec.Struct, frozen=True):
    """A call, several alike (`count`; `is_chain`: each but the first takes up the result of another of them), or a file.

    `kind` is "task", "shell", "map" (over a list that is not known yet), "file" (read), "output" (written) or "open" (the graph
    goes on once a value is known). `status` is "cached", "stale" (would run again: there is a result of it, of other code or
    inputs), "new" (would run for the first time with these arguments) or "failed" (would run again, failed the last time); of
    several calls the one that needs most attention.
    """

    id: int
    kind: str
    label: str
    task: str = ""
    status: str = ""
    count: int = 1
    is_chain: bool = False
    location: str = ""
    types: tuple[str, ...] = ()
    fingerprint: str = ""
    doc: str = ""
    calls: tuple[CallView, ...] = ()


Constants = tuple[ArgumentPreview, ...]

#: So many of a task's latest results are looked at.
_MOST_EARLIER = 20_000


def _constants(arguments: Iterable[ArgumentPreview]) -> Constants:
    return tuple(a for a in arguments if not a.preview.startswith("<Future of "))


class EdgeView(msgspec.Struct, frozen=True):
    """What flows from one node to another: its type, the out that it is, and the parameter that takes it."""

    source: int
    target: int
    type: str = ""
    parameter: str = ""
    out: str = ""
    count: int = 1


class GraphView(msgspec.Struct, frozen=True):
    """A whole graph; each edge leads from an earlier to a later node, which are else in program order."""

    name: str
    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]
    counts: dict[str, int] = {}


#: The state of several calls in one node is the first of these that occurs.
_ATTENTION = ("failed", "stale", "new", "cached")


def view_graph(
    name: str,
    calls: Iterable[Call],
    plan: Plan,
    ledger: Ledger | None,
    *,
    collapse: int | None = 8,
    depends_on: Sequence[Future[Any]] = (),
    items: KnownItems = MappingProxyType({}),
) -> GraphView:
    """Return the view of a graph.

    Args:
        name: what made it.
        calls: all of its calls.
        plan: which of them would run.
        ledger: what earlier runs left.
        collapse: from so many alike calls on they become one node; None for never.
        depends_on: the values on which it depends how the graph goes on.
        items: what maps turned out to need.
    """
    builder = _Builder(plan, ledger)
    made = sorted(calls, key=lambda call: call.sequence)
    # Equal calls are one, whoever made them again; each may have its own wish for a file.
    ordered = list({call.key(): call for call in reversed(made)}.values())[::-1]
    for members in group_calls(ordered, collapse):
        builder.add_node(members)
    for call in ordered:
        builder.add_edges(call)
    for call, futures in items.items():
        builder.add_items(call, futures)
    for call in made:
        builder.add_writes(call)
    builder.add_open_end(depends_on)
    nodes = tuple(builder.finished_nodes())
    counts: dict[str, int] = {"calls": len(ordered)}
    for node in nodes:
        for call_view in node.calls:
            counts[call_view.status] = counts.get(call_view.status, 0) + 1
    return GraphView(name, nodes, tuple(builder.finished_edges()), counts)


class _Builder:
    def __init__(self, plan: Plan, ledger: Ledger | None) -> None:
        self.nodes: list[NodeView] = []
        self._ledger = ledger
        self._missing = {call.key() for call in plan.missing}
        self._failures = dict(ledger.notes("failed")) if ledger is not None else {}
        self._earlier: dict[str, frozenset[Constants]] = {}
        self._new: set[bytes] = set()
        self._node_of: dict[bytes, int] = {}
        self._files: dict[tuple[str, str], int] = {}
        self._edges: dict[tuple[int, int, str, str, str], int] = {}
        self._chains: set[int] = set()

    def add_node(self, members: Sequence[Call]) -> None:
        """Add a node for some calls."""
        first = members[0]
        tasks = {call.task: call for call in members}
        views = tuple(map(self._view_call, members))
        types = [show_type(one.outs.type_of(out)) for one in tasks.values() for out in one.outs.names()]
        if len(tasks) > 1:
            types = list(dict.fromkeys(types))
            named = zip(views, members, strict=True)
            views = tuple(msgspec.structs.replace(view, task=call.task.name) for view, call in named)
        states = {view.status for view in views}
        number = len(self.nodes)
        for call in members:
            self._node_of[call.key()] = number
        self.nodes.append(
            NodeView(
                id=number,
                kind=_kind(first),
                label=" → ".join(dict.fromkeys(call.task.name for call in members)),
                task=", ".join(dict.fromkeys(map(task_name, members))),
                status=next(state for state in _ATTENTION if state in states),
                count=len(members),
                location=plain_text(first.place()),
                types=tuple(types),
                fingerprint=first.fingerprint.hex() if first.fingerprint else "",
                doc=plain_text((first.task.__doc__ or "").partition("\n")[0]),
                calls=views,
            )
        )

    def _view_call(self, call: Call) -> CallView:
        key = call.key()
        status = "cached"
        failed = ""
        if key in self._missing:
            failed = self._failures.get(key.hex(), {}).get("error", "")
            status = "failed" if failed else "stale" if self._ran_before(call) else "new"
            if status == "new":
                self._new.add(key)
        metadata = None
        if self._ledger is not None and status == "cached":
            metadata = self._ledger.metadata(call.futures()[0].hash) if call.outs.names() else None
        if metadata is None:
            return CallView(key.hex(), status, preview_arguments(call), failed=failed)
        return CallView(
            key.hex(),
            status,
            preview_arguments(call),
            metadata.duration,
            metadata.size,
            metadata.run,
            metadata.created,
        )

    def _ran_before(self, call: Call) -> bool:
        """Say whether there is a result of this task with the same constants, made of inputs that are not new themselves."""
        if self._ledger is None or any(future._call.key() in self._new for future in call.inputs()):
            return False
        task = task_name(call)
        if task not in self._earlier:
            rows = self._ledger.log(task=task, limit=_MOST_EARLIER)
            self._earlier[task] = frozenset(_constants(m.arguments) for _, m in rows if m.task == task)
        return bool(self._earlier[task]) and _constants(describe_arguments(call)) in self._earlier[task]

    def add_edges(self, call: Call) -> None:
        """Add the edges into a call, from other calls and from files."""
        target = self._node_of[call.key()]
        for name, value, encoded in zip(call.task.signature.names, call.values, call.encodings, strict=True):
            for leaf in iter_leaves(value) if type(encoded) is not bytes or _may_hold_files(value) else ():
                if type(leaf) is Future:
                    source = self._node_of.get(leaf._call.key())
                    if source == target:
                        self._chains.add(target)
                    elif source is not None:
                        self._add_edge(source, target, show_type(leaf.type), name, leaf.out or "")
                elif isinstance(leaf, (FileRef, DirRef)):
                    self._add_edge(self._file_node("file", os.fspath(leaf)), target, "", name, "")

    def add_items(self, call: Call, items: Sequence[Future[Any]]) -> None:
        """Add the edges into a map from the calls that it makes."""
        for future in items:
            source, target = self._node_of.get(future._call.key()), self._node_of.get(call.key())
            if source is not None and target is not None:
                self._add_edge(source, target, show_type(future.type), "", future.out or "")

    def add_writes(self, call: Call) -> None:
        """Add the files that a call's results are written to."""
        target = self._node_of[call.key()]
        for write in call.writes:
            node = self._file_node("output", write.path)
            self._add_edge(target, node, show_type(write.future.type), "", write.future.out or "")

    def _add_edge(self, source: int, target: int, kind: str, parameter: str, out: str) -> None:
        edge = (source, target, kind, parameter, out)
        self._edges[edge] = self._edges.get(edge, 0) + 1

    def _file_node(self, kind: str, path: str) -> int:
        if (kind, path) not in self._files:
            self._files[kind, path] = len(self.nodes)
            self.nodes.append(NodeView(len(self.nodes), kind, plain_text(shown_path(path))))
        return self._files[kind, path]

    def add_open_end(self, futures: Sequence[Future[Any]]) -> None:
        """Add the node that stands for the rest of a graph that depends on values."""
        if not futures:
            return
        names = ", ".join(dict.fromkeys(future.task.name for future in futures))
        node = NodeView(len(self.nodes), "open", f"depends on {names}")
        self.nodes.append(node)
        for future in futures:
            source = self._node_of.get(future._call.key())
            if source is not None:
                self._add_edge(source, node.id, show_type(future.type), "", future.out or "")

    def finished_nodes(self) -> Iterable[NodeView]:
        """Return the nodes, chains marked as such."""
        for node in self.nodes:
            yield msgspec.structs.replace(node, is_chain=True) if node.id in self._chains else node

    def finished_edges(self) -> Iterable[EdgeView]:
        """Return the edges, equal ones counted."""
        for (source, target, kind, parameter, out), count in self._edges.items():
            yield EdgeView(source, target, kind, parameter, out, count)


def show_type(hint: Any) -> str:
    """Return a type as text, arrays as `NDArray[float64]`."""
    return _ARRAY.sub(r"NDArray[\1]", format_type(hint))


_ARRAY = re.compile(r"(?:numpy\.)?ndarray\[tuple\[(?:Any|int), \.\.\.\], dtype\[(\w+)\]\]")


def _may_hold_files(value: Any) -> bool:
    return isinstance(value, (FileRef, DirRef, list, tuple, dict))


def _kind(call: Call) -> str:
    if isinstance(call.task, BashTask):
        return "shell"
    return "map" if isinstance(call.task, MapTask) else "task"
