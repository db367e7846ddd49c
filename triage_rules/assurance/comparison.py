"""Two rulesets on the same patients: where their levels agree and differ, each kind of difference with an example.

Patients may come from anywhere: from worked cases, or from a solver that looks for those on whom two rulesets differ.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from triage_rules.evaluation.answers import asked, read_answers
from triage_rules.evaluation.decision import decide
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.evaluation.reference import Reference
from triage_rules.foundation.errors import ReportError
from triage_rules.language.model import Level
from triage_rules.records.reports import History

MOST_ANSWERS = 15
"""An example with more is cut to the answers that decide. Most of the others only keep questions from being open."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Answers as a report gives them, by input, and what was known from before. `note`: who this is, in words."""

    id: str
    note: str
    answers: Mapping[str, Any]
    history: History


@dataclass(frozen=True, slots=True)
class PatientOpinion:
    """What one ruleset makes of a patient. `rules`: those that fired, without floors; with none, the default spoke.

    The level lies between `lowest` and `could_be` once the open questions are answered.
    """

    level: Level
    disposition: str
    lowest: Level
    could_be: Level
    rules: frozenset[str]

    @property
    def speaks(self) -> bool:
        """One of its rules fired; else it has only its default to say."""
        return bool(self.rules)


@dataclass(frozen=True, slots=True)
class LevelPair:
    """One way to differ. `speaks`: a rule of the other one fired.

    `may_agree`: answers to open questions could still bring both to one level; without it, none can.
    """

    first: Level
    other: Level
    speaks: bool
    may_agree: bool

    @property
    def lower(self) -> bool:
        """The other ruleset's level is below the first one's."""
        return self.other < self.first


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """The patients that differ in one way, by id, and the smallest example: answers that don't matter are left out.

    `first`, `other`: what the rulesets make of the example. `rest_answered`: the answers that were left out change
    neither disposition and no rule, and yet it takes them to keep the two from still coming to one level.
    """

    kind: LevelPair
    patients: tuple[str, ...]
    example: Patient
    rest_answered: bool
    first: PatientOpinion
    other: PatientOpinion


@dataclass(frozen=True, slots=True)
class LevelTally:
    """Patients whose level by the other ruleset is the same as, lower or higher than by the first."""

    same: int
    lower: int
    higher: int

    @property
    def all(self) -> int:
        return self.same + self.lower + self.higher


@dataclass(frozen=True, slots=True)
class Comparison:
    """A ruleset against the first, on patients that both take.

    `speaking`, `silent`: apart for patients on whom one of its rules fired, and on whom only its default spoke.
    `cells`: number of patients by the first one's level, the other one's disposition, and whether a rule of it fired.
    `refused`: ids of the patients whose answers one of the two refuses. `differences`: downwards first, then by number.
    """

    speaking: LevelTally
    silent: LevelTally
    cells: Mapping[tuple[Level, str, bool], int]
    refused: tuple[str, ...]
    differences: tuple[LevelDifference, ...]


def opinion(evaluator: Evaluator, patient: Patient) -> PatientOpinion | None:
    """What a ruleset makes of those answers that it has questions for, by the plain evaluator; None: it refuses them.

    Refused is an answer out of range or of another type than the ruleset's own.
    """
    ruleset = evaluator.ruleset
    known = {read.name for read in asked(ruleset)}
    try:
        findings = read_answers(ruleset, {name: value for name, value in patient.answers.items() if name in known})
    except ReportError:
        return None
    rails = Reference(ruleset, evaluator.facts(findings, patient.history)).rails()
    decision = decide(ruleset, rails)
    fired = frozenset(rule for rule in ruleset.rules if rule in rails.established)
    return PatientOpinion(decision.level, decision.disposition, decision.lowest, decision.could_be, fired)


def compare(first: Evaluator, others: Sequence[Evaluator], patients: Sequence[Patient]) -> list[Comparison]:
    """Each of the others against the first. A plain evaluation by each, and some more for each kind of difference."""
    by_first = _Opinions(first)
    return [_compared(by_first, _Opinions(other), patients) for other in others]


def _compared(first: _Opinions, other: _Opinions, patients: Sequence[Patient]) -> Comparison:
    pairs: dict[str, _Pair] = {}
    found: dict[LevelPair, list[Patient]] = {}
    for patient in patients:
        one, two = first.of(patient), other.of(patient)
        if one is None or two is None:
            continue
        pairs[patient.id] = (one, two)
        if one.level != two.level:
            found.setdefault(_kind(one, two), []).append(patient)
    differences = [_difference(kind, alike, first, other) for kind, alike in found.items()]
    return Comparison(
        speaking=_tally(pair for pair in pairs.values() if pair[1].speaks),
        silent=_tally(pair for pair in pairs.values() if not pair[1].speaks),
        cells=Counter((one.level, two.disposition, two.speaks) for one, two in pairs.values()),
        refused=tuple(patient.id for patient in patients if patient.id not in pairs),
        differences=tuple(sorted(differences, key=_order)),
    )


def distinct(patients: Iterable[Patient]) -> list[Patient]:
    """The patients without those whose answers and history an earlier one has already."""
    kept: dict[tuple[str, History], Patient] = {}
    for patient in patients:
        kept.setdefault(_told(patient), patient)
    return list(kept.values())


def _told(patient: Patient) -> tuple[str, History]:
    """All that an opinion rests on."""
    return json.dumps(dict(patient.answers), sort_keys=True), patient.history


_Pair = tuple[PatientOpinion, PatientOpinion]


class _Opinions:
    """One ruleset's opinions, remembered: the search for small examples asks for the same patients again."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._known: dict[tuple[str, History], PatientOpinion | None] = {}

    def of(self, patient: Patient) -> PatientOpinion | None:
        told = _told(patient)
        if told not in self._known:
            self._known[told] = opinion(self._evaluator, patient)
        return self._known[told]


def _kind(one: PatientOpinion, two: PatientOpinion) -> LevelPair:
    may_agree = max(one.lowest, two.lowest) <= min(one.could_be, two.could_be)
    return LevelPair(one.level, two.level, two.speaks, may_agree)


def _tally(pairs: Iterable[_Pair]) -> LevelTally:
    signs = Counter((two.level > one.level) - (two.level < one.level) for one, two in pairs)
    return LevelTally(same=signs[0], lower=signs[-1], higher=signs[1])


def _order(difference: LevelDifference) -> tuple[bool, int, Level]:
    kind = difference.kind
    return (not kind.lower, -len(difference.patients), kind.first)


def _difference(kind: LevelPair, patients: Sequence[Patient], first: _Opinions, other: _Opinions) -> LevelDifference:
    whole = min(patients, key=lambda patient: len(patient.answers))
    example = _smallest(whole, first, other, kind)
    if len(example.answers) > MOST_ANSWERS:
        example = _smallest(example, first, other)
    one, two = first.of(example), other.of(example)
    assert one is not None and two is not None  # noqa: PT018 - they were compared before they came here
    return LevelDifference(kind, tuple(patient.id for patient in patients), example, _kind(one, two) != kind, one, two)


def _smallest(patient: Patient, first: _Opinions, other: _Opinions, kind: LevelPair | None = None) -> Patient:
    """The patient without answers that matter to neither. `kind`: in which way the two must go on differing."""
    for name in list(patient.answers):
        fewer = replace(patient, answers={key: value for key, value in patient.answers.items() if key != name})
        if _decided_alike(fewer, patient, first, other, kind):
            patient = fewer
    return patient


def _decided_alike(
    fewer: Patient, patient: Patient, first: _Opinions, other: _Opinions, kind: LevelPair | None
) -> bool:
    """Both have the same disposition and rules without the answer that was taken away, and differ in that way."""
    pairs = []
    for opinions in (other, first):  # the first one is likely to be the larger, and often need not be asked
        before, after = opinions.of(patient), opinions.of(fewer)
        if before is None or after is None or (before.disposition, before.rules) != (after.disposition, after.rules):
            return False
        pairs.append(after)
    two, one = pairs
    return kind is None or _kind(one, two) == kind
