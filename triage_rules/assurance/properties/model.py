"""What a property is, and what can be known of it: frozen types, nothing else. See docs/reference/properties.md."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from triage_rules.foundation.place import Place
from triage_rules.language.model import Condition, Level, Mandatory, Source

SECONDS = 60.0
"""What the proof of all properties may take, unless told otherwise."""


class ResultMeasure(enum.StrEnum):
    """What one of two results must not have lower than the other."""

    LEVEL = "level"
    COULD_BE = "could_be"
    DISPOSITION = "disposition"


class RelativeAnswer(enum.StrEnum):
    """An answer that is told by what it replaces. `any`: an answer in place of none; the others are of numbers."""

    ANY = "any"
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Then:
    """The result has all of this. Phrases are in a text whatever their letter case and line ends.

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
    """The result is never this level or disposition, unless the condition is true or one of the rules fires."""

    outcome: Level | str
    unless: Condition | None = None
    unless_fires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutineOnlyIfAnswered:
    """Routine only if each of these is answered; of one with a condition, unless the condition is false."""

    items: tuple[Mandatory, ...]


@dataclass(frozen=True, slots=True)
class Answering:
    """Giving one of the findings this answer never lowers the measure.

    `answers`: for each finding the answer, or a Change; and what it is given instead of (None: another or none).
    """

    answers: tuple[tuple[str, bool | str | RelativeAnswer, bool | str | None], ...]
    never_lowers: ResultMeasure


@dataclass(frozen=True, slots=True)
class LeavingOpen:
    """Leaving one of the findings open never gives a lower measure than answering it.

    `compared_with`: for each finding the answer that is meant; None: any.
    """

    inputs: tuple[tuple[str, bool | str | None], ...]
    never_lowers: ResultMeasure


@dataclass(frozen=True, slots=True)
class Against:
    """No report has a lower measure than by the ruleset's previous version."""

    never_lowers: ResultMeasure


Claim = Then | Never | RoutineOnlyIfAnswered | Answering | LeavingOpen | Against


@dataclass(frozen=True, slots=True)
class Property:
    """A claim about every report for which `whenever` is true; of two reports, for both."""

    id: str
    says: str
    claim: Claim
    source: Source
    owner: str
    review_by: str
    whenever: Condition | None = None
    place: Place | None = field(default=None, compare=False)


class ProofVerdict(enum.StrEnum):
    """What is known of a property."""

    PROVED = "proved"
    REFUTED = "refuted"
    GAVE_UP = "gave up"
    VACUOUS = "says nothing"
    NOT_ASKED = "not asked"


HOLDS = frozenset({ProofVerdict.PROVED, ProofVerdict.NOT_ASKED})
"""Verdicts that keep nothing from going live."""
