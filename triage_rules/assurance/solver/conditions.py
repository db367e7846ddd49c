"""Conditions and statements as formulas: true and false as things stand, and whatever is still answered."""

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
"""When a condition is true, and when it is false; when neither, it is open. Never both."""


class ConditionFormulas:
    """The conditions of one ruleset over the answers of a report."""

    def __init__(self, ruleset: Ruleset, answers: AnswerVariables) -> None:
        self.ruleset = ruleset
        self.answers = answers
        self.logic: Logic = answers.logic
        self._now: dict[Condition, Sides] = {}
        self._for_good: dict[Condition, Sides] = {}
        self._statements = _statements(ruleset)

    # --- answers ---

    def answered(self, name: str) -> Formula:
        """The input, or the text of the mention, is answered."""
        mention = self.ruleset.mentions.get(name)
        return self.answers.answered(self.ruleset.inputs[mention.text if mention else name])

    def is_open(self, name: str) -> Formula:
        """The input was not asked, not answered, or answered by a value that means open."""
        return self.logic.opposite(self.answered(name))

    # --- conditions ---

    def true(self, condition: Condition) -> Formula:
        """The condition is true as things stand."""
        return self._sides(condition)[0]

    def false(self, condition: Condition) -> Formula:
        """The condition is false as things stand."""
        return self._sides(condition)[1]

    def open(self, condition: Condition) -> Formula:
        """The condition is neither true nor false as things stand."""
        return self.logic.opposite(self.logic.any_of(self._sides(condition)))

    def always(self, condition: Condition) -> Formula:
        """On the certain rail: true, whatever is still answered. May miss some, never says it wrongly."""
        return self._sides_for_good(condition)[0]

    def never(self, condition: Condition) -> Formula:
        """Off the possible rail: not true, whatever is still answered. May miss some, never says it wrongly."""
        return self._sides_for_good(condition)[1]

    # --- statements, by their keys on the rails: inferences, outcomes, floors, conflicts, SOONER ---

    def established(self, key: str) -> Formula:
        """The statement is true as things stand. Raises KeyError for a key that the ruleset has not."""
        return self.true(self._statements[key])

    def ruled_out(self, key: str) -> Formula:
        """The statement is false as things stand."""
        return self.false(self._statements[key])

    def possible(self, key: str) -> Formula:
        """On the possible rail: answers to open findings could still make it true."""
        return self.logic.opposite(self.never(self._statements[key]))

    def certain(self, key: str) -> Formula:
        """On the certain rail: every answer to the open findings leaves it true."""
        return self.always(self._statements[key])

    @property
    def statements(self) -> dict[str, Condition]:
        """Every key with its whole condition."""
        return dict(self._statements)

    # --- how ---

    def _sides(self, condition: Condition) -> Sides:
        found = self._now.get(condition)
        if found is None:
            found = self._now[condition] = self._shared(self._made(condition, self._sides, self._leaf), condition)
        return found

    def _sides_for_good(self, condition: Condition) -> Sides:
        found = self._for_good.get(condition)
        if found is None:
            made = self._made(condition, self._sides_for_good, self._leaf_for_good)
            found = self._for_good[condition] = self._shared(made, condition)
        return found

    def _shared(self, sides: Sides, condition: Condition) -> Sides:
        """The sides as variables, so that whatever is built on them stays small."""
        name = condition.name if isinstance(condition, Inferred) else type(condition).__name__
        return self.logic.named(sides[0], f"{name} true"), self.logic.named(sides[1], f"{name} false")

    def _made(self, condition: Condition, sides: Callable[[Condition], Sides], leaf: Callable[..., Sides]) -> Sides:
        logic = self.logic
        match condition:
            case All(parts):
                found = [sides(part) for part in parts]
                return logic.all_of(true for true, _ in found), logic.any_of(false for _, false in found)
            case Any(parts):
                found = [sides(part) for part in parts]
                return logic.any_of(true for true, _ in found), logic.all_of(false for _, false in found)
            case AtLeast(count, parts):
                found = [sides(part) for part in parts]
                too_many = len(parts) - count + 1
                return (
                    logic.at_least(count, [true for true, _ in found]),
                    logic.at_least(too_many, [false for _, false in found]),
                )
            case Not(part):
                true, false = sides(part)
                return false, true
            case Inferred(name):
                return sides(self.ruleset.inferences[name].when)
            case _:
                return leaf(condition)

    def _leaf(self, condition: Unless | IsOpen | Compare | OneOf | Yes) -> Sides:
        match condition:
            case Unless(part):
                true = self.true(part)
                return self.logic.opposite(true), true
            case IsOpen(name):
                answered = self.answered(name)
                return self.logic.opposite(answered), answered
            case _:
                return self._answer(condition)

    def _leaf_for_good(self, condition: Unless | IsOpen | Compare | OneOf | Yes) -> Sides:
        """An answer stays; silence may end. So `open` can come to be false for good, never true for good."""
        match condition:
            case Unless(part):
                return self.never(part), self.always(part)
            case IsOpen(name):
                return self.logic.false, self.answered(name)
            case _:
                return self._answer(condition)

    def _answer(self, condition: Compare | OneOf | Yes) -> Sides:
        read = self.ruleset.inputs.get(condition.input)
        match condition:
            case Compare(name, op, limit):
                return self.answers.compares(self.ruleset.inputs[name], op, limit)
            case OneOf(_, values):
                assert read is not None  # a ruleset's names resolve
                return self._one_of(condition.input, values)
            case Yes(name):
                return self._mention(name) if read is None else self._one_of(name, (True,))

    def _one_of(self, name: str, values: tuple[bool | str, ...]) -> Sides:
        read = self.ruleset.inputs[name]
        one_hot, values_read = self.answers.one_hot(read), answering(read)
        said = {value: one_hot.value(self.logic, value) for value in values_read}
        return (
            self.logic.any_of(made for value, made in said.items() if value in values),
            self.logic.any_of(made for value, made in said.items() if value not in values),
        )

    def _mention(self, name: str) -> Sides:
        mentioned = self.answers.mentioned(self.ruleset.mentions[name])
        return mentioned, self.logic.all_of([self.answered(name), self.logic.opposite(mentioned)])


def _statements(ruleset: Ruleset) -> dict[str, Condition]:
    found: dict[str, Condition] = {name: Inferred(name) for name in ruleset.inferences}
    for rule in ruleset.rules_and_floors:
        found[rule.id] = rule.when
        for index, outcome in enumerate(rule.outcomes):
            parts = [part for part in (rule.when, outcome.when) if part is not None]
            found[outcome_key(rule.id, index)] = parts[0] if len(parts) == 1 else All(tuple(parts))
    found |= {conflict.id: conflict.when for conflict in ruleset.conflicts.values()}
    if ruleset.validity.sooner is not None:
        found[SOONER] = ruleset.validity.sooner
    return found
