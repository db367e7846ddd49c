"""Lines of a panel that were answered with "none of these", as one step of a derivation."""

from __future__ import annotations

from collections.abc import Iterable

from triage_rules.evaluation.explanation import DerivationNode
from triage_rules.language.model import Panel, Ruleset


def merge_none_of(ruleset: Ruleset, nodes: Iterable[DerivationNode]) -> list[DerivationNode]:
    """Return the nodes, with two or more harmless answers to lines of one panel merged into a node of the panel.

    That node has the panel's name, and says "none of: a fit; a stiff neck". It stands where the first line stood.
    """
    merged: dict[str, list[DerivationNode]] = {}
    for node in nodes:
        panel = _panel_of_none(ruleset, node)
        merged.setdefault(f"node {node.name}" if panel is None else f"panel {panel.name}", []).append(node)
    return [
        group[0] if len(group) == 1 else _merge(ruleset.panels[key.removeprefix("panel ")], ruleset, group)
        for key, group in merged.items()
    ]


def is_none_of(ruleset: Ruleset, node: DerivationNode) -> bool:
    """Return whether the node stands for lines of a panel."""
    return node.name in ruleset.panels


def _panel_of_none(ruleset: Ruleset, node: DerivationNode) -> Panel | None:
    """Return the panel of an answer that means "none of these"; None for any other node."""
    if node.because:
        return None
    for panel in ruleset.panels.values():
        for line in panel.lines:
            if line.input == node.name:
                return panel if type(node.answer) is type(line.none_means) and node.answer == line.none_means else None
    return None


def _merge(panel: Panel, ruleset: Ruleset, group: list[DerivationNode]) -> DerivationNode:
    texts = {line.input: line.text or ruleset.inputs[line.input].question for line in panel.lines}
    return DerivationNode(panel.name, f"none of: {'; '.join(texts[node.name] for node in group)}", False)
