"""Proof that no report distinguishes a mutant from its ruleset, or the smallest report that does, replayed."""

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

MUTANTS_PER_ENCODING = 100
"""Number of mutants after which the ruleset is encoded again, which frees the formulas of the earlier mutants."""


class Differs(enum.StrEnum):
    """Difference between two results, the most serious first."""

    URGENT_LOWERED = "urgent_lowered"
    LEVEL = "level"
    DISPOSITION = "disposition"
    RULES = "rules"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Proof that every report gets the same result in each part that cases can see, except the possible outcomes."""


@dataclass(frozen=True, slots=True)
class Distinguished:
    """Report that gets another result. `differs`: the most serious difference of any report, which this one shows.

    witness: None if the time ran out before the smallest report was found.
    """

    differs: Differs
    witness: Witness | None


class Equivalence:
    """Comparison of a ruleset with its mutants. `query_seconds`: the time limit of each query."""

    def __init__(self, evaluator: Evaluator, query_seconds: float, budget: Budget | None = None) -> None:
        self._evaluator = evaluator
        self._encoding = Encoding(evaluator.ruleset)
        self._asked = 0
        self._query_seconds = query_seconds
        self._budget = budget or Budget()

    def compare(self, mutant: Ruleset) -> Equivalent | Distinguished | GaveUp:
        """Compare a mutant with the ruleset.

        Raises EncoderBugError if an evaluator doesn't give a witness the result that the solver claims.
        """
        if self._asked == MUTANTS_PER_ENCODING:
            self._encoding, self._asked = Encoding(self._evaluator.ruleset), 0
        self._asked += 1
        other = Encoding(mutant, sharing=self._encoding)
        ways = dict(_list_differences(self._encoding, other))
        solver = Solver(self._encoding, other, query_seconds=self._query_seconds, budget=self._budget)
        answer = solver.find(self._encoding.logic.any_of(ways.values()))
        if isinstance(answer, NoReport):
            return Equivalent()
        if isinstance(answer, GaveUp):
            return answer
        return self._distinguish(solver, ways)

    def _distinguish(self, solver: Solver, ways: dict[Differs, Formula]) -> Distinguished | GaveUp:
        for differs, formula in ways.items():
            answer = solver.find(formula)
            if isinstance(answer, NoReport):
                continue
            if isinstance(answer, GaveUp):
                return answer
            witness = Witnesses(solver, [self._evaluator]).smallest(formula)
            return Distinguished(differs, witness if isinstance(witness, Witness) else None)
        raise AssertionError("a report gets another result, but no part of the result differs")


def _list_differences(old: Encoding, new: Encoding) -> Iterator[tuple[Differs, Formula]]:
    """Yield each kind of difference with its formula, the most serious first."""
    logic, ruleset = old.logic, old.ruleset

    def differ(first: Formula, second: Formula) -> Formula:
        return logic.opposite(logic.same(first, second))

    urgent, now = old.level_at_least(Level.URGENT), new.level_at_least(Level.URGENT)
    yield Differs.URGENT_LOWERED, logic.all_of([urgent, logic.opposite(now)])
    levels = (Level.MONITOR, Level.URGENT)
    yield (
        Differs.LEVEL,
        logic.any_of(differ(old.level_at_least(level), new.level_at_least(level)) for level in levels),
    )
    codes = ruleset.dispositions
    yield (
        Differs.DISPOSITION,
        logic.any_of(differ(old.at_least_as_urgent(c), new.at_least_as_urgent(c)) for c in codes),
    )
    rules = [rule.id for rule in ruleset.rules_and_floors]
    yield Differs.RULES, logic.any_of(differ(_fired(old, rule), _fired(new, rule)) for rule in rules)
    yield Differs.REST, logic.any_of(differ(*pair) for pair in _list_rest(old, new))


def _list_rest(old: Encoding, new: Encoding) -> Iterator[tuple[Formula, Formula]]:
    """Yield pairs of formulas for reasons, default, outcome by the rules only, flags, conflicts and missing inputs."""
    ruleset = old.ruleset
    yield old.by_default(), new.by_default()
    yield from ((old.by_rules_is(code), new.by_rules_is(code)) for code in ruleset.dispositions)
    for rule in ruleset.rules_and_floors:
        yield old.advises(rule.id), _advises(new, rule.id)
    flags = {flag for rule in ruleset.rules_and_floors for flag in rule.flags} | set(ruleset.default.flags)
    for flag in sorted(flags):
        yield old.flag(flag), new.flag(flag)
    for conflict in ruleset.conflicts:
        is_kept = conflict in new.ruleset.conflicts
        yield old.established(conflict), new.established(conflict) if is_kept else new.logic.false
    for name in dict.fromkeys(name for item in ruleset.mandatory for name in item.inputs):
        yield old.missing(name), new.missing(name)


def _fired(encoding: Encoding, rule: str) -> Formula:
    return encoding.fired(rule) if _has(encoding, rule) else encoding.logic.false


def _advises(encoding: Encoding, rule: str) -> Formula:
    return encoding.advises(rule) if _has(encoding, rule) else encoding.logic.false


def _has(encoding: Encoding, rule: str) -> bool:
    return rule in encoding.ruleset.rules or rule in encoding.ruleset.floors
