"""Why a result is as it is, as a tree to read, down to the answers; with nothing that isn't for the reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from triage_rules.deployment.live import Loaded
from triage_rules.evaluation import explanation
from triage_rules.evaluation.decision import keyed_outcomes
from triage_rules.evaluation.explanation import NOT_ESTABLISHED, OPEN, DerivationNode
from triage_rules.evaluation.reference import Reference
from triage_rules.language.model import AskedOf, Floor, Rule, Ruleset
from triage_rules.records.reports import Delivery


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the tree: a statement or question, what it came out as, and what that rests on. `holds`: not open."""

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


def of(loaded: Loaded, posted: Delivery, result: dict[str, Any], *, for_clinician: bool) -> list[Reason]:
    """The reasons of a result, the most urgent first. Patients get none that is for clinicians only."""
    ruleset = loaded.ruleset
    reference = Reference(ruleset, loaded.evaluator.facts(posted.report.answers, posted.history))
    rules = {rule.id: rule for rule in ruleset.rules_and_floors}
    found = []
    for told, is_net in [(one, False) for one in result["rules"]] + [(one, True) for one in result["safety_net"]]:
        clinician_only = "audience" in told
        if told["id"] not in rules or (clinician_only and not for_clinician):
            continue
        nodes = explanation.derive(ruleset, reference, _condition(rules[told["id"]], told.get("disposition")))
        hidden = not for_clinician and _rests_on_hidden(ruleset, nodes)
        found.append(
            Reason(
                id=told["id"],
                title=told["title"],
                level=told.get("level"),
                text=told["text"],
                source="" if hidden else told["source"],
                marks=tuple(told["marks"]),
                is_safety_net=is_net,
                clinician_only=clinician_only,
                steps=() if hidden else tuple(_steps(ruleset, nodes, show_sources=for_clinician)),
            )
        )
    return found


def _condition(rule: Rule | Floor, disposition: str | None) -> Any:
    found = [s for s in keyed_outcomes([rule]) if (s.outcome.disposition if s.outcome else None) == disposition]
    return explanation.outcome_condition(found[0])


def _rests_on_hidden(ruleset: Ruleset, nodes: Iterable[DerivationNode]) -> bool:
    """Whether any of it was answered in private or by a clinician: then not even the source is for other eyes."""
    for node in nodes:
        asked = ruleset.inputs.get(node.name)
        if asked is not None and asked.asked_of not in (AskedOf.ANYONE, AskedOf.SERVICE) and node.answer != OPEN:
            return True
        if _rests_on_hidden(ruleset, node.because):
            return True
    return False


def _steps(ruleset: Ruleset, nodes: Iterable[DerivationNode], *, show_sources: bool) -> Iterable[Step]:
    for node in nodes:
        asked = ruleset.inputs.get(node.name)
        if asked is not None and asked.asked_of not in (AskedOf.ANYONE, AskedOf.SERVICE) and not show_sources:
            continue  # a question that is not for all to see, and was not answered
        yield Step(
            says=node.says,
            answer=_answer(ruleset, node),
            holds=node.answer not in (OPEN, NOT_ESTABLISHED),
            because=tuple(_steps(ruleset, node.because, show_sources=show_sources)),
            source=node.source.text if node.source is not None and show_sources else "",
        )


def _answer(ruleset: Ruleset, node: DerivationNode) -> str:
    match node.answer:
        case x if x == OPEN:
            return "not answered" if node.name in ruleset.inputs else "still open"
        case x if x == NOT_ESTABLISHED:
            return "not shown"
        case _:
            return explanation.describe_node(ruleset, node)
