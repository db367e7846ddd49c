"""Which column each node of a graph stands in, and in which order: few crossings, the same each time.

After Sugiyama: what an edge skips gets a bend in each column between, shared by all edges from the same start; then
each column is sorted by where its neighbours stand. Rules, dispositions and levels stand by urgency, and stay so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from triage_rules.explanation.graph.graph import Graph, GraphNode, NodeKind
from triage_rules.language.model import Level

SWEEPS = 6
"""How often the columns are sorted, back and forth."""

_LAST = frozenset({NodeKind.RULE, NodeKind.FLOOR, NodeKind.DEFAULT})
_FIXED = _LAST | {NodeKind.DISPOSITION, NodeKind.LEVEL}


@dataclass(frozen=True, slots=True)
class Columns:
    """Nodes and bends are spots, by number: first the nodes, in the graph's order, then the bends.

    keys: of each spot, its node or the node that its edges come from. columns: of each its spots, from top to bottom.
    before, after: of each spot, those that it is joined with in the columns beside. bends: of each node with edges
    that pass columns, the bends from left to right.
    """

    nodes: int
    keys: Sequence[str]
    columns: Sequence[Sequence[int]]
    before: Sequence[Sequence[int]]
    after: Sequence[Sequence[int]]
    column_of: Mapping[str, int]
    bends: Mapping[str, Sequence[int]]


def arrange(graph: Graph) -> Columns:
    """Every node and bend in its column and order."""
    found = _spots(graph, _columns(graph))
    nodes = [graph.nodes[key] for key in graph.nodes]
    fixed = {found.column_of[node.key] for node in nodes if node.kind in _FIXED}
    ordered = [_begun(column, nodes) for column in found.columns]
    places = [0.0] * len(found.keys)
    for column in ordered:
        _keep(column, places)
    free = [n for n in range(len(ordered)) if n not in fixed]
    for sweep in range(SWEEPS):
        along, turn = (found.before, free) if sweep % 2 else (found.after, free[::-1])
        for n in turn:
            _sort(ordered[n], along, places)
    return replace(found, columns=ordered)


def _columns(graph: Graph) -> dict[str, int]:
    """Findings first, each statement behind all it reads; rules behind the last of these, then what they lead to."""
    found: dict[str, int] = {}
    for key, node in graph.nodes.items():
        if node.kind in (NodeKind.FINDING, NodeKind.MENTION, NodeKind.STATEMENT):
            first = 0 if node.kind is NodeKind.FINDING else 1
            found[key] = max((found[other] + 1 for other in graph.before.get(key, ())), default=first)
    rules = max(found.values(), default=-1) + 1
    for key, node in graph.nodes.items():
        if node.kind in _LAST:
            found[key] = rules
        elif node.kind in (NodeKind.DISPOSITION, NodeKind.LEVEL):
            found[key] = rules + (1 if node.kind is NodeKind.DISPOSITION else 2)
    used = {column: n for n, column in enumerate(sorted(set(found.values())))}
    return {key: used[column] for key, column in found.items()}


def _spots(graph: Graph, column_of: Mapping[str, int]) -> Columns:
    keys = list(graph.nodes)
    columns: list[list[int]] = [[] for _ in range(max(column_of.values(), default=-1) + 1)]
    before: list[list[int]] = [[] for _ in keys]
    after: list[list[int]] = [[] for _ in keys]
    number_of = {key: n for n, key in enumerate(keys)}
    ways: dict[str, list[int]] = {}
    for n, key in enumerate(keys):
        columns[column_of[key]].append(n)

    def join(one: int, other: int) -> None:
        after[one].append(other)
        before[other].append(one)

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


def _begun(column: Sequence[int], nodes: Sequence[GraphNode]) -> list[int]:
    """As the ruleset has it; rules by urgency, the most urgent on top, and bends below them."""

    def place(spot: int) -> tuple[int, int]:
        if spot >= len(nodes) or nodes[spot].kind not in _LAST:
            return (0, spot)
        level = nodes[spot].level
        return (-(Level.URGENT + 2) if level is None else -level - 1, spot)

    return sorted(column, key=place)


def _keep(column: Sequence[int], places: list[float]) -> None:
    """Where each spot stands in its column, from 0 to 1."""
    for n, spot in enumerate(column):
        places[spot] = (n + 0.5) / len(column)


def _sort(column: list[int], along: Sequence[Sequence[int]], places: list[float]) -> None:
    """By the mean place of the neighbours on one side; what has none there stays about where it is."""
    wanted = {}
    for spot in column:
        others = along[spot]
        wanted[spot] = sum([places[other] for other in others]) / len(others) if others else places[spot]
    column.sort(key=wanted.__getitem__)
    _keep(column, places)
