"""Conditions and statements as formulas: true and false now, and whatever is still answered."""

from __future__ import annotations

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
    Ruleset,
    Unless,
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

    def answered(self, name: str) -> Formula:
        """Return the formula: the input, or the text of the mention, is answered."""
        mention = self.ruleset.mentions.get(name)
        return self.answers.answered(self.ruleset.inputs[mention.text if mention else name])

    def is_open(self, name: str) -> Formula:
        """Return the formula: the input was not asked, not answered, or answered by a value that means open."""
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
        read = self.ruleset.inputs.get(condition.input)
        match condition:
            case Compare(name, op, limit):
                return self.answers.compares(self.ruleset.inputs[name], op, limit)
            case OneOf(_, values):
                assert read is not None  # a ruleset's names resolve
                return self._translate_one_of(condition.input, values)
            case Yes(name):
                return self._translate_mention(name) if read is None else self._translate_one_of(name, (True,))

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
        return mentioned, self.logic.all_of([self.answered(name), self.logic.opposite(mentioned)])


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
