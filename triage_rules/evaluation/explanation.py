"""Explanation of an outcome: a derivation as data, from answers over statements to outcomes, and its view as text."""

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
"""Reasons of a condition: an input's answer, True or False for a statement, or OPEN, or NOT_ESTABLISHED."""


@dataclass(frozen=True, slots=True)
class DerivationNode:
    """Step of a derivation: a statement or an input, its value, and the steps below that it rests on.

    `answer`: an input's answer, True or False for a statement, OPEN or NOT_ESTABLISHED. The answers below a node
    are enough to give it this value: all other answers played no part. `note`: what to know about the answer.
    """

    name: str
    says: str
    answer: Value
    source: Source | None = None
    because: tuple[DerivationNode, ...] = ()
    note: str = ""


def find_reasons(reference: Reference, condition: Condition, side: bool | None = True) -> Reasons:
    """Return why the condition has the value `side` (None: open); empty if it has another value."""
    if reference.value(condition) is not side:
        return {}
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            # an open condition depends on all of its parts
            sides = [reference.value(part) if side is None else side for part in parts]
            return _merge(find_reasons(reference, *pair) for pair in zip(parts, sides, strict=True))
        case Not(part):
            return find_reasons(reference, part, None if side is None else not side)
        case Inferred(name):
            return {name: OPEN if side is None else side}
        case Unless(part):
            name = part.name if isinstance(part, Inferred) else part.input
            return {name: NOT_ESTABLISHED if side else True}
        case IsOpen(name) | Yes(name) | Compare(name) | OneOf(name):
            return {name: reference.answers.get(name, OPEN)}


def _merge(parts: Iterable[Reasons]) -> Reasons:
    merged: Reasons = {}
    for part in parts:
        merged |= part
    return merged


def derive(ruleset: Ruleset, reference: Reference, condition: Condition) -> tuple[DerivationNode, ...]:
    """Return the whole derivation of a true condition, down to the answers."""
    return tuple(_nodes(ruleset, reference, find_reasons(reference, condition)))


def outcome_condition(statement: KeyedOutcome) -> Condition:
    """Return the whole condition of an outcome: its rule's and its own."""
    when = statement.outcome.when if statement.outcome is not None else None
    return statement.rule.when if when is None else All((statement.rule.when, when))


def _nodes(ruleset: Ruleset, reference: Reference, basis: Reasons) -> Iterable[DerivationNode]:
    for name, answer in basis.items():
        if name in ruleset.inferences:
            inference = ruleset.inferences[name]
            below = find_reasons(reference, inference.when, reference.value(inference.when))
            yield DerivationNode(
                name, inference.says, answer, inference.source, tuple(_nodes(ruleset, reference, below))
            )
        else:
            text = ruleset.mentions[name].says if name in ruleset.mentions else ruleset.inputs[name].question
            yield DerivationNode(name, text, answer)


def as_json(node: DerivationNode) -> dict[str, object]:
    """Return the node as JSON data."""
    data: dict[str, object] = {"name": node.name, "says": node.says, "answer": node.answer}
    if node.source is not None:
        data["source"] = {"text": node.source.text, "marks": list(node.source.marks)}
    if node.note:
        data["note"] = node.note
    if node.because:
        data["because"] = [as_json(part) for part in node.because]
    return data


def describe_node(ruleset: Ruleset, node: DerivationNode) -> str:
    """Describe the value of a statement or input, with its unit or the choice's label, and the node's note."""
    return f"{_describe_value(ruleset, node)}{f' ({node.note})' if node.note else ''}"


def _describe_value(ruleset: Ruleset, node: DerivationNode) -> str:
    if node.name in ruleset.inputs:
        read = ruleset.inputs[node.name]
        for choice in read.choices:
            if choice.value == node.answer:
                return choice.label
        if read.unit and node.answer != OPEN:
            return f"{node.answer}{format_unit(read.unit)}"
    match node.answer:
        case True:
            return "yes"
        case False:
            return "no"
        case other:
            return str(other)
