"""Justification of a decision: its reasons and the open inputs it depends on, by the reference evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from triage_rules.evaluation.decision import KeyedOutcome, keyed_outcomes
from triage_rules.evaluation.explanation import Reasons, find_reasons, outcome_condition
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Numbering
from triage_rules.language.model import (
    All,
    Any,
    AskedOf,
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


class Justification(Protocol):
    """Facts about one report that a result needs beside its rails."""

    def reasons(self, key: str) -> Reasons:
        """Return the reasons of a true inference or outcome; empty if it isn't true."""
        ...

    def missing(self) -> list[str]:
        """Return the open mandatory inputs in the ruleset's order; all of a group if none of it is answered."""
        ...

    def depends_on(self) -> Mapping[int, int]:
        """Map each undecided outcome's number to a bit mask of the open inputs it depends on."""
        ...


class ReferenceJustification:
    """Justification by the reference evaluator; for rulesets that decide once."""

    def __init__(self, ruleset: Ruleset, reference: Reference) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._outcomes = {statement.key: statement for statement in keyed_outcomes(ruleset.rules_and_floors)}

    def reasons(self, key: str) -> Reasons:
        """Return the reasons of a true inference or outcome; empty if it isn't true."""
        outcome = self._outcomes.get(key)
        condition = self._ruleset.inferences[key].when if outcome is None else outcome_condition(outcome)
        return find_reasons(self._reference, condition)

    def missing(self) -> list[str]:
        """Return the open mandatory inputs."""
        return missing(self._ruleset, self._reference)

    def depends_on(self) -> Mapping[int, int]:
        """Map each undecided outcome's number to a bit mask of the open inputs it depends on."""
        undecided = _OpenInputs(self._ruleset, self._reference)
        bits = {name: 1 << n for n, name in enumerate(self._ruleset.inputs)}
        number = Numbering(self._ruleset).number
        return {
            number[key]: sum(bits[name] for name in undecided.asked(statement))
            for key, statement in self._outcomes.items()
        }


def missing(ruleset: Ruleset, reference: Reference) -> list[str]:
    """Return the open mandatory inputs in the ruleset's order; all of a group if none of it is answered."""
    return [
        name
        for item in ruleset.mandatory
        if (item.when is None or reference.value(item.when) is not False)
        and all(reference.value(IsOpen(name)) for name in item.inputs)
        for name in item.inputs
    ]


class _OpenInputs:
    """Open inputs that a condition depends on; remembers statements it has visited."""

    def __init__(self, ruleset: Ruleset, reference: Reference) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._statements: dict[str, frozenset[str]] = {}

    def asked(self, statement: KeyedOutcome) -> frozenset[str]:
        """Return the inputs that could settle an outcome, without those that the service counts."""
        conditions = [statement.rule.when]
        if statement.outcome is not None and statement.outcome.when is not None:
            conditions.append(statement.outcome.when)
        names = frozenset().union(*map(self._collect, conditions))
        mentions, inputs = self._ruleset.mentions, self._ruleset.inputs
        names = frozenset(mentions[name].text if name in mentions else name for name in names)
        return frozenset(name for name in names if inputs[name].asked_of is not AskedOf.SERVICE)

    def _collect(self, condition: Condition) -> frozenset[str]:
        if len(self._reference.reach(condition)) == 1:
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
                return frozenset({name})
