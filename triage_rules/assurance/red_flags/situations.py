"""Situations in which a red flag is looked at: age bands, and answers of inputs that the table is split by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage_rules.assurance.red_flags.flags import intervals, number_between
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.report_of_model import plain_number
from triage_rules.language.model import Answers, Input, InputKind, Ruleset, Value

AGE_BANDS = (
    ("under 3 months", 0, 0.25),
    ("3 months to 4", 0.25, 5),
    ("5 to 15", 5, 16),
    ("16 to 24", 16, 25),
    ("25 to 64", 25, 65),
    ("65 and over", 65, math.inf),
)
"""Bands of age in years: name, first age, first age of the next band."""

YEARS, MONTHS = "a", "mo"
"""Units of an age (UCUM). A number in years is the age; one in months the same age, for the youngest."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Age band and answers of a situation. `points`: its answers, once for each age that conditions tell apart."""

    band: str
    split: tuple[Value, ...]
    low: float
    end: float
    points: tuple[Answers, ...]


class Situations:
    """All situations of a ruleset. `split`: the inputs to split by, each with the answers to look at."""

    def __init__(self, encoding: Encoding, split: Mapping[str, Sequence[Value]]) -> None:
        self._encoding = encoding
        self._split = dict(split)
        self.age = _number_in(encoding.ruleset, YEARS)
        self._months = _number_in(encoding.ruleset, MONTHS)
        answers = list(itertools.product(*self._split.values()))
        self.all = [self._make(*band, chosen) for band in self._bands() for chosen in answers]

    @property
    def inputs(self) -> set[str]:
        """Return the inputs that say which situation it is."""
        ages = {read.name for read in (self.age, self._months) if read is not None}
        return ages | set(self._split)

    def holds(self, situation: Situation) -> Formula:
        """Return the formula: a report is of this situation; the age in months is free."""
        encoding = self._encoding
        pairs = zip(self._split, situation.split, strict=True)
        parts = [encoding.answer(name, value) for name, value in pairs]
        if self.age is not None:
            parts.append(number_between(encoding, self.age, situation.low, situation.end))
        return encoding.logic.all_of(parts)

    def _bands(self) -> list[tuple[str, float, float]]:
        if self.age is None:
            return [("anyone", 0, math.inf)]
        for _, low, _ in AGE_BANDS[1:]:
            self._encoding.answers.number(self.age).cut(self._encoding.logic, low)
        if self._months is not None:
            for point in list(self._encoding.answers.number(self._months).points):
                self._encoding.answers.number(self.age).cut(self._encoding.logic, point / 12)
        return list(AGE_BANDS)

    def _make(self, band: str, low: float, end: float, chosen: tuple[Value, ...]) -> Situation:
        answers: Answers = dict(zip(self._split, chosen, strict=True))
        points = [answers]
        if self.age is not None:
            inside = [part for part in intervals(self._encoding, self.age) if low <= part[0] < end]
            points = [answers | self._age_answers(plain_number(*part)) for part in inside]
        return Situation(band, chosen, low, end, tuple(points))

    def _age_answers(self, years: float) -> Answers:
        assert self.age is not None  # the caller checked
        months: Answers = {} if self._months is None else {self._months.name: math.floor(years * 12 + 1e-9)}
        return {self.age.name: years} | months


def _number_in(ruleset: Ruleset, unit: str) -> Input | None:
    """Return the first number of a person in this unit: the age."""
    numbers = [read for read in ruleset.inputs.values() if read.kind in {InputKind.NUMBER, InputKind.INTEGER}]
    return next((read for read in numbers if read.unit == unit), None)
