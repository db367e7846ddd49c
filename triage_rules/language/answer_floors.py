"""Floors of the safety net that rest on given answers only, not on contradictions or counts."""

from __future__ import annotations

from triage_rules.language.conditions import atoms, statements_in
from triage_rules.language.model import AskedOf, Condition, Floor, Inferred, Ruleset


def floors_on_answers(ruleset: Ruleset) -> frozenset[str]:
    """Return the ids of the floors that read no contradiction, and no count of earlier reports.

    Once such a floor is established for good, it says what the answers mean, and not that one is missing.
    """
    contradictions = {name for conflict in ruleset.conflicts.values() for name in statements_in(conflict.when)}
    apart = set(contradictions)
    for name, inference in ruleset.inferences.items():  # in an order in which each needs only earlier ones
        if _reads_apart(ruleset, inference.when, apart):
            apart.add(name)
    return frozenset(
        floor.id for floor in ruleset.floors.values() if not _reads_any(ruleset, floor, apart) and not floor.raise_one
    )


def _reads_any(ruleset: Ruleset, floor: Floor, apart: set[str]) -> bool:
    conditions = [floor.when, *(outcome.when for outcome in floor.outcomes if outcome.when is not None)]
    return any(_reads_apart(ruleset, condition, apart) for condition in conditions)


def _reads_apart(ruleset: Ruleset, condition: Condition, apart: set[str]) -> bool:
    for atom in atoms(condition):
        if isinstance(atom, Inferred):
            if atom.name in apart:
                return True
        elif ruleset.input_behind(atom.input).asked_of is AskedOf.SERVICE:
            return True
    return False
