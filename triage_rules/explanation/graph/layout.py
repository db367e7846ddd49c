"""Layout of a graph: coordinates of boxes and bends, and edges as curves from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from triage_rules.explanation.graph.columns import Columns, arrange
from triage_rules.explanation.graph.graph import Graph, GraphEdge, NodeKind

PASSES = 4
"""Number of times that the columns are moved towards their neighbours."""

MARGIN, HEADING = 16, 40
"""Margin around the graph, and the height above it for the headings of the columns."""


@dataclass(frozen=True, slots=True)
class LayoutSize:
    """Sizes in pixels. `lines`: of text in a box. `bend`: the height that a passing edge takes."""

    width: int
    height: int
    across: int
    down: int
    bend: int
    lines: int


CLOSE = LayoutSize(width=220, height=50, across=64, down=12, bend=8, lines=2)
"""Size for a part of a ruleset, with text to read."""

MAP = LayoutSize(width=200, height=28, across=90, down=8, bend=2, lines=1)
"""Size for the whole ruleset."""


@dataclass(frozen=True, slots=True)
class Box:
    """Place of a node: its upper left corner."""

    key: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Course of an edge: its points at the sides of columns, from left to right."""

    edge: GraphEdge
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Graph with its layout. Boxes don't overlap; every curve runs from left to right."""

    graph: Graph
    size: LayoutSize
    boxes: Mapping[str, Box]
    curves: tuple[Curve, ...]
    width: int
    height: int


def lay_out(graph: Graph, size: LayoutSize) -> Layout:
    """Lay out a graph; the same graph always gets the same layout."""
    columns = arrange(graph)
    middles = _place_middles(columns, size)
    step = size.width + size.across
    boxes = {
        key: Box(key, MARGIN + columns.column_of[key] * step, round(middles[n] - size.height / 2))
        for n, key in enumerate(graph.nodes)
    }
    curves = tuple(Curve(edge, _list_points(edge, columns, boxes, middles, size)) for edge in graph.edges)
    bottom = max((box.y + size.height for box in boxes.values()), default=0)
    width = 2 * MARGIN + max(len(columns.columns) * step - size.across, 0)
    return Layout(graph, size, boxes, curves, width, bottom + MARGIN)


def in_columns(layout: Layout) -> list[tuple[str, int]]:
    """Return a heading for each column, with the column's left side."""
    kinds: dict[int, set[NodeKind]] = {}
    for key, box in layout.boxes.items():
        kinds.setdefault(box.x, set()).add(layout.graph.nodes[key].kind)
    return [(_name_column(kinds[x]), x) for x in sorted(kinds)]


def _name_column(kinds: set[NodeKind]) -> str:
    if kinds & {NodeKind.RULE, NodeKind.FLOOR}:
        return "Rules and safety net" if NodeKind.FLOOR in kinds else "Rules"
    if {NodeKind.FINDING, NodeKind.STATEMENT} <= kinds:
        return "Findings and statements"
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


def _place_middles(columns: Columns, size: LayoutSize) -> list[float]:
    """Return the height of every spot's middle: near its neighbours, in its column's order, without overlap."""
    offsets = [_list_offsets(column, columns.nodes, size) for column in columns.columns]
    tallest = max((column_offsets[-1] for column_offsets in offsets), default=0.0)
    middles = [0.0] * len(columns.keys)
    for column, column_offsets in zip(columns.columns, offsets, strict=True):
        spread = tallest / column_offsets[-1] if column_offsets[-1] else 1.0  # start over the whole height
        for spot, offset in zip(column, column_offsets, strict=True):
            middles[spot] = offset * spread
    near = [(*before, *after) for before, after in zip(columns.before, columns.after, strict=True)]
    numbers = range(len(columns.columns))
    for n in range(PASSES):
        for m in numbers if n % 2 else reversed(numbers):
            spots = columns.columns[m]
            sides = columns.after if n == 0 else near
            wanted = [_mean(sides[spot], middles, middles[spot]) for spot in spots]
            for spot, middle in zip(spots, _separate(wanted, offsets[m]), strict=True):
                middles[spot] = middle
    top = min(middles, default=0.0)
    return [middle - top + HEADING + size.height / 2 for middle in middles]


def _mean(spots: Sequence[int], middles: Sequence[float], without: float) -> float:
    return sum([middles[spot] for spot in spots]) / len(spots) if spots else without


def _list_offsets(column: Sequence[int], nodes: int, size: LayoutSize) -> list[float]:
    """Return each spot's least distance below the first one's middle; beside a bend half the gap suffices."""
    offsets = [0.0]
    for above, below in pairwise(column):
        heights = sum(size.height if spot < nodes else size.bend for spot in (above, below))
        offsets.append(offsets[-1] + heights / 2 + (size.down if above < nodes and below < nodes else size.down / 2))
    return offsets


def _separate(wanted: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """Return the heights nearest to the wanted ones, by least squares, in order and apart (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while pools and pools[-1][0] * count >= total * pools[-1][1]:
            other, others = pools.pop()
            total, count = total + other, count + others
        pools.append((total, count))
    levels = [total / count for total, count in pools for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _list_points(
    edge: GraphEdge, columns: Columns, boxes: Mapping[str, Box], middles: Sequence[float], size: LayoutSize
) -> tuple[tuple[int, int], ...]:
    """Return the edge's ends, and its points on both sides of each column that it passes."""
    start, end, half = boxes[edge.start], boxes[edge.end], size.height // 2
    points = [(start.x + size.width, start.y + half)]
    x = start.x
    passed = columns.column_of[edge.end] - columns.column_of[edge.start] - 1
    for bend in columns.bends[edge.start][:passed]:
        x += size.width + size.across
        y = round(middles[bend])
        points += [(x, y), (x + size.width, y)]
    return (*points, (end.x, end.y + half))
