"""Why: a derivation as data, from answers over statements to outcomes, and its view as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from triage_rules.evaluation.answers import format_unit
from triage_rules.evaluation.decision import KeyedOutcome
from triage_rules.evaluation.reference import Reference
from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Ruleset,
    Source,
    Unless,
    Value,
    Yes,
)

OPEN = "open"
NOT_ESTABLISHED = "not established"

Reasons = dict[str, Value]
"""What a condition rests on: a finding's answer, True or False for a statement, or OPEN, or NOT_ESTABLISHED."""


@dataclass(frozen=True, slots=True)
class DerivationNode:
    """One step of a derivation: a statement or a finding, what it came out as, and what that rests on.

    `answer`: a finding's answer, True or False for a statement, OPEN or NOT_ESTABLISHED. The findings below a node
    are enough to bring it out so: whatever else was answered played no part.
    """

    name: str
    says: str
    answer: Value
    source: Source | None = None
    because: tuple[DerivationNode, ...] = ()


def find_reasons(reference: Reference, condition: Condition, side: bool | None = True) -> Reasons:
    """What makes the condition true (or false, or None: leaves it open, by `side`); empty if it isn't so."""
    if reference.value(condition) is not side:
        return {}
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            # what is open hangs on all of its parts
            sides = [reference.value(part) if side is None else side for part in parts]
            return _merged(find_reasons(reference, *which) for which in zip(parts, sides, strict=True))
        case Not(part):
            return find_reasons(reference, part, None if side is None else not side)
        case Inferred(name):
            return {name: OPEN if side is None else side}
        case Unless(part):
            name = part.name if isinstance(part, Inferred) else part.input
            return {name: NOT_ESTABLISHED if side else True}
        case IsOpen(finding) | Yes(finding) | Compare(finding) | OneOf(finding):
            return {finding: reference.answers.get(finding, OPEN)}


def _merged(parts: Iterable[Reasons]) -> Reasons:
    found: Reasons = {}
    for part in parts:
        found |= part
    return found


def derive(ruleset: Ruleset, reference: Reference, condition: Condition) -> tuple[DerivationNode, ...]:
    """The whole derivation of a true condition, down to the answers."""
    return tuple(_nodes(ruleset, reference, find_reasons(reference, condition)))


def outcome_condition(statement: KeyedOutcome) -> Condition:
    """The whole condition of an outcome: its rule's, and its own."""
    own = statement.outcome.when if statement.outcome is not None else None
    return statement.rule.when if own is None else All((statement.rule.when, own))


def _nodes(ruleset: Ruleset, reference: Reference, reasons: Reasons) -> Iterable[DerivationNode]:
    for name, answer in reasons.items():
        if name in ruleset.inferences:
            inference = ruleset.inferences[name]
            below = find_reasons(reference, inference.when, reference.value(inference.when))
            yield DerivationNode(
                name, inference.says, answer, inference.source, tuple(_nodes(ruleset, reference, below))
            )
        else:
            said = ruleset.mentions[name].says if name in ruleset.mentions else ruleset.inputs[name].question
            yield DerivationNode(name, said, answer)


def as_json(node: DerivationNode) -> dict[str, object]:
    """The node as JSON data."""
    data: dict[str, object] = {"name": node.name, "says": node.says, "answer": node.answer}
    if node.source is not None:
        data["source"] = {"text": node.source.text, "marks": list(node.source.marks)}
    if node.because:
        data["because"] = [as_json(part) for part in node.because]
    return data


def as_text(ruleset: Ruleset, node: DerivationNode, indent: int = 0) -> list[str]:
    """The node and what it rests on, a line each, in the ruleset's words."""
    lines = [f"{'  ' * indent}- {node.says}: {describe_node(ruleset, node)}"]
    for part in node.because:
        lines += as_text(ruleset, part, indent + 1)
    return lines


def describe_node(ruleset: Ruleset, node: DerivationNode) -> str:
    """What a statement or finding came out as, in words, with the unit or the choice's label."""
    if node.name in ruleset.inputs:
        asked = ruleset.inputs[node.name]
        for choice in asked.choices:
            if choice.value == node.answer:
                return choice.label
        if asked.unit and node.answer != OPEN:
            return f"{node.answer}{format_unit(asked.unit)}"
    match node.answer:
        case True:
            return "yes"
        case False:
            return "no"
        case other:
            return str(other)
