"""Evidence of a ruleset when it went live: the rules that each case fires, the properties proved, the interviews.

Stored beside the files it was made from; no decision reads it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from triage_rules.assurance.cases import CaseOutcome, fired_ids
from triage_rules.assurance.properties.model import Answering, LeavingOpen, Never, Property, RoutineOnlyIfAnswered, Then
from triage_rules.foundation import strict_json
from triage_rules.interview.persona_runs import PersonaRun
from triage_rules.language.conditions import names_in
from triage_rules.language.model import Audience, Level
from triage_rules.records.reports import History

FILE_NAME = "evidence"
"""Name beside the files; no ruleset's folder has a file of this name."""

MAX_BYTES = 32 * 1024 * 1024
"""Limit of unpacked evidence; larger data was not stored by this service."""

_NO_LEVEL = "none"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ShownCase:
    """Passed case. `level`: a word, None if its report is rejected. `fires`: ids of rules and floors.

    panels: as in a posted report.
    """

    id: str
    note: str
    answers: Mapping[str, Any]
    history: History
    level: str | None
    fires: tuple[str, ...]
    panels: Mapping[str, Any] = field(default_factory=dict)
    audience: Audience = Audience.PATIENT


@dataclass(frozen=True, slots=True)
class ShownProperty:
    """Property and its verdict. `names`: the rules, statements and inputs that it mentions."""

    id: str
    says: str
    verdict: str
    source: str
    owner: str
    review_by: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShownPersona:
    """Persona and the interview. `level`: a word. `certificate`: the screens of a small certificate."""

    name: str
    title: str
    group: str
    level: str
    disposition: str
    screens: int
    taps: int
    certificate: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of a ruleset; empty if it went live before evidence was stored.

    budget: the most screens that the median interview should take; None if none is declared.
    """

    cases: tuple[ShownCase, ...] = ()
    properties: tuple[ShownProperty, ...] = ()
    personas: tuple[ShownPersona, ...] = ()
    budget: int | None = None

    @property
    def median_screens(self) -> float | None:
        """Return the screens of the median interview; None if no persona was interviewed."""
        return median(persona.screens for persona in self.personas) if self.personas else None

    def firing(self, rule: str) -> list[ShownCase]:
        """Return the cases that fire a rule."""
        return [case for case in self.cases if rule in case.fires]


def text_of(
    outcomes: Iterable[CaseOutcome],
    properties: Iterable[tuple[Property, str]],
    runs: Iterable[PersonaRun] = (),
    budget: int | None = None,
) -> str:
    """Encode the evidence: JSON, compressed, since cases repeat each other. `properties`: each with its verdict."""
    cases = [_write_case(outcome) for outcome in outcomes]
    claims = [_write_property(claim, verdict) for claim, verdict in properties]
    personas = [asdict(_shown_persona(run)) for run in runs]
    text = strict_json.dumps({"cases": cases, "properties": claims, "personas": personas, "budget": budget})
    return base64.b64encode(zlib.compress(text.encode())).decode("ascii")


def read(text: str | None) -> Evidence:
    """Decode stored evidence; empty if there is none or it can't be read, as people read it and no decision does."""
    if text is None:
        return Evidence()
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text), MAX_BYTES)
        stored = json.loads(data)
        return Evidence(
            tuple(map(_read_case, stored["cases"])),
            tuple(map(_read_property, stored["properties"])),
            tuple(ShownPersona(**persona) for persona in stored.get("personas", ())),
            stored.get("budget"),
        )
    except (ValueError, KeyError, TypeError, zlib.error):
        return Evidence()


def _write_case(outcome: CaseOutcome) -> Json:
    case, result = outcome.case, outcome.result
    highest = case.history.highest_level_24h
    return {
        "id": case.id,
        "note": case.note,
        "findings": dict(case.answers),
        "panels": dict(case.panels),
        "audience": case.audience.value,
        "history": [case.history.reports_last_48h, _NO_LEVEL if highest is None else highest.word],
        "level": None if result is None else result["level"],
        "fires": [] if result is None else sorted(fired_ids(result)),
    }


def _read_case(stored: Json) -> ShownCase:
    reports, highest = stored["history"]
    history = History(reports, None if highest == _NO_LEVEL else Level.of(highest))
    return ShownCase(
        stored["id"],
        stored["note"],
        stored["findings"],
        history,
        stored["level"],
        tuple(stored["fires"]),
        stored.get("panels", {}),  # older evidence has neither these
        Audience(stored.get("audience", Audience.PATIENT)),  # nor this
    )


def _shown_persona(run: PersonaRun) -> ShownPersona:
    persona, conversation = run.persona, run.conversation
    return ShownPersona(
        persona.name,
        persona.title,
        persona.group,
        run.result["level"],
        run.result["disposition"],
        conversation.screens,
        conversation.taps,
        len(run.certificate),
    )


def _write_property(claim: Property, verdict: str) -> Json:
    return {
        "id": claim.id,
        "says": claim.says,
        "verdict": verdict,
        "source": claim.source.text,
        "owner": claim.owner,
        "review_by": claim.review_by,
        "names": sorted(set(_list_names(claim))),
    }


def _read_property(stored: Json) -> ShownProperty:
    return ShownProperty(**{**stored, "names": frozenset(stored["names"])})


def _list_names(claim: Property) -> Iterator[str]:
    conditions = [claim.whenever]
    match claim.claim:
        case Then() as then:
            yield from (*then.fires, *then.silent, *then.hidden_from_patient)
        case Never(_, unless, rules):
            conditions.append(unless)
            yield from rules
        case RoutineOnlyIfAnswered(items):
            yield from (name for item in items for name in item.inputs)
        case Answering(answers):
            yield from (answer[0] for answer in answers)
        case LeavingOpen(inputs):
            yield from (name for name, _ in inputs)
        case _:
            pass
    for condition in conditions:
        if condition is not None:
            yield from names_in(condition)
