"""Column and order of each node of a graph: with few crossings, and the same each time.

After Sugiyama: an edge gets a bend in each column that it passes, shared by all edges from the same start; then
each column is sorted by the places of its neighbours. Rules, dispositions and levels keep their order by urgency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

from triage_rules.explanation.graph.graph import Graph, GraphNode, NodeKind
from triage_rules.language.model import Level

SWEEPS = 6
"""Number of times that the columns are sorted, back and forth."""

_LAST = frozenset({NodeKind.RULE, NodeKind.FLOOR, NodeKind.DEFAULT})
_FIXED = _LAST | {NodeKind.DISPOSITION, NodeKind.LEVEL}


@dataclass(frozen=True, slots=True)
class Columns:
    """Nodes and bends as numbered spots: first the nodes, in the graph's order, then the bends.

    keys: of each spot, its node or the node that its edges come from. columns: each with its spots, from top to bottom.
    before, after: of each spot, its neighbours in the columns beside. bends: of each node with edges that pass columns,
    the bends from left to right.
    """

    nodes: int
    keys: Sequence[str]
    columns: Sequence[Sequence[int]]
    before: Sequence[Sequence[int]]
    after: Sequence[Sequence[int]]
    column_of: Mapping[str, int]
    bends: Mapping[str, Sequence[int]]


def arrange(graph: Graph) -> Columns:
    """Assign every node and bend to a column and a place in it."""
    columns = _make_spots(graph, _number_columns(graph))
    nodes = [graph.nodes[key] for key in graph.nodes]
    fixed = {columns.column_of[node.key] for node in nodes if node.kind in _FIXED}
    ordered = [_order_column(column, nodes) for column in columns.columns]
    places = [0.0] * len(columns.keys)
    for column in ordered:
        _record_places(column, places)
    free = [n for n in range(len(ordered)) if n not in fixed]
    for sweep in range(SWEEPS):
        along, turn = (columns.before, free) if sweep % 2 else (columns.after, free[::-1])
        for n in turn:
            _sort(ordered[n], along, places)
    return replace(columns, columns=ordered)


def _number_columns(graph: Graph) -> dict[str, int]:
    """Number the columns: inputs first, each statement behind its sources, then the rules and their consequences.

    A gated input stands behind the inputs and statements that decide whether it is asked.
    """
    column_of: dict[str, int] = {}
    for key in TopologicalSorter({key: graph.before.get(key, ()) for key in graph.nodes}).static_order():
        node = graph.nodes[key]
        if node.kind in (NodeKind.FINDING, NodeKind.MENTION, NodeKind.STATEMENT):
            first = 0 if node.kind is NodeKind.FINDING else 1
            column_of[key] = max((column_of[other] + 1 for other in graph.before.get(key, ())), default=first)
    rules = max(column_of.values(), default=-1) + 1
    for key, node in graph.nodes.items():
        if node.kind in _LAST:
            column_of[key] = rules
        elif node.kind in (NodeKind.DISPOSITION, NodeKind.LEVEL):
            column_of[key] = rules + (1 if node.kind is NodeKind.DISPOSITION else 2)
    used = {column: n for n, column in enumerate(sorted(set(column_of.values())))}
    return {key: used[column] for key, column in column_of.items()}


def _make_spots(graph: Graph, column_of: Mapping[str, int]) -> Columns:
    keys = list(graph.nodes)
    columns: list[list[int]] = [[] for _ in range(max(column_of.values(), default=-1) + 1)]
    before: list[list[int]] = [[] for _ in keys]
    after: list[list[int]] = [[] for _ in keys]
    number_of = {key: n for n, key in enumerate(keys)}
    ways: dict[str, list[int]] = {}
    for n, key in enumerate(keys):
        columns[column_of[key]].append(n)

    def join(start: int, end: int) -> None:
        after[start].append(end)
        before[end].append(start)

    for edge in graph.edges:
        first, last, end = column_of[edge.start], column_of[edge.end], number_of[edge.end]
        way = ways.setdefault(edge.start, [number_of[edge.start]])
        for column in range(first + len(way), last):
            bend = len(keys)
            keys.append(edge.start)
            before.append([])
            after.append([])
            columns[column].append(bend)
            join(way[-1], bend)
            way.append(bend)
        join(way[last - first - 1], end)
    bends = {key: way[1:] for key, way in ways.items()}
    return Columns(len(graph.nodes), keys, columns, before, after, column_of, bends)


def _order_column(column: Sequence[int], nodes: Sequence[GraphNode]) -> list[int]:
    """Return the column in the ruleset's order; rules by urgency, the most urgent on top, and bends below them."""

    def place(spot: int) -> tuple[int, int]:
        if spot >= len(nodes) or nodes[spot].kind not in _LAST:
            return (0, spot)
        level = nodes[spot].level
        return (-(Level.URGENT + 2) if level is None else -level - 1, spot)

    return sorted(column, key=place)


def _record_places(column: Sequence[int], places: list[float]) -> None:
    """Record the place of each spot in its column, from 0 to 1."""
    for n, spot in enumerate(column):
        places[spot] = (n + 0.5) / len(column)


def _sort(column: list[int], along: Sequence[Sequence[int]], places: list[float]) -> None:
    """Sort by the mean place of the neighbours on one side; a spot without neighbours keeps about its place."""
    wanted = {}
    for spot in column:
        others = along[spot]
        wanted[spot] = sum([places[other] for other in others]) / len(others) if others else places[spot]
    column.sort(key=wanted.__getitem__)
    _record_places(column, places)
