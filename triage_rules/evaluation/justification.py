"""Justification of a decision: its reasons and the open inputs it depends on, by the reference evaluator."""

from __future__ import annotations

from typing import Protocol

from triage_rules.evaluation.decision import KeyedOutcome, keyed_outcomes
from triage_rules.evaluation.explanation import Reasons, find_reasons, outcome_condition
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Masks, Numbering, input_bits
from triage_rules.language.gates import gates_of
from triage_rules.language.model import (
    All,
    Any,
    AskedOf,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    Input,
    IsOpen,
    Not,
    OneOf,
    Ruleset,
    Unless,
    Yes,
)


class Justification(Protocol):
    """Facts about one report that a result needs beside its rails."""

    def reasons(self, key: str) -> Reasons:
        """Return the reasons of a true inference or outcome; empty if it isn't true."""
        ...

    def missing(self) -> list[str]:
        """Return the open mandatory inputs in the ruleset's order; all of a group if none of it is answered."""
        ...

    def only_elsewhere(self) -> int:
        """Return a bit mask of the open inputs that only another audience can answer."""
        ...

    def rails_in_reach(self) -> Masks:
        """Return the rails as far as the report's audience can still change them."""
        ...

    def depends_on_in_reach(self) -> list[int]:
        """Return for each outcome a bit mask of the inputs that the audience can answer and that can change it."""
        ...


class ReferenceJustification:
    """Justification by the reference evaluator; for rulesets that decide once."""

    def __init__(self, ruleset: Ruleset, reference: Reference, closed: frozenset[str] = frozenset()) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._closed = closed
        self._in_reach = Reference(ruleset, reference.answers, closed=closed)
        self._numbering = Numbering(ruleset)
        self._bits = input_bits(ruleset)
        self._outcomes = {statement.key: statement for statement in keyed_outcomes(ruleset.rules_and_floors)}

    def reasons(self, key: str) -> Reasons:
        """Return the reasons of a true inference or outcome; empty if it isn't true."""
        outcome = self._outcomes.get(key)
        condition = self._ruleset.inferences[key].when if outcome is None else outcome_condition(outcome)
        return find_reasons(self._reference, condition)

    def missing(self) -> list[str]:
        """Return the open mandatory inputs."""
        return missing(self._ruleset, self._reference)

    def only_elsewhere(self) -> int:
        """Return a bit mask of the open inputs that only another audience can answer."""
        return sum(bit for name, bit in self._bits.items() if self._is_only_elsewhere(name))

    def _is_only_elsewhere(self, name: str) -> bool:
        read = self._ruleset.inputs[name]
        answers = self._reference.answers
        if name in answers or name in self._ruleset.not_asked(answers) or self._in_reach.is_askable(name):
            return False
        return read.relevant is None or self._reference.value(read.relevant.when) is not False

    def rails_in_reach(self) -> Masks:
        """Return the rails as far as the report's audience can still change them."""
        return self._numbering.masks(self._in_reach.rails())

    def depends_on_in_reach(self) -> list[int]:
        """Return for each outcome a bit mask of the inputs that the audience can answer and that can change it."""
        askable, rails = _AskableInputs(self._ruleset, self._in_reach), self.rails_in_reach()
        undecided = self._numbering.named(rails.possible & ~rails.certain)
        return [
            sum(self._bits[name] for name in askable.behind(self._outcomes[key])) if key in undecided else 0
            for key in self._numbering.outcomes
        ]


def missing(ruleset: Ruleset, reference: Reference) -> list[str]:
    """Return the open mandatory inputs in the ruleset's order; all of a group if none of it is answered."""
    return [
        name
        for item in ruleset.mandatory
        if (item.when is None or reference.value(item.when) is not False)
        and all(reference.value(IsOpen(name)) for name in item.inputs)
        for name in item.inputs
    ]


class _AskableInputs:
    """Inputs that the audience can answer now and that a condition depends on, with those that their gates read.

    Remembers statements it has visited.
    """

    def __init__(self, ruleset: Ruleset, in_reach: Reference) -> None:
        self._ruleset = ruleset
        self._in_reach = in_reach
        self._statements: dict[str, frozenset[str]] = {}

    def behind(self, statement: KeyedOutcome) -> frozenset[str]:
        """Return the inputs that could settle an outcome, without those that the service counts."""
        conditions = [statement.rule.when]
        if statement.outcome is not None and statement.outcome.when is not None:
            conditions.append(statement.outcome.when)
        names = frozenset().union(*map(self._collect, conditions))
        return frozenset(name for name in names if self._ruleset.inputs[name].asked_of is not AskedOf.SERVICE)

    def _collect(self, condition: Condition) -> frozenset[str]:
        if self._in_reach.reach(condition) in ({True}, {False}):
            return frozenset()
        match condition:
            case All(parts) | Any(parts) | AtLeast(_, parts):
                return frozenset().union(*map(self._collect, parts))
            case Not(part) | Unless(part):
                return self._collect(part)
            case Inferred(name):
                if name not in self._statements:
                    self._statements[name] = self._collect(self._ruleset.inferences[name].when)
                return self._statements[name]
            case Compare(name) | OneOf(name) | Yes(name) | IsOpen(name):
                return self._askable(self._ruleset.input_behind(name))

    def _askable(self, read: Input) -> frozenset[str]:
        if not self._in_reach.is_askable(read.name):
            if read.relevant is None or not self._in_reach.may_be_implied(read.name):
                return frozenset()
            return self._collect(read.relevant.when)
        names = frozenset().union(*map(self._collect, gates_of(read)))
        if read.available_if is not None and self._in_reach.value(read.available_if) is not True:
            return names
        return names | {read.name}
