"""A graph as text, as Graphviz's dot, and as mermaid."""

from __future__ import annotations

import json
from collections.abc import Callable

from merkl.render.graph_view import EdgeView, GraphView, NodeView

__all__ = ["COLOURS", "describe_node", "edge_label", "format_dot", "format_graph", "format_mermaid"]

#: Fill and border of a node by its state.
COLOURS = {
    "cached": ("#dcefe1", "#2f7d4a"),
    "stale": ("#fdeecb", "#a66a00"),
    "new": ("#e3ebfa", "#3b62ad"),
    "failed": ("#f9d7d7", "#b02a2a"),
    "": ("#f1f1f1", "#666666"),
}
_TERMINAL = {"cached": "32", "stale": "33", "new": "34", "failed": "31"}


def format_graph(view: GraphView, *, colour: bool = False) -> str:
    """Return a line for each node in program order: state, what it is called with, and what it gives."""
    counts = ", ".join(f"{n} {state}" for state, n in view.counts.items() if state != "calls")
    total = view.counts.get("calls", 0)
    lines = [f"{view.name}: {total} call{'' if total == 1 else 's'}" + (f": {counts}" if counts else "")]
    names = _unique_names(view)
    inputs: dict[int, list[EdgeView]] = {}
    for edge in view.edges:
        inputs.setdefault(edge.target, []).append(edge)
    width = max((len(node.status) for node in view.nodes), default=0)
    for node in view.nodes:
        if node.kind == "file":
            continue
        state = node.status.ljust(width)
        if colour and node.status:
            state = f"\033[{_TERMINAL[node.status]}m{state}\033[0m"
        lines.append(f"  {state}  {_line(node, names, inputs.get(node.id, []))}")
    return "\n".join(lines)


def _unique_names(view: GraphView) -> dict[int, str]:
    seen: dict[str, int] = {}
    names: dict[int, str] = {}
    for node in view.nodes:
        number = seen[node.label] = seen.get(node.label, 0) + 1
        names[node.id] = node.label if number == 1 else f"{node.label}#{number}"
    return names


def _line(node: NodeView, names: dict[int, str], edges: list[EdgeView]) -> str:
    sources = [f"{names[e.source]}{_out(e.out)}{f' ×{e.count}' if e.count > 1 else ''}" for e in edges]
    if node.kind == "output":
        return f"{', '.join(sources)} > {node.label}"
    if node.kind == "open":
        return f"… the graph {node.label}"
    by_name: dict[str, list[str]] = {}
    for edge, source in zip(edges, sources, strict=True):
        by_name.setdefault(edge.parameter, []).append(source)
    taken = (
        dict(node.calls[0].arguments)
        if node.count == 1
        else {name: "…" for name, _ in node.calls[0].arguments}
    )
    words = [
        f"{name}={', '.join(by_name[name]) if name in by_name else text}" for name, text in taken.items()
    ]
    count = f" ×{node.count}{' in a chain' if node.is_chain else ''}" if node.count > 1 else ""
    mark = {"shell": "$ ", "map": "map "}.get(node.kind, "")
    gives = ", ".join(node.types)
    return (
        f"{node.calls[0].key[:8]}  {mark}{names[node.id]}{count}({', '.join(words)}) -> {gives or 'nothing'}"
    )


def _out(name: str) -> str:
    return f"[{name if name.isdigit() else repr(name)}]" if name else ""


def describe_node(node: NodeView) -> str:
    """Return the text inside a node's box."""
    if node.count == 1:
        return node.label
    return f"{node.label} ×{node.count}{' in a chain' if node.is_chain else ''}"


def edge_label(edge: EdgeView) -> str:
    """Return the text on an edge: its type, and how many it stands for."""
    out = f"{edge.out}: " if edge.out else ""
    return f"{out}{edge.type}{f' ×{edge.count}' if edge.count > 1 else ''}" if edge.type else ""


def format_dot(view: GraphView) -> str:
    """Return a graph for Graphviz."""
    lines = [
        "digraph merkl {",
        '  rankdir=LR; node [shape=box style="rounded,filled" fontname="sans-serif"]; edge [fontname="sans-serif" fontsize=10];',
    ]
    for node in view.nodes:
        fill, border = COLOURS[node.status]
        shape = {
            "shell": " shape=cds",
            "file": " shape=note style=filled",
            "output": " shape=note style=filled",
        }
        more = shape.get(node.kind, ' style="rounded,filled,dashed"' if node.kind in ("map", "open") else "")
        if node.count > 1:
            more += " peripheries=2"
        label = _quoted(describe_node(node))
        lines.append(f'  n{node.id} [label={label} fillcolor="{fill}" color="{border}"{more}];')
    lines += [f"  n{e.source} -> n{e.target} [label={_quoted(edge_label(e))}];" for e in view.edges]
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


_MERMAID: dict[str, Callable[[str], str]] = {
    "task": lambda label: f"[{label}]",
    "map": lambda label: f"[/{label}/]",
    "shell": lambda label: f">{label}]",
    "file": lambda label: f"[({label})]",
    "output": lambda label: f"[({label})]",
    "open": lambda label: f"{{{{{label}}}}}",
}


def format_mermaid(view: GraphView) -> str:
    """Return a graph for mermaid, as GitHub and notebooks draw it."""
    lines = ["flowchart LR"]
    for node in view.nodes:
        shape = "[[" + _escaped(describe_node(node)) + "]]" if node.count > 1 else ""
        shape = shape or _MERMAID[node.kind](_escaped(describe_node(node)))
        lines.append(f"  n{node.id}{shape}:::{node.status or 'plain'}")
    for edge in view.edges:
        label = edge_label(edge)
        lines.append(f"  n{edge.source} -->{f'|{_escaped(label)}|' if label else ''} n{edge.target}")
    for state, (fill, border) in COLOURS.items():
        lines.append(f"  classDef {state or 'plain'} fill:{fill},stroke:{border},color:#222")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    # Mermaid reads entities inside quotes; json gives the quotes and nothing else that it would read.
    for character, entity in (
        ("#", "#35;"),
        ("&", "#38;"),
        ('"', "#34;"),
        ("<", "#60;"),
        (">", "#62;"),
        ("\\", "#92;"),
    ):
        text = text.replace(character, entity)
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
