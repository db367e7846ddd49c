"""The published result: one JSON object, made of a decision and its explanation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress
from typing import Any

from triage_rules.evaluation.decision import Decider, Decision, KeyedOutcome, OpenQuestion, QuestionTables
from triage_rules.evaluation.justification import Justification
from triage_rules.evaluation.signals import SOONER, Masks, Rails, flags, input_bits
from triage_rules.foundation.timestamps import timestamp
from triage_rules.language.gates import InputsBehind
from triage_rules.language.model import (
    NOT_APPROVED,
    AskedOf,
    Audience,
    Contacts,
    Disposition,
    Input,
    Level,
    Rule,
    Ruleset,
)
from triage_rules.records.reports import ReportStatus

HUMAN_REVIEW_NOW = "human_review_now"
"""Flag of a result without a level: a person must look at once."""

ENGINE_DISAGREEMENT = "engine_disagreement"
"""Flag of a result on which the two evaluators differ; the higher level was taken."""

Json = dict[str, Any]
_DONE = ReportStatus.DONE.value


@dataclass(frozen=True, slots=True)
class Identity:
    """Report and ruleset that a result names. Times are UTC, milliseconds since the epoch."""

    report: str
    name: str
    version: str
    digest: str
    received_ms: int
    evaluated_ms: int
    audience: Audience = Audience.PATIENT
    amends: str | None = None


@dataclass(frozen=True, slots=True)
class _OutcomeParts:
    """Parts of a result that one outcome always gives. level: the one it sets; None if it raises the level.

    before, after: in the result, around its reasons. reason: its text for the patient, '' for none.
    """

    key: str
    level: Level | None
    before: Json
    after: Json
    reason: str
    note: str
    flags: tuple[str, ...]


class Results:
    """Makes the results of one ruleset. Parts that recur in many results are made once, and must not be changed."""

    def __init__(self, ruleset: Ruleset, deciding: Decider) -> None:
        self._ruleset = ruleset
        self._deciding = deciding
        bit = deciding.numbering.bit
        self._sooner = bit[SOONER]
        self._parts: dict[str, _OutcomeParts] = {}
        panels = {name: panel.name for panel in ruleset.panels.values() for name in panel.inputs}
        self._questions = QuestionTables(ruleset, lambda q: _make_question(ruleset, q, panels.get(q.input)))
        self._elsewhere = [_make_elsewhere(ruleset.inputs[name]) for name in input_bits(ruleset)]
        self._irrelevant = _make_irrelevant(ruleset)
        self._inferences = [(bit[name], name, inference.says) for name, inference in ruleset.inferences.items()]
        self._conflicts = [(bit[name], _make_conflict(ruleset, name)) for name in ruleset.conflicts]
        contacts = contacts_as_json(ruleset.contacts)
        self._contacts: Json = {} if contacts is None else {"contacts": contacts}
        self._default_reason = ruleset.default.reason.strip()
        self._always_patient = ruleset.always_patient.strip()
        self._always_clinician = [] if ruleset.approved_by is not None else [NOT_APPROVED]
        self._always_clinician.append(ruleset.always_clinician.strip())

    def make(  # noqa: PLR0913 (a result has this many sources)
        self,
        identity: Identity,
        grounds: Justification,
        rails: Masks,
        decision: Decision,
        irrelevant: Iterable[str] = (),
        *,
        own_words: Json | None = None,
        disagreement: bool,
    ) -> Json:
        """Return the result of an evaluation, in the form of schemas/result.schema.json.

        irrelevant: the inputs whose answers relevance implied. own_words: notes on the report's free text.
        """
        disposition = self._ruleset.dispositions[decision.disposition]
        established = rails.established
        rules, floors = (
            [self._parts.get(statement.key) or self._remember(statement) for statement in fired]
            for fired in self._deciding.fired(established)
        )
        complete, ask, elsewhere = self._list_questions(grounds, rails, decision)
        return {
            "id": identity.report,
            "status": _DONE,
            "ruleset": {**_make_ruleset(identity), "approved_by": self._ruleset.approved_by},
            "level": decision.level.word,
            "disposition": disposition.code,
            "act_within_minutes": disposition.act_within_minutes,
            "amends": identity.amends,
            "lowers": None,
            "valid_until": timestamp(identity.received_ms + self._count_valid_minutes(rails) * 60_000),
            "could_be": decision.could_be.word,
            "could_be_disposition": decision.could_be_disposition,
            "determined": decision.determined and not disagreement,
            "basis": decision.basis.value,
            "by_rules": self._by_rules(decision.by_rules),
            "interview": {"audience": identity.audience.value, "complete": complete},
            "ask": ask,
            "open_elsewhere": elsewhere,
            "rules": [_make_rule(grounds, parts) for parts in rules],
            "safety_net": [_make_rule(grounds, parts) for parts in floors],
            "inferences": self._list_inferences(grounds, established),
            "irrelevant": [self._irrelevant[name] for name in irrelevant],
            "missing": grounds.missing(),
            "conflicts": [conflict for bit, conflict in self._conflicts if established & bit],
            "flags": self._collect_flags(decision, [*rules, *floors], disagreement),
            "advice": self._compose_advice(disposition, decision, [*rules, *floors]),
            **self._contacts,
            "own_words": own_words,
            "received_at": timestamp(identity.received_ms),
            "evaluated_at": timestamp(identity.evaluated_ms),
        }

    def _list_inferences(self, grounds: Justification, established: int) -> Json:
        return {
            name: {"says": says, "because": grounds.reasons(name)}
            for bit, name, says in self._inferences
            if established & bit
        }

    def _by_rules(self, disposition: str | None) -> Json | None:
        if disposition is None:
            return None
        return {"level": self._ruleset.dispositions[disposition].level.word, "disposition": disposition}

    def _remember(self, statement: KeyedOutcome) -> _OutcomeParts:
        """Make an outcome's parts, and keep them for later results."""
        self._parts[statement.key] = parts = _make_parts(self._ruleset, statement)
        return parts

    def _count_valid_minutes(self, rails: Masks) -> int:
        validity = self._ruleset.validity
        sooner = validity.sooner_minutes if rails.possible & self._sooner else None
        return validity.minutes if sooner is None else sooner

    def _list_questions(
        self, grounds: Justification, rails: Masks, decision: Decision
    ) -> tuple[bool, list[Json], list[Json]]:
        """Return whether the audience's part is complete, the questions to ask it, and those only others can answer."""
        if decision.determined:
            return True, [], []
        in_reach = grounds.rails_in_reach()
        within = self._deciding.decide(in_reach)
        elsewhere = grounds.only_elsewhere()
        if elsewhere:
            elsewhere = self._deciding.may_change(rails, decision, elsewhere)
        ask = []
        if not within.determined:
            ask = self._deciding.collect(in_reach, within, grounds.depends_on_in_reach(), self._questions)
        return within.determined, ask, list(compress(self._elsewhere, flags(elsewhere)))

    def _collect_flags(self, decision: Decision, fired: list[_OutcomeParts], disagreement: bool) -> list[str]:
        flags = list(self._ruleset.default.flags) if decision.by_default else []
        for parts in fired:
            flags += parts.flags
        flags += [ENGINE_DISAGREEMENT] if disagreement else []
        return list(dict.fromkeys(flags))

    def _compose_advice(
        self, disposition: Disposition, decision: Decision, fired: list[_OutcomeParts]
    ) -> dict[str, str]:
        """Return the texts for patient and clinician. A clinician-only reason stays out of the patient's text."""
        patient, clinician = [disposition.patient.strip()], [disposition.clinician.strip()]
        for parts in fired:
            if parts.level is None or parts.level is decision.level:
                patient.append(parts.reason)
                clinician.append(parts.note)
        if decision.by_default:
            patient.append(self._default_reason)
            clinician.append(self._default_reason)
        patient.append(self._always_patient)
        clinician += self._always_clinician
        return {"patient": _join(patient), "clinician": _join(clinician)}


def contacts_as_json(contacts: Contacts | None) -> Json | None:
    """Return the contacts in a result's texts, with which a replay gives the same; None if it has none."""
    return None if contacts is None else {"country": contacts.country, "values": dict(contacts.values)}


def make_result(  # noqa: PLR0913 (a result has this many sources)
    ruleset: Ruleset,
    identity: Identity,
    grounds: Justification,
    rails: Rails,
    decision: Decision,
    *,
    disagreement: bool,
) -> Json:
    """Make one result as `Results.make` does, for a ruleset that decides once."""
    deciding = Decider(ruleset)
    masks = deciding.numbering.masks(rails)
    return Results(ruleset, deciding).make(identity, grounds, masks, decision, disagreement=disagreement)


def failed_result(identity: Identity, reason: str) -> Json:
    """Return the result of a report that could not be evaluated: no level; a human must look now.

    `reason`: a stable code.
    """
    return {
        "id": identity.report,
        "status": ReportStatus.DEAD.value,
        "ruleset": _make_ruleset(identity),
        "level": None,
        "disposition": None,
        "act_within_minutes": 0,
        "amends": identity.amends,
        "lowers": None,
        "valid_until": timestamp(identity.received_ms),
        "could_be": Level.URGENT.word,
        "could_be_disposition": None,
        "determined": False,
        "basis": None,
        "by_rules": None,
        "interview": None,
        "ask": [],
        "open_elsewhere": [],
        "rules": [],
        "safety_net": [],
        "inferences": {},
        "irrelevant": [],
        "missing": [],
        "conflicts": [],
        "flags": [HUMAN_REVIEW_NOW],
        "failure": reason,
        "advice": {
            "patient": "We could not work out how urgent this is. See a clinician now; don't wait for word from us.",
            "clinician": "The evaluation failed. Look at this report now, as if it were urgent.",
        },
        "own_words": None,
        "received_at": timestamp(identity.received_ms),
        "evaluated_at": timestamp(identity.evaluated_ms),
    }


def _make_ruleset(identity: Identity) -> Json:
    return {"name": identity.name, "version": identity.version, "digest": identity.digest}


def _make_parts(ruleset: Ruleset, statement: KeyedOutcome) -> _OutcomeParts:
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
    return _OutcomeParts(
        key=statement.key,
        level=level,
        before=before,
        after=after,
        reason="" if clinician_only else rule.reason.strip(),
        note=f"{rule.id}: {rule.title}. {rule.reason} {rule.clinician_note or ''}".strip(),
        flags=rule.flags,
    )


def _make_rule(grounds: Justification, parts: _OutcomeParts) -> Json:
    return {**parts.before, "because": list(grounds.reasons(parts.key)), **parts.after}


def _make_conflict(ruleset: Ruleset, name: str) -> Json:
    conflict = ruleset.conflicts[name]
    return {"id": conflict.id, "text": conflict.says, "findings": list(conflict.inputs)}


def _make_elsewhere(read: Input) -> Json:
    who = AskedOf.CLINICIAN if read.asked_of in (AskedOf.LABORATORY, AskedOf.MEASURED) else read.asked_of
    return {"finding": read.name, "audience": who.value, "question": read.question}


def _make_irrelevant(ruleset: Ruleset) -> dict[str, Json]:
    """Return an entry for each input whose answer relevance may imply, with the inputs that decide on it."""
    behind = InputsBehind(ruleset.inferences)
    return {
        name: {
            "finding": name,
            "taken_as": read.relevant.otherwise,
            "because": list(dict.fromkeys(ruleset.input_behind(n).name for n in behind.of(read.relevant.when))),
        }
        for name, read in ruleset.inputs.items()
        if read.relevant is not None and read.relevant.otherwise is not None
    }


def _make_question(ruleset: Ruleset, question: OpenQuestion, panel: str | None) -> Json:
    read = ruleset.inputs[question.input]
    up, down = question.could_raise_to, question.could_lower_to
    entry: Json = {
        "finding": read.name,
        "question": read.question,
        "could_raise_to": None if up is None else ruleset.dispositions[up].level.word,
        "could_raise_to_disposition": up,
        "could_lower_to": None if down is None else ruleset.dispositions[down].level.word,
        "could_lower_to_disposition": down,
    }
    if panel is not None:
        entry["panel"] = panel
    if read.asked_of is not AskedOf.ANYONE:
        entry["audience"] = read.asked_of.value
    return entry


def _join(texts: Iterable[str]) -> str:
    """Join the texts as paragraphs; each only once, '' left out."""
    return "\n\n".join(text for text in dict.fromkeys(texts) if text)
