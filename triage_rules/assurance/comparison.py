"""Comparison of two rulesets on the same patients: their levels, and each kind of difference with an example.

Patients may come from worked cases, or from a solver that looks for those on whom two rulesets differ.
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
"""Answers above which an example is cut to those that decide. Most others only keep questions from being open."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Answers of a report, by input, and the history. `note`: a description of the patient."""

    id: str
    note: str
    answers: Mapping[str, Any]
    history: History


@dataclass(frozen=True, slots=True)
class PatientOpinion:
    """A ruleset's decision on a patient. `rules`: those that fired, without floors; with none, the default decided.

    The level lies between `lowest` and `could_be` once the open questions are answered.
    """

    level: Level
    disposition: str
    lowest: Level
    could_be: Level
    rules: frozenset[str]

    @property
    def speaks(self) -> bool:
        """Return whether a rule fired; else only the default decided."""
        return bool(self.rules)


@dataclass(frozen=True, slots=True)
class LevelPair:
    """Kind of difference. `speaks`: a rule of the other ruleset fired.

    `may_agree`: answers to open questions could still bring both to the same level; without it, none can.
    """

    first: Level
    other: Level
    speaks: bool
    may_agree: bool

    @property
    def lower(self) -> bool:
        """Return whether the other ruleset's level is below the first one's."""
        return self.other < self.first


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """Patients with the same kind of difference, by id, and the smallest example, without answers that don't matter.

    `first`, `other`: the rulesets' opinions of the example. `rest_answered`: the answers left out change no disposition
    and no rule, but without them the two levels could still come to agree.
    """

    kind: LevelPair
    patients: tuple[str, ...]
    example: Patient
    rest_answered: bool
    first: PatientOpinion
    other: PatientOpinion


@dataclass(frozen=True, slots=True)
class LevelTally:
    """Numbers of patients with the same level, a lower or a higher one by the other ruleset."""

    same: int
    lower: int
    higher: int

    @property
    def all(self) -> int:
        return self.same + self.lower + self.higher


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of a ruleset with the first, on patients that both accept.

    `speaking`, `silent`: tallies where one of its rules fired, and where only its default decided.
    `cells`: number of patients by the first one's level, the other one's disposition, and whether a rule of it fired.
    `refused`: ids of patients whose answers a ruleset rejects. `differences`: downwards first, then by number.
    """

    speaking: LevelTally
    silent: LevelTally
    cells: Mapping[tuple[Level, str, bool], int]
    refused: tuple[str, ...]
    differences: tuple[LevelDifference, ...]


def opinion(evaluator: Evaluator, patient: Patient) -> PatientOpinion | None:
    """Evaluate a patient's answers, as far as the ruleset has questions for them, by the plain evaluator.

    Returns None if the ruleset rejects an answer, which is out of range or of another type than its own.
    """
    ruleset = evaluator.ruleset
    known = {read.name for read in asked(ruleset)}
    try:
        answers = read_answers(ruleset, {name: value for name, value in patient.answers.items() if name in known})
    except ReportError:
        return None
    rails = Reference(ruleset, evaluator.facts(answers, patient.history)).rails()
    decision = decide(ruleset, rails)
    fired = frozenset(rule for rule in ruleset.rules if rule in rails.established)
    return PatientOpinion(decision.level, decision.disposition, decision.lowest, decision.could_be, fired)


def compare(first: Evaluator, others: Sequence[Evaluator], patients: Sequence[Patient]) -> list[Comparison]:
    """Compare each of the others with the first: a plain evaluation by each, and more for each kind of difference."""
    by_first = _Opinions(first)
    return [_compare_pair(by_first, _Opinions(other), patients) for other in others]


def _compare_pair(first: _Opinions, other: _Opinions, patients: Sequence[Patient]) -> Comparison:
    pairs: dict[str, _Pair] = {}
    by_kind: dict[LevelPair, list[Patient]] = {}
    for patient in patients:
        first_opinion, other_opinion = first.of(patient), other.of(patient)
        if first_opinion is None or other_opinion is None:
            continue
        pairs[patient.id] = (first_opinion, other_opinion)
        if first_opinion.level != other_opinion.level:
            by_kind.setdefault(_classify(first_opinion, other_opinion), []).append(patient)
    differences = [_make_difference(kind, alike, first, other) for kind, alike in by_kind.items()]
    return Comparison(
        speaking=_count(pair for pair in pairs.values() if pair[1].speaks),
        silent=_count(pair for pair in pairs.values() if not pair[1].speaks),
        cells=Counter(
            (first_opinion.level, other_opinion.disposition, other_opinion.speaks)
            for first_opinion, other_opinion in pairs.values()
        ),
        refused=tuple(patient.id for patient in patients if patient.id not in pairs),
        differences=tuple(sorted(differences, key=_sort_key)),
    )


def distinct(patients: Iterable[Patient]) -> list[Patient]:
    """Return the patients without those whose answers and history an earlier one has."""
    kept: dict[tuple[str, History], Patient] = {}
    for patient in patients:
        kept.setdefault(_make_key(patient), patient)
    return list(kept.values())


def _make_key(patient: Patient) -> tuple[str, History]:
    """Return all that an opinion depends on."""
    return json.dumps(dict(patient.answers), sort_keys=True), patient.history


_Pair = tuple[PatientOpinion, PatientOpinion]


class _Opinions:
    """One ruleset's opinions, remembered: the search for small examples asks about the same patients repeatedly."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._opinions: dict[tuple[str, History], PatientOpinion | None] = {}

    def of(self, patient: Patient) -> PatientOpinion | None:
        key = _make_key(patient)
        if key not in self._opinions:
            self._opinions[key] = opinion(self._evaluator, patient)
        return self._opinions[key]


def _classify(first: PatientOpinion, other: PatientOpinion) -> LevelPair:
    may_agree = max(first.lowest, other.lowest) <= min(first.could_be, other.could_be)
    return LevelPair(first.level, other.level, other.speaks, may_agree)


def _count(pairs: Iterable[_Pair]) -> LevelTally:
    signs = Counter((other.level > first.level) - (other.level < first.level) for first, other in pairs)
    return LevelTally(same=signs[0], lower=signs[-1], higher=signs[1])


def _sort_key(difference: LevelDifference) -> tuple[bool, int, Level]:
    kind = difference.kind
    return (not kind.lower, -len(difference.patients), kind.first)


def _make_difference(
    kind: LevelPair, patients: Sequence[Patient], first: _Opinions, other: _Opinions
) -> LevelDifference:
    whole = min(patients, key=lambda patient: len(patient.answers))
    example = _smallest(whole, first, other, kind)
    if len(example.answers) > MOST_ANSWERS:
        example = _smallest(example, first, other)
    first_opinion, other_opinion = first.of(example), other.of(example)
    assert first_opinion is not None and other_opinion is not None  # noqa: PT018 - both accepted the whole patient
    return LevelDifference(
        kind,
        tuple(patient.id for patient in patients),
        example,
        _classify(first_opinion, other_opinion) != kind,
        first_opinion,
        other_opinion,
    )


def _smallest(patient: Patient, first: _Opinions, other: _Opinions, kind: LevelPair | None = None) -> Patient:
    """Remove the answers that neither ruleset needs. `kind`: kind of difference to keep."""
    for name in list(patient.answers):
        fewer = replace(patient, answers={key: value for key, value in patient.answers.items() if key != name})
        if _is_decided_alike(fewer, patient, first, other, kind):
            patient = fewer
    return patient


def _is_decided_alike(
    fewer: Patient, patient: Patient, first: _Opinions, other: _Opinions, kind: LevelPair | None
) -> bool:
    """Return whether both keep disposition and rules without the removed answer, and differ in this way."""
    pairs = []
    for opinions in (other, first):  # the first is likely to be larger, and its evaluation often unnecessary
        before, after = opinions.of(patient), opinions.of(fewer)
        if before is None or after is None or (before.disposition, before.rules) != (after.disposition, after.rules):
            return False
        pairs.append(after)
    other_opinion, first_opinion = pairs
    return kind is None or _classify(first_opinion, other_opinion) == kind
