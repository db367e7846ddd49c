"""Derivations of answers that no one gave: relevance was ruled out, so the question was not asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from triage_rules.evaluation.explanation import DerivationNode, derive, describe_node
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.none_of import is_none_of, merge_none_of
from triage_rules.language.model import Not, Ruleset


def derive_implied(
    ruleset: Ruleset, reference: Reference, result: dict[str, Any], nodes: Iterable[DerivationNode]
) -> tuple[DerivationNode, ...]:
    """Return the nodes of a result's derivation; each implied answer gets the answers that rule its question out."""
    implied = {entry["finding"] for entry in result.get("irrelevant", ())}  # results of earlier versions have none

    def visit(node: DerivationNode) -> DerivationNode:
        gate = ruleset.inputs[node.name].relevant if node.name in implied else None
        below = node.because if gate is None else _answers(derive(ruleset, reference, Not(gate.when)))
        return replace(node, because=tuple(map(visit, below)))

    return tuple(map(visit, nodes))


def is_implied(ruleset: Ruleset, node: DerivationNode) -> bool:
    """Return whether the node is of an answer that relevance implied: an input with reasons of its own."""
    return node.name in ruleset.inputs and bool(node.because)


def describe_answer(ruleset: Ruleset, node: DerivationNode) -> str:
    """Describe the node's value; of an implied answer with the reason: "no (not asked: How old? 45 years)"."""
    if not is_implied(ruleset, node):
        return describe_node(ruleset, node)
    reasons = "; ".join(f"{part.says} {describe_answer(ruleset, part)}" for part in node.because)
    return f"{describe_node(ruleset, node)} (not asked: {reasons})"


def derivation_lines(ruleset: Ruleset, node: DerivationNode, indent: int = 0) -> Iterator[str]:
    """Yield the node and its derivation, a line each, in the ruleset's words; an implied answer with its reason."""
    answer = "" if is_none_of(ruleset, node) else f": {describe_answer(ruleset, node)}"
    yield f"{'  ' * indent}- {node.says}{answer}"
    if not is_implied(ruleset, node):
        for part in merge_none_of(ruleset, node.because):
            yield from derivation_lines(ruleset, part, indent + 1)


def _answers(nodes: Iterable[DerivationNode]) -> tuple[DerivationNode, ...]:
    """Return the answers at the ends of a derivation, each once."""
    ends: dict[str, DerivationNode] = {}
    for node in nodes:
        for end in _answers(node.because) if node.because else (node,):
            ends.setdefault(end.name, end)
    return tuple(ends.values())
