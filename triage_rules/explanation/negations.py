"""Mentions of a derivation whose phrase stands beside a negation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from triage_rules.evaluation.explanation import DerivationNode
from triage_rules.evaluation.own_words import NEXT_TO_NEGATION


def mark_negations(result: dict[str, Any], nodes: Iterable[DerivationNode]) -> tuple[DerivationNode, ...]:
    """Return the nodes of a result's derivation; each mention next to a negation says so in its note."""
    own_words = result.get("own_words") or {}  # results of earlier versions have none
    negated = own_words.get("next_to_negation", ())

    def visit(node: DerivationNode) -> DerivationNode:
        note = NEXT_TO_NEGATION if node.name in negated else node.note
        return replace(node, note=note, because=tuple(map(visit, node.because)))

    return tuple(map(visit, nodes)) if negated else tuple(nodes)
