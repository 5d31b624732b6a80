"""A graph as one SVG picture that needs nothing else."""

from __future__ import annotations

import textwrap
from html import escape

from merkl.render.graph_text import COLOURS, describe_node, edge_label
from merkl.render.graph_view import GraphView, NodeView
from merkl.render.layout import Layout, lay_out

__all__ = ["format_svg", "node_width", "place_graph"]

_MARGIN = 24.0
_LONGEST = 44


def node_width(node: NodeView) -> float:
    """Return how wide the box of a node must be for its text."""
    return max(64.0, 7.4 * len(_shortened(describe_node(node))) + 26.0)


def _shortened(text: str) -> str:
    return textwrap.shorten(text, _LONGEST, placeholder="…") if " " in text else text[:_LONGEST]


def place_graph(view: GraphView) -> Layout:
    """Return where everything goes."""
    return lay_out([node_width(node) for node in view.nodes], [(e.source, e.target) for e in view.edges])


def format_svg(view: GraphView) -> str:
    """Return the picture of a graph."""
    layout = place_graph(view)
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-_MARGIN} {-_MARGIN - 24} {width:.0f} {height:.0f}" font-family="system-ui, sans-serif">',
        f"<title>{escape(view.name)}</title>",
        f'<rect x="{-_MARGIN}" y="{-_MARGIN - 24}" width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text x="0" y="-22" font-size="13" fill="#444">{escape(_heading(view))}</text>',
    ]
    for edge, points in zip(view.edges, layout.paths, strict=True):
        parts.append(f'<path d="{curve(points)}" fill="none" stroke="#9aa0a6" stroke-width="1.2"/>')
        label = edge_label(edge)
        if label:
            # Beside the target: there edges of one source have parted.
            x, y = points[-1]
            parts.append(
                f'<text x="{x - 8:.1f}" y="{y - 4:.1f}" font-size="9.5" fill="#6b7075" text-anchor="end">'
                f"{escape(_shortened(label)[:18])}<title>{escape(label)}</title></text>"
            )
    for node, box in zip(view.nodes, layout.boxes, strict=True):
        parts += _node(node, *box)
    return "\n".join([*parts, "</svg>"])


def _heading(view: GraphView) -> str:
    counts = ", ".join(f"{n} {state}" for state, n in view.counts.items() if state != "calls")
    return f"{view.name}: {view.counts.get('calls', 0)} calls" + (f": {counts}" if counts else "")


def curve(points: list[tuple[float, float]]) -> str:
    """Return a smooth path through points, level at each of them."""
    x, y = points[0]
    words = [f"M{x:.1f},{y:.1f}"]
    for to_x, to_y in points[1:]:
        middle = (x + to_x) / 2
        words.append(f"C{middle:.1f},{y:.1f} {middle:.1f},{to_y:.1f} {to_x:.1f},{to_y:.1f}")
        x, y = to_x, to_y
    return " ".join(words)


def _node(node: NodeView, x: float, y: float, width: float, height: float) -> list[str]:
    fill, border = COLOURS[node.status]
    style = f'fill="{fill}" stroke="{border}" stroke-width="1.4"'
    tip = escape("\n".join(filter(None, (node.task, node.status, ", ".join(node.types), node.location))))
    parts = [f"<g><title>{tip}</title>"]
    if node.count > 1:
        parts.append(f'<rect x="{x + 4}" y="{y + 4}" width="{width}" height="{height}" rx="7" {style}/>')
    parts.append(f"{outline(node, x, y, width, height)} {style}/>")
    text = escape(_shortened(describe_node(node)))
    prefix = "$ " if node.kind == "shell" else ""
    parts.append(
        f'<text x="{x + width / 2:.1f}" y="{y + height / 2 + 4.5:.1f}" font-size="13" text-anchor="middle" '
        f'fill="#222">{prefix}{text}</text></g>'
    )
    return parts


def outline(node: NodeView, x: float, y: float, width: float, height: float) -> str:
    """Return the beginning of the element that draws a node's shape: each kind has its own."""
    if node.kind in ("file", "output"):
        fold = 9
        return (
            f'<path d="M{x},{y} H{x + width - fold} L{x + width},{y + fold} V{y + height} H{x} Z '
            f'M{x + width - fold},{y} V{y + fold} H{x + width}"'
        )
    if node.kind == "shell":
        tip = height / 3
        return (
            f'<path d="M{x},{y} H{x + width - tip:.1f} L{x + width},{y + height / 2} L{x + width - tip:.1f},{y + height} '
            f'H{x} Z"'
        )
    dashes = ' stroke-dasharray="5 3"' if node.kind in ("map", "open") else ""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7"{dashes}'
