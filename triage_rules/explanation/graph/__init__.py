"""Graph of a ruleset, from inputs over statements and rules to levels: laid out, drawn, highlighted for a report."""

from __future__ import annotations

from triage_rules.explanation.graph.graph import (
    Graph,
    GraphEdge,
    GraphNode,
    NodeKind,
    Sign,
    around,
    graph_of,
    kept_only,
    key_of,
)
from triage_rules.explanation.graph.highlight import Highlight, NodeState, highlight_graph
from triage_rules.explanation.graph.layout import CLOSE, MAP, Layout, LayoutSize, lay_out

__all__ = [
    "CLOSE",
    "MAP",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "Highlight",
    "Layout",
    "LayoutSize",
    "NodeKind",
    "NodeState",
    "Sign",
    "around",
    "graph_of",
    "highlight_graph",
    "kept_only",
    "key_of",
    "lay_out",
]
