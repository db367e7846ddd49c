"""Nodes and edges of a ruleset: what each statement and rule reads, and where each rule leads."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from triage_rules.language.conditions import name_in, parts
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
    """What a node stands for; in the order of the columns."""

    FINDING = "finding"
    MENTION = "mention"
    STATEMENT = "statement"
    RULE = "rule"
    FLOOR = "floor"
    DEFAULT = "default"
    DISPOSITION = "disposition"
    LEVEL = "level"


class Sign(enum.StrEnum):
    """How the end of an edge reads its start: for it, against it, both, or whether it is open."""

    PLUS = "plus"
    MINUS = "minus"
    BOTH = "both"
    OPEN = "open"


DEFAULT = "no_rule"
"""The name of the node that stands for: no rule is established."""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """`key` is unique in a graph; `name` is the ruleset's. `level`: of rules, the highest that they reach."""

    key: str
    kind: NodeKind
    name: str
    says: str
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """From what is read to what reads it, by keys."""

    start: str
    end: str
    sign: Sign = Sign.PLUS


@dataclass(frozen=True)
class Graph:
    """Acyclic. Nodes by key, in the ruleset's order; every edge's ends are nodes."""

    nodes: Mapping[str, GraphNode]
    edges: tuple[GraphEdge, ...]

    @cached_property
    def before(self) -> Mapping[str, tuple[str, ...]]:
        """Node -> what it reads."""
        return _collected((edge.end, edge.start) for edge in self.edges)

    @cached_property
    def after(self) -> Mapping[str, tuple[str, ...]]:
        """Node -> what reads it."""
        return _collected((edge.start, edge.end) for edge in self.edges)


def key_of(kind: NodeKind, name: str) -> str:
    """The key of a node; fit for an address and for the id of an element."""
    return f"{kind.value}-{name}"


def graph_of(ruleset: Ruleset) -> Graph:
    """The whole ruleset. An input or disposition that nothing leads from or to is left out."""
    found = _Made(ruleset)
    for inference in ruleset.inferences.values():
        found.reads(found.statements[inference.name], inference.when)
    for rule in ruleset.rules_and_floors:
        key = found.rules[rule.id]
        for condition in (rule.when, *(one.when for one in rule.outcomes if one.when is not None)):
            found.reads(key, condition)
        raised = [code for _, code in rule.raise_one] if isinstance(rule, Floor) else []
        for code in dict.fromkeys([*(one.disposition for one in rule.outcomes), *raised]):
            found.leads(key, code)
    found.leads(key_of(NodeKind.DEFAULT, DEFAULT), ruleset.default.disposition)
    for mention in ruleset.mentions.values():
        found.edge(key_of(NodeKind.FINDING, mention.text), key_of(NodeKind.MENTION, mention.name), Sign.PLUS)
    for one in ruleset.dispositions.values():
        found.edge(key_of(NodeKind.DISPOSITION, one.code), key_of(NodeKind.LEVEL, one.level.word), Sign.PLUS)
    return found.graph()


def around(graph: Graph, key: str) -> Graph:
    """What that node rests on, all of it, and what it leads to: of a statement, up to the rules that read it."""
    below = _reached(key, graph.before)
    above = _reached(key, graph.after)
    return kept_only(graph, below | above)


def kept_only(graph: Graph, keys: Collection[str]) -> Graph:
    """The graph of those nodes, and of the edges between them."""
    return Graph(
        {key: node for key, node in graph.nodes.items() if key in keys},
        tuple(edge for edge in graph.edges if edge.start in keys and edge.end in keys),
    )


def reads(condition: Condition, *, against: bool = False) -> Iterator[tuple[str, Sign]]:
    """The names that a condition reads, each with how; a name may come twice."""
    match condition:
        case All() | Any() | AtLeast() | Not():
            for part in parts(condition):
                yield from reads(part, against=against != isinstance(condition, Not))
        case IsOpen(name):
            yield name, Sign.OPEN
        case leaf:
            yield name_in(leaf), Sign.MINUS if against != isinstance(leaf, Unless) else Sign.PLUS


class _Made:
    """A graph while it is made."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._nodes: dict[str, GraphNode] = {}
        self._edges: dict[tuple[str, str], Sign] = {}
        self._findings = {
            **{one.name: self._node(NodeKind.FINDING, one.name, one.question) for one in ruleset.inputs.values()},
            **{one.name: self._node(NodeKind.MENTION, one.name, one.says) for one in ruleset.mentions.values()},
        }
        self.statements = {
            one.name: self._node(NodeKind.STATEMENT, one.name, one.says) for one in ruleset.inferences.values()
        }
        self.rules = {
            one.id: self._node(
                NodeKind.RULE if isinstance(one, Rule) else NodeKind.FLOOR, one.id, one.title, highest(ruleset, one)
            )
            for one in ruleset.rules_and_floors
        }
        default = ruleset.dispositions[ruleset.default.disposition]
        self._node(NodeKind.DEFAULT, DEFAULT, "No rule is established", default.level)
        for one in ruleset.dispositions.values():
            self._node(NodeKind.DISPOSITION, one.code, one.title, one.level)
        for level in reversed(Level):
            self._node(NodeKind.LEVEL, level.word, level.word.capitalize(), level)

    def _node(self, kind: NodeKind, name: str, says: str, level: Level | None = None) -> str:
        key = key_of(kind, name)
        self._nodes[key] = GraphNode(key, kind, name, says, level)
        return key

    def reads(self, key: str, condition: Condition) -> None:
        """An edge from all that the condition reads."""
        for name, sign in reads(condition):
            self.edge(self.statements.get(name) or self._findings[name], key, sign)

    def leads(self, key: str, code: str) -> None:
        """An edge to a disposition."""
        self.edge(key, key_of(NodeKind.DISPOSITION, code), Sign.PLUS)

    def edge(self, start: str, end: str, sign: Sign) -> None:
        """Read in two ways, it is one edge."""
        before = self._edges.get((start, end), sign)
        self._edges[start, end] = sign if before is sign else Sign.BOTH

    def graph(self) -> Graph:
        """What was made, without what stands alone, and without dispositions and mentions that nothing needs."""
        edges = dict(self._edges)
        while True:
            starts, ends = {start for start, _ in edges}, {end for _, end in edges}
            idle = [(a, b) for a, b in edges if self._is_idle(a, ends, starts) or self._is_idle(b, ends, starts)]
            if not idle:
                break
            for one in idle:
                del edges[one]
        told = starts | ends
        return Graph(
            {key: node for key, node in self._nodes.items() if key in told},
            tuple(GraphEdge(start, end, sign) for (start, end), sign in edges.items()),
        )

    def _is_idle(self, key: str, ends: set[str], starts: set[str]) -> bool:
        kind = self._nodes[key].kind
        return (kind is NodeKind.DISPOSITION and key not in ends) or (kind is NodeKind.MENTION and key not in starts)


def highest(ruleset: Ruleset, rule: Rule | Floor) -> Level | None:
    """The highest level that a rule may reach; None: it raises what was reached."""
    return max((ruleset.dispositions[one.disposition].level for one in rule.outcomes), default=None)


def _collected(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}


def _reached(key: str, along: Mapping[str, tuple[str, ...]]) -> set[str]:
    found, waiting = {key}, [key]
    while waiting:
        for other in along.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
