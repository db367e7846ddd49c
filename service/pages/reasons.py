"""The reasons of a result as trees down to the answers, without anything that the reader may not see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from triage_rules.deployment.live import Loaded
from triage_rules.evaluation import explanation
from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.explanation import NOT_ESTABLISHED, OPEN, DerivationNode
from triage_rules.evaluation.reference import Reference
from triage_rules.explanation.negations import mark_negations
from triage_rules.explanation.none_of import is_none_of, merge_none_of
from triage_rules.explanation.not_asked import derive_implied, is_implied
from triage_rules.language.model import AskedOf, Floor, Rule, Ruleset
from triage_rules.records.reports import Delivery

SHOWN_TO_PATIENTS = frozenset({AskedOf.ANYONE, AskedOf.MEASURED, AskedOf.SERVICE})
"""Questions and answers of all others are left out of what patients read."""


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the tree: a statement or question, its value, and its own reasons. `holds`: it is not open."""

    says: str
    answer: str
    holds: bool
    because: tuple[Step, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that fired, or a part of the safety net."""

    id: str
    title: str
    level: str | None
    text: str
    source: str
    marks: tuple[str, ...]
    is_safety_net: bool
    clinician_only: bool
    steps: tuple[Step, ...]


def build_reasons(loaded: Loaded, posted: Delivery, result: dict[str, Any], *, for_clinician: bool) -> list[Reason]:
    """Return the reasons of a result, the most urgent first. Patients get no reasons for clinicians only."""
    ruleset = loaded.ruleset
    reference = Reference(ruleset, loaded.evaluator.facts(posted.report.answers, posted.history))
    rules = {rule.id: rule for rule in ruleset.rules_and_floors}
    reasons = []
    for fired in [*result["rules"], *result["safety_net"]]:
        clinician_only = "audience" in fired
        if fired["id"] not in rules or (clinician_only and not for_clinician):
            continue
        condition = _condition(rules[fired["id"]], fired.get("disposition"))
        nodes = derive_implied(ruleset, reference, result, explanation.derive(ruleset, reference, condition))
        if for_clinician:
            nodes = mark_negations(result, nodes)
        hidden = not for_clinician and _rests_on_hidden(ruleset, nodes)
        reasons.append(
            Reason(
                id=fired["id"],
                title=fired["title"],
                level=fired.get("level"),
                text=fired["text"],
                source="" if hidden else fired["source"],
                marks=tuple(fired["marks"]),
                is_safety_net=fired in result["safety_net"],
                clinician_only=clinician_only,
                steps=() if hidden else tuple(_steps(ruleset, nodes, show_sources=for_clinician)),
            )
        )
    return reasons


def _condition(rule: Rule | Floor, disposition: str | None) -> Any:
    matching = [s for s in keyed_outcomes([rule]) if (s.outcome.disposition if s.outcome else None) == disposition]
    return explanation.outcome_condition(matching[0])


def _rests_on_hidden(ruleset: Ruleset, nodes: Iterable[DerivationNode]) -> bool:
    """Return True if a private or clinician's answer is among the nodes: then the source is hidden as well."""
    for node in nodes:
        asked = ruleset.inputs.get(node.name)
        if asked is not None and asked.asked_of not in SHOWN_TO_PATIENTS and node.answer != OPEN:
            return True
        if _rests_on_hidden(ruleset, node.because):
            return True
    return False


def _steps(ruleset: Ruleset, nodes: Iterable[DerivationNode], *, show_sources: bool) -> Iterable[Step]:
    for node in merge_none_of(ruleset, nodes):
        asked = ruleset.inputs.get(node.name)
        if asked is not None and asked.asked_of not in SHOWN_TO_PATIENTS and not show_sources:
            continue  # an open question that the reader may not see
        yield Step(
            says=node.says,
            answer=_answer(ruleset, node),
            holds=node.answer not in (OPEN, NOT_ESTABLISHED),
            because=tuple(_steps(ruleset, node.because, show_sources=show_sources)),
            source=node.source.text if node.source is not None and show_sources else "",
        )


def _answer(ruleset: Ruleset, node: DerivationNode) -> str:
    match node.answer:
        case _ if is_none_of(ruleset, node):
            return "no"
        case x if x == OPEN:
            return "not answered" if node.name in ruleset.inputs else "still open"
        case x if x == NOT_ESTABLISHED:
            return "not shown"
        case _:
            answer = explanation.describe_node(ruleset, node)
            return f"{answer}, not asked" if is_implied(ruleset, node) else answer
