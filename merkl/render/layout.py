"""Places for the nodes of a graph: columns by depth, few crossings, straight long edges.

Layers by longest path, dummy nodes on long edges, barycentre sweeps, then places drawn towards the neighbours: the
method of Sugiyama, Tagawa and Toda (1981), without recursion and linear in nodes and edges for each sweep.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Layout", "lay_out"]

HEIGHT = 40.0
#: A node grows with the edges that end at it, up to a height.
PORT = 13.0
HIGHEST = 420.0
GAP_Y = 18.0
GAP_X = 110.0
_SWEEPS = 6
#: Beyond this many dummy nodes long edges are drawn straight across.
_MOST_DUMMIES = 20_000


@dataclass(frozen=True, slots=True)
class Layout:
    """Left, top, width and height of each node, and the points of each edge, in the order they were given."""

    boxes: list[tuple[float, float, float, float]]
    paths: list[list[tuple[float, float]]]
    width: float
    height: float


def lay_out(widths: Sequence[float], edges: Sequence[tuple[int, int]]) -> Layout:
    """Return places for nodes of these widths; the edges (source, target) form no cycle.

    >>> layout = lay_out([80, 80], [(0, 1)])
    >>> [box[0] for box in layout.boxes]
    [0.0, 190.0]
    """
    layer = _layers(len(widths), edges)
    nodes, chains = _with_dummies(layer, edges)
    columns: list[list[int]] = [[] for _ in range(max(nodes, default=-1) + 1)]
    for node, column in enumerate(nodes):
        columns[column].append(node)
    links = [(a, b) for chain in chains for a, b in itertools.pairwise(chain)]
    before, after = _neighbours(len(nodes), links)
    arriving = Counter(target for _, target in edges)
    heights = [_height(arriving[node]) if node < len(widths) else 8.0 for node in range(len(nodes))]
    _order(columns, before, after)
    tops = _place(columns, before, after, heights)
    lefts, width = _column_places(columns, widths)
    boxes = [(lefts[nodes[node]], tops[node], widths[node], heights[node]) for node in range(len(widths))]
    paths = [_path(chain, boxes, lefts, tops, nodes, len(widths), columns, widths) for chain in chains]
    _spread_ends(chains, boxes, paths)
    height = max((top + heights[node] for node, top in enumerate(tops)), default=0.0)
    return Layout(boxes, paths, width, height)


def _height(arriving: int) -> float:
    return min(max(HEIGHT, arriving * PORT + 8.0), HIGHEST)


def _spread_ends(
    chains: list[list[int]],
    boxes: list[tuple[float, float, float, float]],
    paths: list[list[tuple[float, float]]],
) -> None:
    """Let the edges into a node end beside each other, in the order in which they come."""
    into: dict[int, list[int]] = {}
    for number, chain in enumerate(chains):
        into.setdefault(chain[-1], []).append(number)
    for node, numbers in into.items():
        x, y, _, height = boxes[node]
        numbers.sort(key=lambda number: paths[number][-2][1])
        for i, number in enumerate(numbers):
            paths[number][-1] = (x, y + height * (i + 0.5) / len(numbers))


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the length of the longest path to each node; the graph has no cycles."""
    layer = [0] * count
    open_inputs = [0] * count
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        after[source].append(target)
        open_inputs[target] += 1
    ready = [node for node in range(count) if not open_inputs[node]]
    for node in ready:  # grows while it is walked
        for target in after[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            open_inputs[target] -= 1
            if not open_inputs[target]:
                ready.append(target)
    return layer


def _with_dummies(layer: list[int], edges: Sequence[tuple[int, int]]) -> tuple[list[int], list[list[int]]]:
    nodes = list(layer)
    chains: list[list[int]] = []
    total = sum(max(0, layer[b] - layer[a] - 1) for a, b in edges)
    for source, target in edges:
        chain = [source]
        if total <= _MOST_DUMMIES:
            for column in range(layer[source] + 1, layer[target]):
                chain.append(len(nodes))
                nodes.append(column)
        chain.append(target)
        chains.append(chain)
    return nodes, chains


def _neighbours(count: int, links: Iterable[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b in links:
        before[b].append(a)
        after[a].append(b)
    return before, after


def _order(columns: list[list[int]], before: list[list[int]], after: list[list[int]]) -> None:
    """Sort each column by where the neighbours are, forth and back a few times."""
    rank: dict[int, float] = {}
    for column in columns:
        rank.update((node, float(i)) for i, node in enumerate(column))
    for sweep in range(_SWEEPS):
        neighbours = before if sweep % 2 == 0 else after
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = {
                node: sum(rank[n] for n in neighbours[node]) / len(neighbours[node])
                if neighbours[node]
                else rank[node]
                for node in column
            }
            column.sort(key=wanted.__getitem__)
            rank.update((node, float(i)) for i, node in enumerate(column))


def _place(
    columns: list[list[int]], before: list[list[int]], after: list[list[int]], heights: list[float]
) -> list[float]:
    """Give each node a top: near the middle of its neighbours, in the order of its column, apart from each other."""
    tops = [0.0] * len(heights)
    for column in columns:
        y = 0.0
        for node in column:
            tops[node] = y
            y += heights[node] + GAP_Y
    for sweep in range(_SWEEPS):
        neighbours = before if sweep % 2 == 0 else after
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = []
            for node in column:
                around = neighbours[node] or (after[node] if neighbours is before else before[node])
                middle = sum(tops[n] + heights[n] / 2 for n in around) / len(around) if around else None
                wanted.append(tops[node] if middle is None else middle - heights[node] / 2)
            _settle(column, wanted, heights, tops)
    lowest = min(tops, default=0.0)
    return [top - lowest for top in tops]


def _settle(column: list[int], wanted: list[float], heights: list[float], tops: list[float]) -> None:
    """Move the nodes of a column as near to the wanted places as their order and distance allow.

    Neighbours that want to overlap become a block that sits at the mean of what its members want: the pool-adjacent-
    violators method of isotonic regression.
    """
    blocks: list[list[float]] = []  # sum of wanted minus offset, members, offset behind it
    offset = 0.0
    offsets: list[float] = []
    for node, place in zip(column, wanted, strict=True):
        offsets.append(offset)
        blocks.append([place - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
        offset += heights[node] + GAP_Y
    index = 0
    for total, count in blocks:
        for _ in range(int(count)):
            tops[column[index]] = total / count + offsets[index]
            index += 1


def _column_places(columns: list[list[int]], widths: Sequence[float]) -> tuple[list[float], float]:
    lefts: list[float] = []
    x = 0.0
    for column in columns:
        lefts.append(x)
        x += _column_width(column, widths) + GAP_X
    return lefts, max(0.0, x - GAP_X)


def _column_width(column: list[int], widths: Sequence[float]) -> float:
    return max((widths[node] for node in column if node < len(widths)), default=0.0)


def _path(
    chain: list[int],
    boxes: list[tuple[float, float, float, float]],
    lefts: list[float],
    tops: list[float],
    nodes: list[int],
    count: int,
    columns: list[list[int]],
    widths: Sequence[float],
) -> list[tuple[float, float]]:
    """Return the points that an edge passes: out of the right side of its source, through its dummies, into the target."""
    x, y, width, height = boxes[chain[0]]
    points = [(x + width, y + height / 2)]
    for node in chain[1:-1]:
        column = nodes[node]
        middle = tops[node] + 4.0
        points += [
            (lefts[column], middle),
            (lefts[column] + max(1.0, _column_width(columns[column], widths)), middle),
        ]
    x, y, width, height = boxes[chain[-1]]
    points.append((x, y + height / 2))
    return points
