"""What a decision rests on, and what it still hangs on; found by the reference evaluator, condition by condition."""

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
    """What a result needs to know of one report beside its rails."""

    def reasons(self, key: str) -> Reasons:
        """What a true inference or outcome rests on; empty if it isn't true."""
        ...

    def missing(self) -> list[str]:
        """The mandatory findings that are open, in the ruleset's order; all of a group if none of it is answered."""
        ...

    def depends_on(self) -> Mapping[int, int]:
        """An undecided outcome's number -> the open inputs that it hangs on: bit n is the ruleset's nth input."""
        ...


class ReferenceJustification:
    """The grounds as the reference evaluator finds them; for rulesets that decide once."""

    def __init__(self, ruleset: Ruleset, reference: Reference) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._outcomes = {statement.key: statement for statement in keyed_outcomes(ruleset.rules_and_floors)}

    def reasons(self, key: str) -> Reasons:
        """See Grounds."""
        outcome = self._outcomes.get(key)
        condition = self._ruleset.inferences[key].when if outcome is None else outcome_condition(outcome)
        return find_reasons(self._reference, condition)

    def missing(self) -> list[str]:
        """See Grounds."""
        return missing(self._ruleset, self._reference)

    def depends_on(self) -> Mapping[int, int]:
        """See Grounds."""
        undecided = _Undecided(self._ruleset, self._reference)
        bits = {name: 1 << n for n, name in enumerate(self._ruleset.inputs)}
        number = Numbering(self._ruleset).number
        return {number[key]: sum(bits[name] for name in undecided.asked(one)) for key, one in self._outcomes.items()}


def missing(ruleset: Ruleset, reference: Reference) -> list[str]:
    """The mandatory findings that are open, in the ruleset's order; all of a group if none of it is answered."""
    return [
        finding
        for item in ruleset.mandatory
        if (item.when is None or reference.value(item.when) is not False)
        and all(reference.value(IsOpen(finding)) for finding in item.inputs)
        for finding in item.inputs
    ]


class _Undecided:
    """The open findings that a condition still hangs on; remembers statements it has looked at."""

    def __init__(self, ruleset: Ruleset, reference: Reference) -> None:
        self._ruleset = ruleset
        self._reference = reference
        self._statements: dict[str, frozenset[str]] = {}

    def asked(self, statement: KeyedOutcome) -> frozenset[str]:
        """What could be asked of somebody to settle an outcome: inputs, without what the service counts."""
        conditions = [statement.rule.when]
        if statement.outcome is not None and statement.outcome.when is not None:
            conditions.append(statement.outcome.when)
        found = frozenset().union(*map(self._findings, conditions))
        mentions, inputs = self._ruleset.mentions, self._ruleset.inputs
        texts = {mentions[name].text if name in mentions else name for name in found}
        return frozenset(name for name in texts if inputs[name].asked_of is not AskedOf.SERVICE)

    def _findings(self, condition: Condition) -> frozenset[str]:
        if len(self._reference.reach(condition)) == 1:
            return frozenset()
        match condition:
            case All(parts) | Any(parts) | AtLeast(_, parts):
                return frozenset().union(*map(self._findings, parts))
            case Not(part) | Unless(part):
                return self._findings(part)
            case Inferred(name):
                if name not in self._statements:
                    self._statements[name] = self._findings(self._ruleset.inferences[name].when)
                return self._statements[name]
            case Compare(finding) | OneOf(finding) | Yes(finding) | IsOpen(finding):
                return frozenset({finding})
