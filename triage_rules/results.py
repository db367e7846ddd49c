"""The result as it is published: one JSON object, made of a decision and its explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from triage_rules.deciding import Deciding, Decision, Question, Statement
from triage_rules.grounds import Grounds
from triage_rules.messages import NOT_APPROVED, Status, timestamp
from triage_rules.rails import SOONER, Rails
from triage_rules.ruleset import AskedOf, Level, Rule, Ruleset

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


class Results:
    """Makes the results of one ruleset; what is the same in many of them is made once, and not to be changed."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._deciding = Deciding(ruleset)
        self._told: dict[str, tuple[Json, Json]] = {}
        self._asked: dict[tuple[str, Level | None, Level | None], Json] = {}

    def make(
        self, identity: Identity, grounds: Grounds, rails: Rails, decision: Decision, *, disagreement: bool
    ) -> Json:
        """The result of an evaluation, as in docs/schemas/result.schema.json."""
        ruleset = self._ruleset
        disposition = ruleset.dispositions[decision.disposition]
        rules, floors = self._deciding.fired(rails.established)
        asked = [] if decision.determined else self._deciding.questions(rails, decision, grounds.hangs_on())
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
            "ask": [self._ask(question) for question in asked],
            "rules": [self._rule(grounds, statement) for statement in rules],
            "safety_net": [self._rule(grounds, statement) for statement in floors],
            "inferences": _inferences(ruleset, grounds, rails),
            "missing": grounds.missing(),
            "conflicts": _conflicts(ruleset, rails),
            "flags": _flags(ruleset, decision, [*rules, *floors], disagreement),
            "advice": _advice(ruleset, decision, [*rules, *floors]),
            "received_at": timestamp(identity.received_ms),
            "evaluated_at": timestamp(identity.evaluated_ms),
        }

    def _rule(self, grounds: Grounds, statement: Statement) -> Json:
        told = self._told.get(statement.key)
        if told is None:
            told = self._told[statement.key] = _rule(self._ruleset, statement)
        before, after = told
        return {**before, "because": list(grounds.because(statement.key)), **after}

    def _ask(self, question: Question) -> Json:
        key = (question.finding, question.could_raise_to, question.could_lower_to)
        told = self._asked.get(key)
        if told is None:
            told = self._asked[key] = _ask(self._ruleset, question)
        return told


def make_result(  # noqa: PLR0913 (a result is made of this much)
    ruleset: Ruleset, identity: Identity, grounds: Grounds, rails: Rails, decision: Decision, *, disagreement: bool
) -> Json:
    """As `Results.make`, for a ruleset that decides once."""
    return Results(ruleset).make(identity, grounds, rails, decision, disagreement=disagreement)


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


def _rule(ruleset: Ruleset, statement: Statement) -> tuple[Json, Json]:
    """What is told of a rule that fired: before its reasons, and after them."""
    rule = statement.rule
    found: Json = {"id": rule.id, "title": rule.title}
    if statement.outcome is None:
        found |= {"raises": "one level"}
    else:
        disposition = ruleset.dispositions[statement.outcome.disposition]
        found |= {"level": disposition.level.word, "disposition": disposition.code}
    after: Json = {"text": rule.reason, "source": rule.source.text, "marks": list(rule.source.marks)}
    if isinstance(rule, Rule) and rule.clinician_only:
        after["audience"] = AskedOf.CLINICIAN.value
    return found, after


def _inferences(ruleset: Ruleset, grounds: Grounds, rails: Rails) -> Json:
    established = rails.established
    return {
        name: {"says": inference.says, "because": grounds.because(name)}
        for name, inference in ruleset.inferences.items()
        if name in established
    }


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
