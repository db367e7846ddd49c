"""A property as formulas: which report, or pair of reports, would break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from triage_rules.assurance.properties.check_result import hidden_texts
from triage_rules.assurance.properties.model import (
    Against,
    Answering,
    LeavingOpen,
    Never,
    Property,
    RelativeAnswer,
    ResultMeasure,
    RoutineOnlyIfAnswered,
    Then,
)
from triage_rules.assurance.solver.answers import AnswerVariables
from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula, Logic
from triage_rules.language.model import Input, InputKind, Level, Ruleset

LEVELS = (Level.MONITOR, Level.URGENT)
"""Those that a level can be below."""


@dataclass(frozen=True, slots=True)
class ProofQuery:
    """Formulas that all hold of a report (or pair) that breaks the property: if there is none, it is proved.

    `applies`: hold of every report that the property speaks of. `breaks`: what is wrong with one.
    `encodings`: of the first report, and of the second or of the previous version if there is one.
    """

    encodings: tuple[Encoding, ...]
    applies: tuple[Formula, ...]
    breaks: tuple[Formula, ...]


def build_query(asked: Property, encoding: Encoding, previous: Ruleset | None) -> ProofQuery:
    """What to ask the solver. Raises ValueError for a claim about a previous version if there is none."""
    logic = encoding.logic
    match asked.claim:
        case Then() as then:
            broken = logic.any_of(logic.opposite(part) for part in _wanted(then, encoding))
            return ProofQuery((encoding,), _whenever(asked, encoding), (broken,))
        case Never() as never:
            return ProofQuery((encoding,), _whenever(asked, encoding), tuple(_never(never, encoding)))
        case RoutineOnlyIfAnswered(items):
            silent = logic.any_of(
                logic.all_of([*unless, *map(encoding.is_open, item.inputs)])
                for item in items
                for unless in [[] if item.when is None else [logic.opposite(encoding.false(item.when))]]
            )
            return ProofQuery((encoding,), _whenever(asked, encoding), (encoding.level_is(Level.ROUTINE), silent))
        case Answering() | LeavingOpen():
            return _of_two_reports(asked, asked.claim, encoding)
        case Against(measure):
            if previous is None:
                raise ValueError("there is no previous version to compare with")
            before = Encoding(previous, sharing=encoding)
            return ProofQuery((encoding, before), _whenever(asked, encoding), (lower(measure, encoding, before),))


def lower(measure: ResultMeasure, one: Encoding, other: Encoding) -> Formula:
    """By this measure the one result is below the other. A lower level is a less urgent disposition, too."""
    logic = one.logic
    match measure:
        case ResultMeasure.LEVEL:
            steps = [(one.level_at_least(level), other.level_at_least(level)) for level in LEVELS]
        case ResultMeasure.COULD_BE:
            steps = [(one.could_be_at_least(level), other.could_be_at_least(level)) for level in LEVELS]
        case ResultMeasure.DISPOSITION:
            return logic.any_of([lower(ResultMeasure.LEVEL, one, other), *_less_urgent(one, other)])
    return logic.any_of(logic.all_of([logic.opposite(less), more]) for less, more in steps)


def _less_urgent(one: Encoding, other: Encoding) -> Iterator[Formula]:
    """Ways to be less urgent than by level: a lower disposition of those that both have, or more time for the same one.

    Two rulesets may have different dispositions, or these at different levels: then there is no common order.
    """
    logic, now, before = one.logic, one.ruleset.dispositions, other.ruleset.dispositions
    if [(d.code, d.level) for d in now.values()] == [(d.code, d.level) for d in before.values()]:
        for code in now:
            yield logic.all_of([logic.opposite(one.at_least_as_urgent(code)), other.at_least_as_urgent(code)])
    for code in [code for code in now if code in before]:
        if now[code].level == before[code].level and now[code].allows_more_time_than(before[code]):
            yield logic.all_of([one.disposition_is(code), other.disposition_is(code)])


def _whenever(asked: Property, encoding: Encoding) -> tuple[Formula, ...]:
    return () if asked.whenever is None else (encoding.true(asked.whenever),)


# --- one result ---


def _wanted(then: Then, encoding: Encoding) -> Iterator[Formula]:
    logic = encoding.logic
    if then.level_at_least is not None:
        yield encoding.level_at_least(then.level_at_least)
    if then.disposition_at_least is not None:
        yield encoding.at_least_as_urgent(then.disposition_at_least)
    if then.could_be_at_least is not None:
        yield encoding.could_be_at_least(then.could_be_at_least)
    yield from map(encoding.flag, then.flags)
    yield from map(encoding.fired, then.fires)
    yield from (logic.opposite(encoding.fired(rule)) for rule in then.silent)
    yield from map(encoding.patient_reads, then.patient_says)
    yield from map(encoding.clinician_reads, then.clinician_says)
    hidden = (text for rule in then.hidden_from_patient for text in hidden_texts(encoding.ruleset, rule))
    yield from (logic.opposite(encoding.patient_reads(words)) for words in (*then.patient_never_says, *hidden))
    yield from (logic.opposite(encoding.clinician_reads(words)) for words in then.clinician_never_says)


def _never(never: Never, encoding: Encoding) -> Iterator[Formula]:
    logic = encoding.logic
    outcome = never.outcome
    yield encoding.level_is(outcome) if isinstance(outcome, Level) else encoding.disposition_is(outcome)
    if never.unless is not None:
        yield logic.opposite(encoding.true(never.unless))
    yield from (logic.opposite(encoding.fired(rule)) for rule in never.unless_fires)


# --- two reports ---


def _of_two_reports(asked: Property, claim: Answering | LeavingOpen, encoding: Encoding) -> ProofQuery:
    """The first report has the other answer, or the answer; the second has the one asked about, or none."""
    inputs = encoding.ruleset.inputs
    if isinstance(claim, Answering):
        pairs = [_answered(inputs[name], answer, before) for name, answer, before in claim.answers]
    else:
        pairs = [_left_open(inputs[name], answer) for name, answer in claim.inputs]
    second = Encoding(encoding.ruleset, sharing=encoding, but=[read.name for read, _ in pairs])
    logic = encoding.logic
    both = [*_whenever(asked, encoding), *_whenever(asked, second)]
    for one in (encoding, second):
        _make_all(one)
    differ = [_Differing(encoding, second, read) for read, _ in pairs]
    changes = [logic.any_of([one.same(), change(one)]) for one, (_, change) in zip(differ, pairs, strict=True)]
    changed = [logic.opposite(one.same()) for one in differ]
    alone = [logic.any_of(changed), logic.opposite(logic.at_least(2, changed))]
    broken = lower(claim.never_lowers, second, encoding)
    return ProofQuery((encoding, second), (*both, *changes, *alone), (broken,))


def _make_all(encoding: Encoding) -> None:
    """Every limit of a number and every mention that the ruleset looks for: two reports are the same only in all."""
    for key in encoding.statements:
        encoding.established(key)
    for item in encoding.ruleset.mandatory:
        if item.when is not None:
            encoding.true(item.when)


@dataclass(frozen=True, slots=True)
class _Differing:
    """One input in two reports."""

    first: Encoding
    second: Encoding
    read: Input

    @property
    def logic(self) -> Logic:
        return self.first.logic

    def same(self) -> Formula:
        """Both reports say the same of it, as far as anybody looks."""
        return self.logic.named(
            self.logic.all_of(self.logic.same(one, other) for one, other in self._parts()), f"{self.read.name} same"
        )

    def answered(self, encoding: Encoding, answer: bool | str) -> Formula:
        return encoding.answer(self.read.name, answer)

    def is_open(self, encoding: Encoding) -> Formula:
        return encoding.is_open(self.read.name)

    def not_less(self) -> Formula:
        """Both reports answer the number, and the second has no smaller one than the first."""
        first, second = self._numbers()
        cuts = [
            self.logic.any_of([self.logic.opposite(one), other])
            for one, other in zip(first[1:], second[1:], strict=True)
        ]
        return self.logic.all_of([first[0], second[0], *cuts])

    def not_more(self) -> Formula:
        """Both reports answer the number, and the second has no greater one than the first."""
        first, second = self._numbers()
        cuts = [
            self.logic.any_of([one, self.logic.opposite(other)])
            for one, other in zip(first[1:], second[1:], strict=True)
        ]
        return self.logic.all_of([first[0], second[0], *cuts])

    def _numbers(self) -> tuple[list[Formula], list[Formula]]:
        """Answered, and every cut that either report knows."""
        one, other = (encoding.answers.number(self.read) for encoding in (self.first, self.second))
        points = sorted({*one.points, *other.points})
        return (
            [one.answered, *(one.cut(self.logic, point) for point in points)],
            [other.answered, *(other.cut(self.logic, point) for point in points)],
        )

    def _parts(self) -> Iterator[tuple[Formula, Formula]]:
        first, second = self.first.answers, self.second.answers
        match self.read.kind:
            case InputKind.YES_NO | InputKind.CHOICE:
                for value in {**first.one_hot(self.read).values, **second.one_hot(self.read).values}:
                    yield _value(first, self.read, value), _value(second, self.read, value)
            case InputKind.TEXT:
                yield first.answered(self.read), second.answered(self.read)
                for mention in self.first.ruleset.mentions.values():
                    if mention.text == self.read.name:
                        yield first.mentioned(mention), second.mentioned(mention)
            case _:
                yield from zip(*self._numbers(), strict=True)


def _value(answers: AnswerVariables, read: Input, value: bool | str) -> Formula:
    return answers.one_hot(read).value(answers.logic, value)


_Change = Callable[[_Differing], Formula]


def _answered(read: Input, answer: bool | str | RelativeAnswer, before: bool | str | None) -> tuple[Input, _Change]:
    """The second report has the answer, the first what it is given instead of."""

    def change(of: _Differing) -> Formula:
        match answer:
            case RelativeAnswer.ANY:
                return of.logic.all_of([of.is_open(of.first), of.logic.opposite(of.is_open(of.second))])
            case RelativeAnswer.HIGHER:
                return of.not_less()
            case RelativeAnswer.LOWER:
                return of.not_more()
            case _:
                replaced = of.logic.true if before is None else of.answered(of.first, before)
                return of.logic.all_of([of.answered(of.second, answer), replaced])

    return read, change


def _left_open(read: Input, answer: bool | str | None) -> tuple[Input, _Change]:
    """The first report has the answer, the second none."""

    def change(of: _Differing) -> Formula:
        said = of.logic.opposite(of.is_open(of.first)) if answer is None else of.answered(of.first, answer)
        return of.logic.all_of([of.is_open(of.second), said])

    return read, change
