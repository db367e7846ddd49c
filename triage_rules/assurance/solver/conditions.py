"""Conditions and statements as formulas: true and false now, and whatever is still answered.

The variables are a report's own answers. Conditions read them together with the answers that relevance implies, which
each ruleset derives by its own gates: two rulesets may imply different answers in the same report.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from triage_rules.assurance.solver.answers import AnswerVariables, answering
from triage_rules.assurance.solver.logic import Formula, Logic
from triage_rules.evaluation.signals import SOONER, outcome_key
from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    IsOpen,
    Not,
    OneOf,
    Op,
    Ruleset,
    Unless,
    Value,
    Yes,
)

Sides = tuple[Formula, Formula]
"""Formulas for a condition being true, and being false; if neither, it is open. Never both."""


class ConditionFormulas:
    """Conditions of one ruleset over the answers of a report."""

    def __init__(self, ruleset: Ruleset, answers: AnswerVariables) -> None:
        self.ruleset = ruleset
        self.answers = answers
        self.logic: Logic = answers.logic
        self._now: dict[Condition, Sides] = {}
        self._for_good: dict[Condition, Sides] = {}
        self._statements = _statements(ruleset)

    # --- answers ---

    def given(self, name: str) -> Formula:
        """Return the formula: the report itself answers the input, or the text of the mention."""
        return self.answers.answered(self.ruleset.input_behind(name))

    def implied(self, name: str) -> Formula:
        """Return the formula: the report does not answer the input, and relevance implies `otherwise`."""
        relevant = self.ruleset.input_behind(name).relevant
        if relevant is None or relevant.otherwise is None:
            return self.logic.false
        return self.logic.all_of([self.logic.opposite(self.given(name)), self.false(relevant.when)])

    @property
    def implying(self) -> list[str]:
        """Return the inputs for which relevance may imply an answer."""
        return [n for n, read in self.ruleset.inputs.items() if read.relevant and read.relevant.otherwise is not None]

    def answered(self, name: str) -> Formula:
        """Return the formula: the input, or the text of the mention, is answered by the report or by relevance."""
        return self.logic.any_of([self.given(name), self.implied(name)])

    def is_open(self, name: str) -> Formula:
        """Return the formula: the input has no answer, or one that means open, and relevance implies none."""
        return self.logic.opposite(self.answered(name))

    # --- conditions ---

    def true(self, condition: Condition) -> Formula:
        """Return the formula: the condition is true now."""
        return self._sides(condition)[0]

    def false(self, condition: Condition) -> Formula:
        """Return the formula: the condition is false now."""
        return self._sides(condition)[1]

    def open(self, condition: Condition) -> Formula:
        """Return the formula: the condition is neither true nor false now."""
        return self.logic.opposite(self.logic.any_of(self._sides(condition)))

    def always(self, condition: Condition) -> Formula:
        """Return the formula: true whatever is still answered (certain rail). May miss cases."""
        return self._sides_for_good(condition)[0]

    def never(self, condition: Condition) -> Formula:
        """Return the formula: not true whatever is still answered (off the possible rail). May miss cases."""
        return self._sides_for_good(condition)[1]

    # --- statements, by their keys on the rails: inferences, outcomes, floors, conflicts, SOONER ---

    def established(self, key: str) -> Formula:
        """Return the formula: the statement is true now. Raises KeyError if the ruleset has no such key."""
        return self.true(self._statements[key])

    def ruled_out(self, key: str) -> Formula:
        """Return the formula: the statement is false now."""
        return self.false(self._statements[key])

    def possible(self, key: str) -> Formula:
        """Return the formula: answers to open inputs could still make it true (possible rail)."""
        return self.logic.opposite(self.never(self._statements[key]))

    def certain(self, key: str) -> Formula:
        """Return the formula: every answer to the open inputs leaves it true (certain rail)."""
        return self.always(self._statements[key])

    @property
    def statements(self) -> dict[str, Condition]:
        """Return every key with its whole condition."""
        return dict(self._statements)

    # --- translation ---

    def _sides(self, condition: Condition) -> Sides:
        sides = self._now.get(condition)
        if sides is None:
            sides = self._now[condition] = self._share(
                self._translate(condition, self._sides, self._translate_leaf), condition
            )
        return sides

    def _sides_for_good(self, condition: Condition) -> Sides:
        sides = self._for_good.get(condition)
        if sides is None:
            own_sides = self._translate(condition, self._sides_for_good, self._translate_leaf_for_good)
            sides = self._for_good[condition] = self._share(own_sides, condition)
        return sides

    def _share(self, sides: Sides, condition: Condition) -> Sides:
        """Return the sides as variables, so that formulas built on them stay small."""
        name = condition.name if isinstance(condition, Inferred) else type(condition).__name__
        return self.logic.named(sides[0], f"{name} true"), self.logic.named(sides[1], f"{name} false")

    def _translate(
        self, condition: Condition, sides: Callable[[Condition], Sides], leaf: Callable[..., Sides]
    ) -> Sides:
        logic = self.logic
        match condition:
            case All(parts):
                pairs = [sides(part) for part in parts]
                return logic.all_of(true for true, _ in pairs), logic.any_of(false for _, false in pairs)
            case Any(parts):
                pairs = [sides(part) for part in parts]
                return logic.any_of(true for true, _ in pairs), logic.all_of(false for _, false in pairs)
            case AtLeast(count, parts):
                pairs = [sides(part) for part in parts]
                too_many = len(parts) - count + 1
                return (
                    logic.at_least(count, [true for true, _ in pairs]),
                    logic.at_least(too_many, [false for _, false in pairs]),
                )
            case Not(part):
                true, false = sides(part)
                return false, true
            case Inferred(name):
                return sides(self.ruleset.inferences[name].when)
            case _:
                return leaf(condition)

    def _translate_leaf(self, condition: Unless | IsOpen | Compare | OneOf | Yes) -> Sides:
        match condition:
            case Unless(part):
                true = self.true(part)
                return self.logic.opposite(true), true
            case IsOpen(name):
                answered = self.answered(name)
                return self.logic.opposite(answered), answered
            case _:
                return self._translate_answer(condition)

    def _translate_leaf_for_good(self, condition: Unless | IsOpen | Compare | OneOf | Yes) -> Sides:
        """Translate a leaf, for good: an answer stays, an open input may get one. So `open` is never true for good."""
        match condition:
            case Unless(part):
                return self.never(part), self.always(part)
            case IsOpen(name):
                return self.logic.false, self.answered(name)
            case _:
                return self._translate_answer(condition)

    def _translate_answer(self, condition: Compare | OneOf | Yes) -> Sides:
        name = condition.input
        if name in self.ruleset.mentions:  # a text has no `otherwise`
            return self._translate_mention(name)
        read = self.ruleset.inputs[name]
        match condition:
            case Compare(_, op, limit):
                sides = self.answers.compares(read, op, limit)
            case OneOf(_, values):
                sides = self._translate_one_of(name, values)
            case Yes():
                sides = self._translate_one_of(name, (True,))
        if read.relevant is None or read.relevant.otherwise is None:
            return sides
        true, false = sides
        if _is_true_of(read.relevant.otherwise, condition):
            return self.logic.any_of([true, self.implied(name)]), false
        return true, self.logic.any_of([false, self.implied(name)])

    def _translate_one_of(self, name: str, values: tuple[bool | str, ...]) -> Sides:
        read = self.ruleset.inputs[name]
        one_hot, values_read = self.answers.one_hot(read), answering(read)
        variables = {value: one_hot.value(self.logic, value) for value in values_read}
        return (
            self.logic.any_of(variable for value, variable in variables.items() if value in values),
            self.logic.any_of(variable for value, variable in variables.items() if value not in values),
        )

    def _translate_mention(self, name: str) -> Sides:
        mentioned = self.answers.mentioned(self.ruleset.mentions[name])
        return mentioned, self.logic.all_of([self.given(name), self.logic.opposite(mentioned)])


_COMPARE: dict[Op, Callable[[float, float], bool]] = {
    Op.AT_LEAST: operator.ge,
    Op.MORE_THAN: operator.gt,
    Op.AT_MOST: operator.le,
    Op.LESS_THAN: operator.lt,
}


def _is_true_of(answer: Value, condition: Compare | OneOf | Yes) -> bool:
    """Return whether an answer makes the condition true; else it makes it false."""
    match condition:
        case Compare(_, op, limit):
            assert isinstance(answer, int | float)  # a ruleset's values were checked against their inputs' types
            return _COMPARE[op](answer, limit)
        case OneOf(_, values):
            return answer in values
        case Yes():
            return answer is True


def _statements(ruleset: Ruleset) -> dict[str, Condition]:
    conditions: dict[str, Condition] = {name: Inferred(name) for name in ruleset.inferences}
    for rule in ruleset.rules_and_floors:
        conditions[rule.id] = rule.when
        for index, outcome in enumerate(rule.outcomes):
            parts = [part for part in (rule.when, outcome.when) if part is not None]
            conditions[outcome_key(rule.id, index)] = parts[0] if len(parts) == 1 else All(tuple(parts))
    conditions |= {conflict.id: conflict.when for conflict in ruleset.conflicts.values()}
    if ruleset.validity.sooner is not None:
        conditions[SOONER] = ruleset.validity.sooner
    return conditions
