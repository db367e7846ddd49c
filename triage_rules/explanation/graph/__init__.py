"""Graph of a ruleset, from inputs over statements and rules to levels: laid out, drawn, highlighted for a report."""

from __future__ import annotations

from triage_rules.explanation.graph.graph import Edge, Graph, Kind, Node, Sign, around, graph_of, kept_only, key_of
from triage_rules.explanation.graph.highlight import Lighting, State, light
from triage_rules.explanation.graph.layout import CLOSE, MAP, Layout, Size, lay_out

__all__ = [
    "CLOSE",
    "MAP",
    "Edge",
    "Graph",
    "Kind",
    "Layout",
    "Lighting",
    "Node",
    "Sign",
    "Size",
    "State",
    "around",
    "graph_of",
    "kept_only",
    "key_of",
    "lay_out",
    "light",
]
