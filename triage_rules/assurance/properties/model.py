"""The types of properties, their claims and verdicts. See docs/reference/properties.md."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from triage_rules.foundation.place import Place
from triage_rules.language.model import Condition, Level, Mandatory, Source

SECONDS = 60.0
"""Default time limit for the proof of all properties."""


class ResultMeasure(enum.StrEnum):
    """Measure by which one of two results must not be lower than the other."""

    LEVEL = "level"
    COULD_BE = "could_be"
    DISPOSITION = "disposition"


class RelativeAnswer(enum.StrEnum):
    """Answer relative to the one it replaces. `any`: an answer in place of none; the others are for numbers."""

    ANY = "any"
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Then:
    """Claim that the result has all of these. Phrases are searched without letter case and line ends.

    `hidden_from_patient`: rules whose reason, title and note the patient never reads.
    """

    level_at_least: Level | None = None
    disposition_at_least: str | None = None
    could_be_at_least: Level | None = None
    flags: tuple[str, ...] = ()
    fires: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    patient_says: tuple[str, ...] = ()
    patient_never_says: tuple[str, ...] = ()
    clinician_says: tuple[str, ...] = ()
    clinician_never_says: tuple[str, ...] = ()
    hidden_from_patient: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Never:
    """Claim that the result never has this level or disposition, unless the condition is true or a rule fires."""

    outcome: Level | str
    unless: Condition | None = None
    unless_fires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutineOnlyIfAnswered:
    """Claim that a result is routine only if each item is answered, or the item's condition is false."""

    items: tuple[Mandatory, ...]


@dataclass(frozen=True, slots=True)
class Answering:
    """Claim that giving an input this answer never lowers the measure.

    `answers`: the input, its answer or RelativeAnswer, and the answer it replaces (None: another or none).
    """

    answers: tuple[tuple[str, bool | str | RelativeAnswer, bool | str | None], ...]
    never_lowers: ResultMeasure


@dataclass(frozen=True, slots=True)
class LeavingOpen:
    """Claim that leaving an input open never gives a lower measure than answering it.

    `inputs`: each input with the answer to compare with; None: any answer.
    """

    inputs: tuple[tuple[str, bool | str | None], ...]
    never_lowers: ResultMeasure


@dataclass(frozen=True, slots=True)
class Against:
    """Claim that no report has a lower measure than in the ruleset's previous version."""

    never_lowers: ResultMeasure


Claim = Then | Never | RoutineOnlyIfAnswered | Answering | LeavingOpen | Against


@dataclass(frozen=True, slots=True)
class Property:
    """Claim about every report for which `whenever` is true; for two reports, true for both."""

    id: str
    says: str
    claim: Claim
    source: Source
    owner: str
    review_by: str
    whenever: Condition | None = None
    place: Place | None = field(default=None, compare=False)


class ProofVerdict(enum.StrEnum):
    """Verdict on a property."""

    PROVED = "proved"
    REFUTED = "refuted"
    GAVE_UP = "gave up"
    VACUOUS = "says nothing"
    NOT_ASKED = "not asked"


HOLDS = frozenset({ProofVerdict.PROVED, ProofVerdict.NOT_ASKED})
"""Verdicts that don't prevent a deployment."""
