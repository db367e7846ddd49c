"""The result as it is published: one JSON object, made of a decision and its explanation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from triage_rules import deciding
from triage_rules.deciding import Decision, Question, Statement
from triage_rules.explaining import because, fired, outcome_condition
from triage_rules.messages import NOT_APPROVED, Status, timestamp
from triage_rules.rails import SOONER, Rails
from triage_rules.reference import Reference
from triage_rules.ruleset import AskedOf, Floor, Level, Rule, Ruleset

HUMAN_REVIEW_NOW = "human_review_now"
"""The flag of a result without a level: a person must look at once."""

ENGINE_DISAGREEMENT = "engine_disagreement"
"""The flag of a result on which the two evaluators differ; the higher level was taken."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which report, by which ruleset. Times are UTC, milliseconds since the epoch."""

    report: str
    name: str
    version: str
    digest: str
    received_ms: int
    evaluated_ms: int


def make_result(  # noqa: PLR0913 (a result is made of this much)
    ruleset: Ruleset, identity: Identity, reference: Reference, rails: Rails, decision: Decision, *, disagreement: bool
) -> Json:
    """The result of an evaluation, as in docs/schemas/result.schema.json."""
    disposition = ruleset.dispositions[decision.disposition]
    rules = _fired(ruleset, ruleset.rules.values(), rails)
    floors = _fired(ruleset, ruleset.floors.values(), rails)
    asked = deciding.questions(ruleset, rails, decision, reference)
    return {
        "id": identity.report,
        "status": Status.DONE.value,
        "ruleset": {**_ruleset(identity), "approved_by": ruleset.approved_by},
        "level": decision.level.word,
        "disposition": disposition.code,
        "act_within_minutes": disposition.act_within_minutes,
        "valid_until": timestamp(identity.received_ms + _valid_minutes(ruleset, rails) * 60_000),
        "could_be": decision.could_be.word,
        "could_be_disposition": decision.could_be_disposition,
        "determined": decision.determined and not disagreement,
        "ask": [_ask(ruleset, question) for question in asked],
        "rules": [_rule(ruleset, reference, statement) for statement in rules],
        "safety_net": [_rule(ruleset, reference, statement) for statement in floors],
        "inferences": _inferences(ruleset, reference, rails),
        "missing": deciding.missing(ruleset, reference),
        "conflicts": _conflicts(ruleset, rails),
        "flags": _flags(ruleset, decision, [*rules, *floors], disagreement),
        "advice": _advice(ruleset, decision, [*rules, *floors]),
        "received_at": timestamp(identity.received_ms),
        "evaluated_at": timestamp(identity.evaluated_ms),
    }


def failed_result(identity: Identity, reason: str) -> Json:
    """The result of a report that could not be evaluated: no level; a human must look now. `reason`: a stable code."""
    return {
        "id": identity.report,
        "status": Status.DEAD.value,
        "ruleset": _ruleset(identity),
        "level": None,
        "disposition": None,
        "act_within_minutes": 0,
        "valid_until": timestamp(identity.received_ms),
        "could_be": Level.URGENT.word,
        "could_be_disposition": None,
        "determined": False,
        "ask": [],
        "rules": [],
        "safety_net": [],
        "inferences": {},
        "missing": [],
        "conflicts": [],
        "flags": [HUMAN_REVIEW_NOW],
        "failure": reason,
        "advice": {
            "patient": "We could not work out how urgent this is. See a clinician now; don't wait for word from us.",
            "clinician": "The evaluation failed. Look at this report now, as if it were urgent.",
        },
        "received_at": timestamp(identity.received_ms),
        "evaluated_at": timestamp(identity.evaluated_ms),
    }


def _ruleset(identity: Identity) -> Json:
    return {"name": identity.name, "version": identity.version, "digest": identity.digest}


def _valid_minutes(ruleset: Ruleset, rails: Rails) -> int:
    validity = ruleset.validity
    sooner = validity.sooner_minutes if SOONER in rails.possible else None
    return validity.minutes if sooner is None else sooner


def _fired(ruleset: Ruleset, rules: Iterable[Rule | Floor], rails: Rails) -> list[Statement]:
    """The rules or floors that fired, the most urgent first."""
    found = [s for rule in rules if (s := fired(rule, rails.established, ruleset)) is not None]
    return sorted(found, key=lambda s: _urgency(ruleset, s), reverse=True)


def _urgency(ruleset: Ruleset, statement: Statement) -> tuple[int, int]:
    return (-1, 0) if statement.outcome is None else ruleset.urgency(statement.outcome.disposition)


def _rule(ruleset: Ruleset, reference: Reference, statement: Statement) -> Json:
    rule = statement.rule
    found: Json = {"id": rule.id, "title": rule.title}
    if statement.outcome is None:
        found |= {"raises": "one level"}
    else:
        disposition = ruleset.dispositions[statement.outcome.disposition]
        found |= {"level": disposition.level.word, "disposition": disposition.code}
    found["because"] = list(because(reference, outcome_condition(statement)))
    found |= {"text": rule.reason, "source": rule.source.text, "marks": list(rule.source.marks)}
    if isinstance(rule, Rule) and rule.clinician_only:
        found["audience"] = AskedOf.CLINICIAN.value
    return found


def _inferences(ruleset: Ruleset, reference: Reference, rails: Rails) -> Json:
    found: Json = {}
    for name, inference in ruleset.inferences.items():
        if name in rails.established:
            reasons = because(reference, inference.when)
            found[name] = {"says": inference.says, "because": reasons}
    return found


def _conflicts(ruleset: Ruleset, rails: Rails) -> list[Json]:
    return [
        {"id": conflict.id, "text": conflict.says, "findings": list(conflict.findings)}
        for conflict in ruleset.conflicts.values()
        if conflict.id in rails.established
    ]


def _ask(ruleset: Ruleset, question: Question) -> Json:
    asked = ruleset.inputs[question.finding]
    found: Json = {
        "finding": asked.name,
        "question": asked.question,
        "could_raise_to": question.could_raise_to.word if question.could_raise_to is not None else None,
        "could_lower_to": question.could_lower_to.word if question.could_lower_to is not None else None,
    }
    if asked.asked_of is not AskedOf.ANYONE:
        found["audience"] = asked.asked_of.value
    return found


def _flags(ruleset: Ruleset, decision: Decision, statements: list[Statement], disagreement: bool) -> list[str]:
    flags = list(ruleset.default.flags) if decision.by_default else []
    flags += [flag for statement in statements for flag in statement.rule.flags]
    flags += [ENGINE_DISAGREEMENT] if disagreement else []
    return list(dict.fromkeys(flags))


def _advice(ruleset: Ruleset, decision: Decision, statements: list[Statement]) -> dict[str, str]:
    """What to tell the patient and the clinician. A clinician-only reason stays out of the patient's text."""
    disposition = ruleset.dispositions[decision.disposition]
    told = [s.rule for s in statements if _reaches(ruleset, s, decision.level)]
    reasons = [rule.reason for rule in told if not (isinstance(rule, Rule) and rule.clinician_only)]
    notes = [f"{rule.id}: {rule.title}. {rule.reason} {rule.clinician_note or ''}".strip() for rule in told]
    if decision.by_default:
        reasons.append(ruleset.default.reason)
        notes.append(ruleset.default.reason)
    if ruleset.approved_by is None:
        notes.append(NOT_APPROVED)
    return {
        "patient": _paragraphs([disposition.patient, *reasons, ruleset.always_patient]),
        "clinician": _paragraphs([disposition.clinician, *notes, ruleset.always_clinician]),
    }


def _reaches(ruleset: Ruleset, statement: Statement, level: Level) -> bool:
    return statement.outcome is None or ruleset.dispositions[statement.outcome.disposition].level == level


def _paragraphs(texts: list[str]) -> str:
    return "\n\n".join(dict.fromkeys(text.strip() for text in texts if text.strip()))
