"""A graph as one HTML file with pan, zoom, search and details, that needs no network."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec

from merkl.render.graph_svg import place_graph
from merkl.render.graph_text import COLOURS, describe_node, edge_label
from merkl.render.graph_view import GraphView

__all__ = ["format_html"]


def format_html(view: GraphView, components: dict[str, list[dict[str, str]]] | None = None) -> str:
    """Return the page; `components` are the parts of fingerprints, to be shown beside a call."""
    layout = place_graph(view)
    nodes = []
    for node, (x, y, width, height) in zip(view.nodes, layout.boxes, strict=True):
        place = {"x": round(x, 1), "y": round(y, 1), "w": round(width, 1), "h": round(height, 1)}
        nodes.append({**msgspec.to_builtins(node), "title": describe_node(node), **place})
    edges: list[dict[str, Any]] = []
    for edge, points in zip(view.edges, layout.paths, strict=True):
        places = [[round(x, 1), round(y, 1)] for x, y in points]
        edges.append({**msgspec.to_builtins(edge), "label": edge_label(edge), "points": places})
    data = {
        "name": view.name,
        "counts": view.counts,
        "colours": COLOURS,
        "width": layout.width,
        "height": layout.height,
        "nodes": nodes,
        "edges": edges,
        "components": components or {},
    }
    # Nothing in the data may end the script element that holds it.
    text = msgspec.json.encode(data).decode().replace("<", "\\u003c")
    page = files("merkl.render").joinpath("graph_page.html").read_text(encoding="utf-8")
    return page.replace("__MERKL_DATA__", text)
