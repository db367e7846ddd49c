"""A property as formulas that are true of each report, or pair of reports, that breaks it."""

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
"""Levels that another level can be below."""


@dataclass(frozen=True, slots=True)
class ProofQuery:
    """Formulas that a report (or pair) that breaks the property makes true; if there is none, it is proved.

    `applies`: true for each report that the property covers. `breaks`: true for each that breaks its claim.
    `encodings`: of the first report, and of the second or of the previous version if there is one.
    """

    encodings: tuple[Encoding, ...]
    applies: tuple[Formula, ...]
    breaks: tuple[Formula, ...]


def build_query(asked: Property, encoding: Encoding, previous: Ruleset | None) -> ProofQuery:
    """Build the query of a property. Raises ValueError for a claim about a previous version if there is none."""
    logic = encoding.logic
    match asked.claim:
        case Then() as then:
            broken = logic.any_of(logic.opposite(part) for part in _claims(then, encoding))
            return ProofQuery((encoding,), _whenever(asked, encoding), (broken,))
        case Never() as never:
            return ProofQuery((encoding,), _whenever(asked, encoding), tuple(_violations(never, encoding)))
        case RoutineOnlyIfAnswered(items):
            silent = logic.any_of(
                logic.all_of([*unless, *map(encoding.is_open, item.inputs)])
                for item in items
                for unless in [[] if item.when is None else [logic.opposite(encoding.false(item.when))]]
            )
            return ProofQuery((encoding,), _whenever(asked, encoding), (encoding.level_is(Level.ROUTINE), silent))
        case Answering() | LeavingOpen():
            return _compare_two_reports(asked, asked.claim, encoding)
        case Against(measure):
            if previous is None:
                raise ValueError("there is no previous version to compare with")
            before = Encoding(previous, sharing=encoding)
            return ProofQuery((encoding, before), _whenever(asked, encoding), (lower(measure, encoding, before),))


def lower(measure: ResultMeasure, encoding: Encoding, other: Encoding) -> Formula:
    """Return the formula that a result is below the other. A lower level is also a less urgent disposition."""
    logic = encoding.logic
    match measure:
        case ResultMeasure.LEVEL:
            steps = [(encoding.level_at_least(level), other.level_at_least(level)) for level in LEVELS]
        case ResultMeasure.COULD_BE:
            steps = [(encoding.could_be_at_least(level), other.could_be_at_least(level)) for level in LEVELS]
        case ResultMeasure.DISPOSITION:
            return logic.any_of([lower(ResultMeasure.LEVEL, encoding, other), *_less_urgent(encoding, other)])
    return logic.any_of(logic.all_of([logic.opposite(less), more]) for less, more in steps)


def _less_urgent(encoding: Encoding, other: Encoding) -> Iterator[Formula]:
    """Yield formulas for a less urgent disposition at the same level: a lower one, or more time for the same one.

    Two rulesets with different dispositions, or with other levels for them, have no common order.
    """
    logic, now, before = encoding.logic, encoding.ruleset.dispositions, other.ruleset.dispositions
    if [(d.code, d.level) for d in now.values()] == [(d.code, d.level) for d in before.values()]:
        for code in now:
            yield logic.all_of([logic.opposite(encoding.at_least_as_urgent(code)), other.at_least_as_urgent(code)])
    for code in [code for code in now if code in before]:
        if now[code].level == before[code].level and now[code].allows_more_time_than(before[code]):
            yield logic.all_of([encoding.disposition_is(code), other.disposition_is(code)])


def _whenever(asked: Property, encoding: Encoding) -> tuple[Formula, ...]:
    return () if asked.whenever is None else (encoding.true(asked.whenever),)


# --- one result ---


def _claims(then: Then, encoding: Encoding) -> Iterator[Formula]:
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


def _violations(never: Never, encoding: Encoding) -> Iterator[Formula]:
    logic = encoding.logic
    outcome = never.outcome
    yield encoding.level_is(outcome) if isinstance(outcome, Level) else encoding.disposition_is(outcome)
    if never.unless is not None:
        yield logic.opposite(encoding.true(never.unless))
    yield from (logic.opposite(encoding.fired(rule)) for rule in never.unless_fires)


# --- two reports ---


def _compare_two_reports(asked: Property, claim: Answering | LeavingOpen, encoding: Encoding) -> ProofQuery:
    """Build the query for two reports that differ in one input: the second has the answer, or leaves it open."""
    inputs = encoding.ruleset.inputs
    if isinstance(claim, Answering):
        pairs = [_answer_change(inputs[name], answer, before) for name, answer, before in claim.answers]
    else:
        pairs = [_omission(inputs[name], answer) for name, answer in claim.inputs]
    second = Encoding(encoding.ruleset, sharing=encoding, but=[read.name for read, _ in pairs])
    logic = encoding.logic
    both = [*_whenever(asked, encoding), *_whenever(asked, second)]
    for report in (encoding, second):
        _encode_all(report)
    answers = [_AnswerPair(encoding, second, read) for read, _ in pairs]
    changes = [logic.any_of([pair.same(), change(pair)]) for pair, (_, change) in zip(answers, pairs, strict=True)]
    changed = [logic.opposite(pair.same()) for pair in answers]
    exactly_one = [logic.any_of(changed), logic.opposite(logic.at_least(2, changed))]
    broken = lower(claim.never_lowers, second, encoding)
    return ProofQuery((encoding, second), (*both, *changes, *exactly_one), (broken,))


def _encode_all(encoding: Encoding) -> None:
    """Encode every limit and mention that the ruleset reads: two reports are the same only if they agree in all."""
    for key in encoding.statements:
        encoding.established(key)
    for item in encoding.ruleset.mandatory:
        if item.when is not None:
            encoding.true(item.when)
    for name in encoding.ruleset.inputs:
        encoding.implied(name)


@dataclass(frozen=True, slots=True)
class _AnswerPair:
    """Input with its answers in two reports."""

    first: Encoding
    second: Encoding
    read: Input

    @property
    def logic(self) -> Logic:
        return self.first.logic

    def same(self) -> Formula:
        """Return the formula that both answers are the same, as far as the ruleset reads them."""
        return self.logic.named(
            self.logic.all_of(self.logic.same(*pair) for pair in self._parts()), f"{self.read.name} same"
        )

    def answered(self, encoding: Encoding, answer: bool | str) -> Formula:
        return encoding.answer(self.read.name, answer)

    def is_open(self, encoding: Encoding) -> Formula:
        """Return the formula: the input has no answer, not even one that relevance implies."""
        return encoding.is_open(self.read.name)

    def given(self, encoding: Encoding) -> Formula:
        """Return the formula: the report itself answers the input."""
        return encoding.given(self.read.name)

    def not_less(self) -> Formula:
        """Return the formula that both reports answer the number, and the second answer is not smaller."""
        first, second = self._numbers()
        cuts = [
            self.logic.any_of([self.logic.opposite(before), after])
            for before, after in zip(first[1:], second[1:], strict=True)
        ]
        return self.logic.all_of([first[0], second[0], *cuts])

    def not_more(self) -> Formula:
        """Return the formula that both reports answer the number, and the second answer is not greater."""
        first, second = self._numbers()
        cuts = [
            self.logic.any_of([before, self.logic.opposite(after)])
            for before, after in zip(first[1:], second[1:], strict=True)
        ]
        return self.logic.all_of([first[0], second[0], *cuts])

    def _numbers(self) -> tuple[list[Formula], list[Formula]]:
        """Return for each report the formulas that the number is answered, and on which side of each limit it is."""
        first, second = (encoding.answers.number(self.read) for encoding in (self.first, self.second))
        points = sorted({*first.points, *second.points})
        return (
            [first.answered, *(first.cut(self.logic, point) for point in points)],
            [second.answered, *(second.cut(self.logic, point) for point in points)],
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


_MakeChange = Callable[[_AnswerPair], Formula]


def _answer_change(
    read: Input, answer: bool | str | RelativeAnswer, before: bool | str | None
) -> tuple[Input, _MakeChange]:
    """Return the input, and the change that gives the second report this answer in place of `before`."""

    def change(pair: _AnswerPair) -> Formula:
        match answer:
            case RelativeAnswer.ANY:
                return pair.logic.all_of([pair.is_open(pair.first), pair.given(pair.second)])
            case RelativeAnswer.HIGHER:
                return pair.not_less()
            case RelativeAnswer.LOWER:
                return pair.not_more()
            case _:
                replaced = pair.logic.true if before is None else pair.answered(pair.first, before)
                return pair.logic.all_of([pair.answered(pair.second, answer), replaced])

    return read, change


def _omission(read: Input, answer: bool | str | None) -> tuple[Input, _MakeChange]:
    """Return the input, and the change that leaves it open in the second report; `answer`: of the first report."""

    def change(pair: _AnswerPair) -> Formula:
        answered = pair.given(pair.first) if answer is None else pair.answered(pair.first, answer)
        return pair.logic.all_of([pair.is_open(pair.second), answered])

    return read, change
