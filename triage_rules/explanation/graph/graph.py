"""Nodes and edges of a ruleset: the sources of each statement and rule, and the dispositions that rules lead to."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from triage_rules.language.conditions import name_in, names_in, parts
from triage_rules.language.gates import gates_of
from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Condition,
    Floor,
    IsOpen,
    Level,
    Not,
    Rule,
    Ruleset,
    Unless,
)


class NodeKind(enum.StrEnum):
    """Kind of a node, in the order of the columns."""

    FINDING = "finding"
    MENTION = "mention"
    STATEMENT = "statement"
    RULE = "rule"
    FLOOR = "floor"
    DEFAULT = "default"
    DISPOSITION = "disposition"
    LEVEL = "level"


class Sign(enum.StrEnum):
    """Effect of an edge's start on its end: for it, against it, both, by being open, or whether it is asked."""

    PLUS = "plus"
    MINUS = "minus"
    BOTH = "both"
    OPEN = "open"
    GATE = "gate"


DEFAULT = "no_rule"
"""Name of the node for: no rule is established."""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """Node of a graph. `key` is unique in it; `name` is the ruleset's. `level`: of a rule, the highest it reaches."""

    key: str
    kind: NodeKind
    name: str
    says: str
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """Edge from a source to its reader, by keys."""

    start: str
    end: str
    sign: Sign = Sign.PLUS


@dataclass(frozen=True)
class Graph:
    """Acyclic graph. Nodes by key, in the ruleset's order; both ends of every edge are nodes."""

    nodes: Mapping[str, GraphNode]
    edges: tuple[GraphEdge, ...]

    @cached_property
    def before(self) -> Mapping[str, tuple[str, ...]]:
        """Map each node to its sources."""
        return _group_by_key((edge.end, edge.start) for edge in self.edges)

    @cached_property
    def after(self) -> Mapping[str, tuple[str, ...]]:
        """Map each node to its readers."""
        return _group_by_key((edge.start, edge.end) for edge in self.edges)


def key_of(kind: NodeKind, name: str) -> str:
    """Return the key of a node; usable in an address and as an element's id."""
    return f"{kind.value}-{name}"


def graph_of(ruleset: Ruleset) -> Graph:
    """Return the graph of a whole ruleset, without inputs and dispositions that have no edge."""
    builder = _Builder(ruleset)
    for inference in ruleset.inferences.values():
        builder.reads(builder.statements[inference.name], inference.when)
    for rule in ruleset.rules_and_floors:
        key = builder.rules[rule.id]
        for condition in (rule.when, *(outcome.when for outcome in rule.outcomes if outcome.when is not None)):
            builder.reads(key, condition)
        raised = [code for _, code in rule.raise_one] if isinstance(rule, Floor) else []
        for code in dict.fromkeys([*(outcome.disposition for outcome in rule.outcomes), *raised]):
            builder.leads(key, code)
    builder.leads(key_of(NodeKind.DEFAULT, DEFAULT), ruleset.default.disposition)
    for mention in ruleset.mentions.values():
        builder.edge(key_of(NodeKind.FINDING, mention.text), key_of(NodeKind.MENTION, mention.name), Sign.PLUS)
    for read in ruleset.inputs.values():
        for condition in gates_of(read):
            builder.gates(key_of(NodeKind.FINDING, read.name), condition)
    for disposition in ruleset.dispositions.values():
        start = key_of(NodeKind.DISPOSITION, disposition.code)
        builder.edge(start, key_of(NodeKind.LEVEL, disposition.level.word), Sign.PLUS)
    return builder.graph()


def around(graph: Graph, key: str) -> Graph:
    """Return a node's neighbourhood: all that it rests on, and all that it leads to."""
    below = _reachable(key, graph.before)
    above = _reachable(key, graph.after)
    return kept_only(graph, below | above)


def kept_only(graph: Graph, keys: Collection[str]) -> Graph:
    """Return the graph of only these nodes and the edges between them."""
    return Graph(
        {key: node for key, node in graph.nodes.items() if key in keys},
        tuple(edge for edge in graph.edges if edge.start in keys and edge.end in keys),
    )


def reads(condition: Condition, *, against: bool = False) -> Iterator[tuple[str, Sign]]:
    """Yield the names that a condition reads, each with its sign; a name may come twice."""
    match condition:
        case All() | Any() | AtLeast() | Not():
            for part in parts(condition):
                yield from reads(part, against=against != isinstance(condition, Not))
        case IsOpen(name):
            yield name, Sign.OPEN
        case leaf:
            yield name_in(leaf), Sign.MINUS if against != isinstance(leaf, Unless) else Sign.PLUS


class _Builder:
    """Builder of a graph."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._nodes: dict[str, GraphNode] = {}
        self._edges: dict[tuple[str, str], Sign] = {}
        self._sources = {
            **{
                read.name: self._add_node(NodeKind.FINDING, read.name, read.question)
                for read in ruleset.inputs.values()
            },
            **{
                mention.name: self._add_node(NodeKind.MENTION, mention.name, mention.says)
                for mention in ruleset.mentions.values()
            },
        }
        self.statements = {
            inference.name: self._add_node(NodeKind.STATEMENT, inference.name, inference.says)
            for inference in ruleset.inferences.values()
        }
        self.rules = {
            rule.id: self._add_node(
                NodeKind.RULE if isinstance(rule, Rule) else NodeKind.FLOOR, rule.id, rule.title, highest(ruleset, rule)
            )
            for rule in ruleset.rules_and_floors
        }
        default = ruleset.dispositions[ruleset.default.disposition]
        self._add_node(NodeKind.DEFAULT, DEFAULT, "No rule is established", default.level)
        for disposition in ruleset.dispositions.values():
            self._add_node(NodeKind.DISPOSITION, disposition.code, disposition.title, disposition.level)
        for level in reversed(Level):
            self._add_node(NodeKind.LEVEL, level.word, level.word.capitalize(), level)

    def _add_node(self, kind: NodeKind, name: str, says: str, level: Level | None = None) -> str:
        key = key_of(kind, name)
        self._nodes[key] = GraphNode(key, kind, name, says, level)
        return key

    def reads(self, key: str, condition: Condition) -> None:
        """Add an edge from each name that the condition reads."""
        for name, sign in reads(condition):
            self.edge(self.statements.get(name) or self._sources[name], key, sign)

    def gates(self, key: str, condition: Condition) -> None:
        """Add an edge from each name that decides whether the input is asked."""
        for name in names_in(condition):
            self.edge(self.statements.get(name) or self._sources[name], key, Sign.GATE)

    def leads(self, key: str, code: str) -> None:
        """Add an edge to a disposition."""
        self.edge(key, key_of(NodeKind.DISPOSITION, code), Sign.PLUS)

    def edge(self, start: str, end: str, sign: Sign) -> None:
        """Add an edge; a second one with another sign makes the sign BOTH."""
        before = self._edges.get((start, end), sign)
        self._edges[start, end] = sign if before is sign else Sign.BOTH

    def graph(self) -> Graph:
        """Return the graph without isolated nodes, and without dispositions and mentions that no rule needs."""
        edges = dict(self._edges)
        while True:
            starts, ends = {start for start, _ in edges}, {end for _, end in edges}
            idle = [(a, b) for a, b in edges if self._is_idle(a, ends, starts) or self._is_idle(b, ends, starts)]
            if not idle:
                break
            for edge in idle:
                del edges[edge]
        used = starts | ends
        return Graph(
            {key: node for key, node in self._nodes.items() if key in used},
            tuple(GraphEdge(start, end, sign) for (start, end), sign in edges.items()),
        )

    def _is_idle(self, key: str, ends: set[str], starts: set[str]) -> bool:
        kind = self._nodes[key].kind
        return (kind is NodeKind.DISPOSITION and key not in ends) or (kind is NodeKind.MENTION and key not in starts)


def highest(ruleset: Ruleset, rule: Rule | Floor) -> Level | None:
    """Return the highest level that a rule may reach; None if it raises the level by one."""
    return max((ruleset.dispositions[outcome.disposition].level for outcome in rule.outcomes), default=None)


def _group_by_key(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return {key: tuple(values) for key, values in groups.items()}


def _reachable(key: str, along: Mapping[str, tuple[str, ...]]) -> set[str]:
    reached, waiting = {key}, [key]
    while waiting:
        for other in along.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached
