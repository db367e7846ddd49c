"""Whether any report tells a mutant from its ruleset: proved that none does, or the smallest that does, replayed."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from triage_rules.assurance.solver.encoding import Encoding
from triage_rules.assurance.solver.logic import Formula
from triage_rules.assurance.solver.solver import Budget, GaveUp, NoReport, Solver
from triage_rules.assurance.solver.witness import Witness, Witnesses
from triage_rules.evaluation.evaluator import Evaluator
from triage_rules.language.model import Level, Ruleset

RENEWED = 100
"""After so many mutants the ruleset is put into formulas anew: what was made for the earlier ones is let go."""


class Differs(enum.StrEnum):
    """What differs in a result, the most serious first."""

    URGENT_LOWERED = "urgent_lowered"
    LEVEL = "level"
    DISPOSITION = "disposition"
    RULES = "rules"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Proved: no report gets another result in any part that cases can see, but for what is only an outlook."""


@dataclass(frozen=True, slots=True)
class Distinguished:
    """A report tells them apart. `differs`: the most serious way in which any does, and this one does.

    witness: None if the time ran out before the smallest was found.
    """

    differs: Differs
    witness: Witness | None


class Equivalence:
    """Tells the mutants of one ruleset from it. `query_seconds`: what each question may take."""

    def __init__(self, evaluator: Evaluator, query_seconds: float, budget: Budget | None = None) -> None:
        self._evaluator = evaluator
        self._encoding = Encoding(evaluator.ruleset)
        self._asked = 0
        self._query_seconds = query_seconds
        self._budget = budget or Budget()

    def compare(self, mutant: Ruleset) -> Equivalent | Distinguished | GaveUp:
        """Raises EncoderBugError if a report that was found does not come out of the evaluators as it should."""
        if self._asked == RENEWED:
            self._encoding, self._asked = Encoding(self._evaluator.ruleset), 0
        self._asked += 1
        other = Encoding(mutant, sharing=self._encoding)
        ways = dict(_ways(self._encoding, other))
        solver = Solver(self._encoding, other, query_seconds=self._query_seconds, budget=self._budget)
        found = solver.find(self._encoding.logic.any_of(ways.values()))
        if isinstance(found, NoReport):
            return Equivalent()
        if isinstance(found, GaveUp):
            return found
        return self._told_apart(solver, ways)

    def _told_apart(self, solver: Solver, ways: dict[Differs, Formula]) -> Distinguished | GaveUp:
        for differs, formula in ways.items():
            found = solver.find(formula)
            if isinstance(found, NoReport):
                continue
            if isinstance(found, GaveUp):
                return found
            witness = Witnesses(solver, [self._evaluator]).smallest(formula)
            return Distinguished(differs, witness if isinstance(witness, Witness) else None)
        raise AssertionError("some report tells them apart, and yet in no way")


def _ways(one: Encoding, other: Encoding) -> Iterator[tuple[Differs, Formula]]:
    """In which ways a report may come out otherwise, the most serious first."""
    logic, ruleset = one.logic, one.ruleset

    def differ(first: Formula, second: Formula) -> Formula:
        return logic.opposite(logic.same(first, second))

    urgent, now = one.level_at_least(Level.URGENT), other.level_at_least(Level.URGENT)
    yield Differs.URGENT_LOWERED, logic.all_of([urgent, logic.opposite(now)])
    levels = (Level.MONITOR, Level.URGENT)
    yield (
        Differs.LEVEL,
        logic.any_of(differ(one.level_at_least(level), other.level_at_least(level)) for level in levels),
    )
    codes = ruleset.dispositions
    yield (
        Differs.DISPOSITION,
        logic.any_of(differ(one.at_least_as_urgent(c), other.at_least_as_urgent(c)) for c in codes),
    )
    rules = [rule.id for rule in ruleset.rules_and_floors]
    yield Differs.RULES, logic.any_of(differ(_fired(one, rule), _fired(other, rule)) for rule in rules)
    yield Differs.REST, logic.any_of(differ(*pair) for pair in _rest(one, other))


def _rest(one: Encoding, other: Encoding) -> Iterator[tuple[Formula, Formula]]:
    """Which reasons are told, the default's among them; flags, conflicts, missing findings."""
    ruleset = one.ruleset
    yield one.by_default(), other.by_default()
    for rule in ruleset.rules_and_floors:
        yield one.advises(rule.id), _advises(other, rule.id)
    flags = {flag for rule in ruleset.rules_and_floors for flag in rule.flags} | set(ruleset.default.flags)
    for flag in sorted(flags):
        yield one.flag(flag), other.flag(flag)
    for conflict in ruleset.conflicts:
        there = conflict in other.ruleset.conflicts
        yield one.established(conflict), other.established(conflict) if there else other.logic.false
    for finding in dict.fromkeys(name for item in ruleset.mandatory for name in item.inputs):
        yield one.missing(finding), other.missing(finding)


def _fired(encoding: Encoding, rule: str) -> Formula:
    return encoding.fired(rule) if _has(encoding, rule) else encoding.logic.false


def _advises(encoding: Encoding, rule: str) -> Formula:
    return encoding.advises(rule) if _has(encoding, rule) else encoding.logic.false


def _has(encoding: Encoding, rule: str) -> bool:
    return rule in encoding.ruleset.rules or rule in encoding.ruleset.floors
