"""The result as it is published: one JSON object, made of a decision and its explanation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from triage_rules.evaluation.decision import Decider, Decision, KeyedOutcome, OpenQuestion
from triage_rules.evaluation.justification import Justification
from triage_rules.evaluation.signals import SOONER, Masks, Rails
from triage_rules.foundation.timestamps import timestamp
from triage_rules.language.model import NOT_APPROVED, AskedOf, Disposition, Level, Rule, Ruleset
from triage_rules.records.reports import ReportStatus

HUMAN_REVIEW_NOW = "human_review_now"
"""The flag of a result without a level: a person must look at once."""

ENGINE_DISAGREEMENT = "engine_disagreement"
"""The flag of a result on which the two evaluators differ; the higher level was taken."""

Json = dict[str, Any]
_DONE = ReportStatus.DONE.value


@dataclass(frozen=True, slots=True)
class Identity:
    """Which report, by which ruleset. Times are UTC, milliseconds since the epoch."""

    report: str
    name: str
    version: str
    digest: str
    received_ms: int
    evaluated_ms: int


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of one outcome that fired. level: the one it sets; None if it raises the level.

    reason: what the patient reads of it, '' for nothing. before, after: in the result, around its reasons.
    """

    key: str
    level: Level | None
    before: Json
    after: Json
    reason: str
    note: str
    flags: tuple[str, ...]


class Results:
    """Makes the results of one ruleset; what is the same in many of them is made once, and not to be changed."""

    def __init__(self, ruleset: Ruleset, deciding: Decider) -> None:
        self._ruleset = ruleset
        self._deciding = deciding
        bit = deciding.numbering.bit
        self._sooner = bit[SOONER]
        self._told: dict[str, _Told] = {}
        self._asked = _Asked(ruleset)
        self._inferences = [(bit[name], name, inference.says) for name, inference in ruleset.inferences.items()]
        self._conflicts = [(bit[name], _conflict(ruleset, name)) for name in ruleset.conflicts]
        self._default_reason = ruleset.default.reason.strip()
        self._always_patient = ruleset.always_patient.strip()
        self._always_clinician = [] if ruleset.approved_by is not None else [NOT_APPROVED]
        self._always_clinician.append(ruleset.always_clinician.strip())

    def make(
        self, identity: Identity, grounds: Justification, rails: Masks, decision: Decision, *, disagreement: bool
    ) -> Json:
        """The result of an evaluation, as in triage_rules/schemas/result.schema.json."""
        disposition = self._ruleset.dispositions[decision.disposition]
        established = rails.established
        rules, floors = (
            [self._told.get(one.key) or self._tell(one) for one in some] for some in self._deciding.fired(established)
        )
        return {
            "id": identity.report,
            "status": _DONE,
            "ruleset": {**_ruleset(identity), "approved_by": self._ruleset.approved_by},
            "level": decision.level.word,
            "disposition": disposition.code,
            "act_within_minutes": disposition.act_within_minutes,
            "valid_until": timestamp(identity.received_ms + self._valid_minutes(rails) * 60_000),
            "could_be": decision.could_be.word,
            "could_be_disposition": decision.could_be_disposition,
            "determined": decision.determined and not disagreement,
            "ask": self._ask(grounds, rails, decision),
            "rules": [_rule(grounds, told) for told in rules],
            "safety_net": [_rule(grounds, told) for told in floors],
            "inferences": {
                name: {"says": says, "because": grounds.reasons(name)}
                for bit, name, says in self._inferences
                if established & bit
            },
            "missing": grounds.missing(),
            "conflicts": [told for bit, told in self._conflicts if established & bit],
            "flags": self._flags(decision, [*rules, *floors], disagreement),
            "advice": self._advice(disposition, decision, [*rules, *floors]),
            "received_at": timestamp(identity.received_ms),
            "evaluated_at": timestamp(identity.evaluated_ms),
        }

    def _tell(self, statement: KeyedOutcome) -> _Told:
        """How it is told, for this time and all to come."""
        self._told[statement.key] = told = _told(self._ruleset, statement)
        return told

    def _valid_minutes(self, rails: Masks) -> int:
        validity = self._ruleset.validity
        sooner = validity.sooner_minutes if rails.possible & self._sooner else None
        return validity.minutes if sooner is None else sooner

    def _ask(self, grounds: Justification, rails: Masks, decision: Decision) -> list[Json]:
        if decision.determined:
            return []
        asked = self._asked
        return [asked[question] for question in self._deciding.questions(rails, decision, grounds.depends_on())]

    def _flags(self, decision: Decision, fired: list[_Told], disagreement: bool) -> list[str]:
        flags = list(self._ruleset.default.flags) if decision.by_default else []
        for told in fired:
            flags += told.flags
        flags += [ENGINE_DISAGREEMENT] if disagreement else []
        return list(dict.fromkeys(flags))

    def _advice(self, disposition: Disposition, decision: Decision, fired: list[_Told]) -> dict[str, str]:
        """What to tell the patient and the clinician. A clinician-only reason stays out of the patient's text."""
        patient, clinician = [disposition.patient.strip()], [disposition.clinician.strip()]
        for told in fired:
            if told.level is None or told.level is decision.level:
                patient.append(told.reason)
                clinician.append(told.note)
        if decision.by_default:
            patient.append(self._default_reason)
            clinician.append(self._default_reason)
        patient.append(self._always_patient)
        clinician += self._always_clinician
        return {"patient": _paragraphs(patient), "clinician": _paragraphs(clinician)}


class _Asked(dict[OpenQuestion, Json]):
    """How each question is told."""

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__()
        self._ruleset = ruleset

    def __missing__(self, question: OpenQuestion) -> Json:
        self[question] = told = _ask(self._ruleset, question)
        return told


def make_result(  # noqa: PLR0913 (a result is made of this much)
    ruleset: Ruleset,
    identity: Identity,
    grounds: Justification,
    rails: Rails,
    decision: Decision,
    *,
    disagreement: bool,
) -> Json:
    """As `Results.make`, for a ruleset that decides once."""
    deciding = Decider(ruleset)
    masks = deciding.numbering.masks(rails)
    return Results(ruleset, deciding).make(identity, grounds, masks, decision, disagreement=disagreement)


def failed_result(identity: Identity, reason: str) -> Json:
    """The result of a report that could not be evaluated: no level; a human must look now. `reason`: a stable code."""
    return {
        "id": identity.report,
        "status": ReportStatus.DEAD.value,
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


def _told(ruleset: Ruleset, statement: KeyedOutcome) -> _Told:
    rule = statement.rule
    before: Json = {"id": rule.id, "title": rule.title}
    level = None
    if statement.outcome is None:
        before |= {"raises": "one level"}
    else:
        disposition = ruleset.dispositions[statement.outcome.disposition]
        level = disposition.level
        before |= {"level": level.word, "disposition": disposition.code}
    after: Json = {"text": rule.reason, "source": rule.source.text, "marks": list(rule.source.marks)}
    clinician_only = isinstance(rule, Rule) and rule.clinician_only
    if clinician_only:
        after["audience"] = AskedOf.CLINICIAN.value
    return _Told(
        key=statement.key,
        level=level,
        before=before,
        after=after,
        reason="" if clinician_only else rule.reason.strip(),
        note=f"{rule.id}: {rule.title}. {rule.reason} {rule.clinician_note or ''}".strip(),
        flags=rule.flags,
    )


def _rule(grounds: Justification, told: _Told) -> Json:
    return {**told.before, "because": list(grounds.reasons(told.key)), **told.after}


def _conflict(ruleset: Ruleset, name: str) -> Json:
    conflict = ruleset.conflicts[name]
    return {"id": conflict.id, "text": conflict.says, "findings": list(conflict.inputs)}


def _ask(ruleset: Ruleset, question: OpenQuestion) -> Json:
    asked = ruleset.inputs[question.input]
    found: Json = {
        "finding": asked.name,
        "question": asked.question,
        "could_raise_to": question.could_raise_to.word if question.could_raise_to is not None else None,
        "could_lower_to": question.could_lower_to.word if question.could_lower_to is not None else None,
    }
    if asked.asked_of is not AskedOf.ANYONE:
        found["audience"] = asked.asked_of.value
    return found


def _paragraphs(texts: Iterable[str]) -> str:
    """The texts, each once; '' is none."""
    return "\n\n".join(text for text in dict.fromkeys(texts) if text)
