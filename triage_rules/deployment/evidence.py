"""What was shown of a ruleset when it went live: which case fires which rules, and which properties were proved.

Kept beside the files that it was found with; nothing that decides reads it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from triage_rules.assurance.cases import CaseOutcome, fired_ids
from triage_rules.assurance.properties.model import Answering, LeavingOpen, Never, Property, RoutineOnlyIfAnswered, Then
from triage_rules.foundation import strict_json
from triage_rules.language.conditions import names_in
from triage_rules.language.model import Level
from triage_rules.records.reports import History

FILE_NAME = "evidence"
"""Its name beside the files; no ruleset's folder holds it."""

MAX_BYTES = 32 * 1024 * 1024
"""Of what was kept, unpacked: more isn't ours."""

_NO_LEVEL = "none"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case that passed. `level`: a word, None if its report is refused. `fires`: ids of rules and floors."""

    id: str
    note: str
    answers: Mapping[str, Any]
    history: History
    level: str | None
    fires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownProperty:
    """A claim, and what is known of it. `names`: the rules, statements and findings that it speaks of."""

    id: str
    says: str
    verdict: str
    source: str
    owner: str
    review_by: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it. A ruleset that went live before it was kept has none."""

    cases: tuple[ShownCase, ...] = ()
    properties: tuple[ShownProperty, ...] = ()

    def firing(self, rule: str) -> list[ShownCase]:
        """The cases that fire a rule."""
        return [case for case in self.cases if rule in case.fires]


def text_of(outcomes: Iterable[CaseOutcome], properties: Iterable[tuple[Property, str]]) -> str:
    """As it is kept: JSON, compressed, since cases repeat each other. `properties`: each with its verdict."""
    cases = [_case(one) for one in outcomes]
    told = strict_json.dumps({"cases": cases, "properties": [_property(*one) for one in properties]})
    return base64.b64encode(zlib.compress(told.encode())).decode("ascii")


def read(text: str | None) -> Evidence:
    """What was kept; none if there is nothing, or it can't be read: it is told to people, and decides nothing."""
    if text is None:
        return Evidence()
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text), MAX_BYTES)
        told = json.loads(data)
        return Evidence(tuple(map(_read_case, told["cases"])), tuple(map(_read_property, told["properties"])))
    except (ValueError, KeyError, TypeError, zlib.error):
        return Evidence()


def _case(outcome: CaseOutcome) -> Json:
    case, result = outcome.case, outcome.result
    highest = case.history.highest_level_24h
    return {
        "id": case.id,
        "note": case.note,
        "findings": dict(case.answers),
        "history": [case.history.reports_last_48h, _NO_LEVEL if highest is None else highest.word],
        "level": None if result is None else result["level"],
        "fires": [] if result is None else sorted(fired_ids(result)),
    }


def _read_case(told: Json) -> ShownCase:
    reports, highest = told["history"]
    history = History(reports, None if highest == _NO_LEVEL else Level.of(highest))
    return ShownCase(told["id"], told["note"], told["findings"], history, told["level"], tuple(told["fires"]))


def _property(asked: Property, verdict: str) -> Json:
    return {
        "id": asked.id,
        "says": asked.says,
        "verdict": verdict,
        "source": asked.source.text,
        "owner": asked.owner,
        "review_by": asked.review_by,
        "names": sorted(set(_names(asked))),
    }


def _read_property(told: Json) -> ShownProperty:
    return ShownProperty(**{**told, "names": frozenset(told["names"])})


def _names(asked: Property) -> Iterator[str]:
    conditions = [asked.whenever]
    match asked.claim:
        case Then() as then:
            yield from (*then.fires, *then.silent, *then.hidden_from_patient)
        case Never(_, unless, rules):
            conditions.append(unless)
            yield from rules
        case RoutineOnlyIfAnswered(items):
            yield from (finding for item in items for finding in item.inputs)
        case Answering(answers):
            yield from (answer[0] for answer in answers)
        case LeavingOpen(findings):
            yield from (finding for finding, _ in findings)
        case _:
            pass
    for condition in conditions:
        if condition is not None:
            yield from names_in(condition)
