"""Where everything stands: boxes and bends with coordinates, edges as curves that run from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from triage_rules.explanation.graph.columns import Columns, arrange
from triage_rules.explanation.graph.graph import Graph, GraphEdge, NodeKind

PASSES = 4
"""How often the columns are moved towards their neighbours."""

MARGIN, HEADING = 16, 40
"""Around all of it; and above, with room for the headings of the columns."""


@dataclass(frozen=True, slots=True)
class LayoutSize:
    """How large things are, in pixels. `lines`: of text in a box. `bend`: the height that a passing edge takes."""

    width: int
    height: int
    across: int
    down: int
    bend: int
    lines: int


CLOSE = LayoutSize(width=220, height=50, across=64, down=12, bend=8, lines=2)
"""For a part of a ruleset, to be read."""

MAP = LayoutSize(width=200, height=28, across=90, down=8, bend=2, lines=1)
"""For all of it."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its upper left corner."""

    key: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge: the points at which it leaves or enters a column, from left to right."""

    edge: GraphEdge
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A graph, laid out. Boxes don't overlap; every curve runs from left to right."""

    graph: Graph
    size: LayoutSize
    boxes: Mapping[str, Box]
    curves: tuple[Curve, ...]
    width: int
    height: int


def lay_out(graph: Graph, size: LayoutSize) -> Layout:
    """The same for the same graph, whatever else happens."""
    found = arrange(graph)
    middles = _middles(found, size)
    step = size.width + size.across
    boxes = {
        key: Box(key, MARGIN + found.column_of[key] * step, round(middles[n] - size.height / 2))
        for n, key in enumerate(graph.nodes)
    }
    curves = tuple(Curve(edge, _points(edge, found, boxes, middles, size)) for edge in graph.edges)
    bottom = max((box.y + size.height for box in boxes.values()), default=0)
    width = 2 * MARGIN + max(len(found.columns) * step - size.across, 0)
    return Layout(graph, size, boxes, curves, width, bottom + MARGIN)


def in_columns(layout: Layout) -> list[tuple[str, int]]:
    """A heading for each column, and its left side."""
    kinds: dict[int, set[NodeKind]] = {}
    for key, box in layout.boxes.items():
        kinds.setdefault(box.x, set()).add(layout.graph.nodes[key].kind)
    return [(_heading(kinds[x]), x) for x in sorted(kinds)]


def _heading(kinds: set[NodeKind]) -> str:
    if kinds & {NodeKind.RULE, NodeKind.FLOOR}:
        return "Rules and safety net" if NodeKind.FLOOR in kinds else "Rules"
    for kind, word in (
        (NodeKind.FINDING, "Findings"),
        (NodeKind.STATEMENT, "Statements"),
        (NodeKind.MENTION, "Mentions"),
        (NodeKind.DISPOSITION, "What to do"),
        (NodeKind.LEVEL, "Level"),
    ):
        if kind in kinds:
            return word
    return ""


def _middles(found: Columns, size: LayoutSize) -> list[float]:
    """The height of the middle of every spot: near its neighbours, in its column's order, nothing over another."""
    offsets = [_offsets(column, found.nodes, size) for column in found.columns]
    tallest = max((own[-1] for own in offsets), default=0.0)
    middles = [0.0] * len(found.keys)
    for column, own in zip(found.columns, offsets, strict=True):
        spread = tallest / own[-1] if own[-1] else 1.0  # begins spread over the whole height
        for spot, offset in zip(column, own, strict=True):
            middles[spot] = offset * spread
    near = [(*before, *after) for before, after in zip(found.before, found.after, strict=True)]
    every = range(len(found.columns))
    for n in range(PASSES):
        for m in every if n % 2 else reversed(every):
            spots = found.columns[m]
            sides = found.after if n == 0 else near
            wanted = [_mean(sides[spot], middles, middles[spot]) for spot in spots]
            for spot, middle in zip(spots, _apart(wanted, offsets[m]), strict=True):
                middles[spot] = middle
    top = min(middles, default=0.0)
    return [middle - top + HEADING + size.height / 2 for middle in middles]


def _mean(spots: Sequence[int], middles: Sequence[float], without: float) -> float:
    return sum([middles[spot] for spot in spots]) / len(spots) if spots else without


def _offsets(column: Sequence[int], nodes: int, size: LayoutSize) -> list[float]:
    """How far below the first spot's middle each must at least be. Beside a bend half the distance is enough."""
    found = [0.0]
    for above, below in pairwise(column):
        heights = sum(size.height if spot < nodes else size.bend for spot in (above, below))
        found.append(found[-1] + heights / 2 + (size.down if above < nodes and below < nodes else size.down / 2))
    return found


def _apart(wanted: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The heights nearest to those wanted, by least squares, that keep order and distance (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while pools and pools[-1][0] * count >= total * pools[-1][1]:
            other, others = pools.pop()
            total, count = total + other, count + others
        pools.append((total, count))
    levels = [total / count for total, count in pools for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _points(
    edge: GraphEdge, found: Columns, boxes: Mapping[str, Box], middles: Sequence[float], size: LayoutSize
) -> tuple[tuple[int, int], ...]:
    """Both sides of each column that the edge passes, too."""
    start, end, half = boxes[edge.start], boxes[edge.end], size.height // 2
    points = [(start.x + size.width, start.y + half)]
    x = start.x
    passed = found.column_of[edge.end] - found.column_of[edge.start] - 1
    for bend in found.bends[edge.start][:passed]:
        x += size.width + size.across
        y = round(middles[bend])
        points += [(x, y), (x + size.width, y)]
    return (*points, (end.x, end.y + half))
