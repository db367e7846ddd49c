"""Coverage: the parts of a ruleset that its cases show, and those that no case shows.

The definition, with the meaning of MC/DC where a condition may be open, is in docs/reference/coverage.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from triage_rules.assurance.coverage.goals import (
    DEFAULT,
    CoverageGoal,
    CoverageMeasure,
    Mark,
    Plan,
    Side,
    gates_of_relevance,
    step,
)
from triage_rules.evaluation.reference import Kleene, Reference
from triage_rules.evaluation.signals import outcome_key
from triage_rules.language.model import All, Answers, Any, AtLeast, Condition, Floor, Not, Ruleset

_SIDES: dict[Kleene, Side] = {True: Side.TRUE, False: Side.FALSE, None: Side.OPEN}


@dataclass(frozen=True, slots=True)
class Observed:
    """Evaluated case. answers: as written; facts: the evaluators' input; disposition: its result's."""

    case: str
    answers: Mapping[str, object]
    facts: Answers
    disposition: str


@dataclass(frozen=True, slots=True)
class Count:
    """Number of a measure's goals that are shown; `total` leaves out those that no report can show."""

    shown: int
    total: int
    infeasible: int

    @property
    def tenths(self) -> int:
        """Return tenths of a percent, rounded down: 1000 only if every goal is shown."""
        return self.shown * 1000 // self.total if self.total else 1000

    @property
    def percent(self) -> str:
        """Format the percentage: `99.9`."""
        return f"{self.tenths // 10}.{self.tenths % 10}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage by the cases. seen: each mark and the first case that showed it; infeasible: unreachable goals' keys."""

    plan: Plan
    seen: Mapping[Mark, str]
    infeasible: frozenset[str] = frozenset()

    def is_shown(self, goal: CoverageGoal) -> bool:
        """Return whether every side of the goal is shown."""
        return all(mark in self.seen for mark in goal.marks)

    def unseen(self, goal: CoverageGoal) -> tuple[Side, ...]:
        """Return the sides of a goal that no case shows."""
        return tuple(mark[-1] for mark in goal.marks if mark not in self.seen)

    def not_shown(self) -> tuple[CoverageGoal, ...]:
        """Return the goals that no case shows but some report may."""
        return tuple(g for g in self.plan.goals if not self.is_shown(g) and g.key not in self.infeasible)

    def counts(self) -> dict[CoverageMeasure, Count]:
        """Count the goals shown of each measure. A shown goal counts, even if it was declared infeasible."""
        counts: dict[CoverageMeasure, Count] = {}
        for measure in CoverageMeasure:
            goals = [goal for goal in self.plan.goals if goal.measure is measure]
            shown = sum(map(self.is_shown, goals))
            infeasible = sum(goal.key in self.infeasible and not self.is_shown(goal) for goal in goals)
            counts[measure] = Count(shown, len(goals) - infeasible, infeasible)
        return counts


def measure(ruleset: Ruleset, cases: Collection[Observed], infeasible: Collection[str] = ()) -> Coverage:
    """Return the coverage of a ruleset by evaluated cases. infeasible: keys of goals proved unreachable."""
    plan = Plan(ruleset)
    seen: dict[Mark, str] = {}
    for observed in cases:
        for mark in marks(plan, observed):
            seen.setdefault(mark, observed.case)
    return Coverage(plan, seen, frozenset(infeasible))


def marks(plan: Plan, observed: Observed) -> Iterator[Mark]:
    """Yield all marks that a case shows."""
    reference = Reference(plan.ruleset, observed.facts)
    yield from _statement_marks(plan.ruleset, reference, observed.disposition)
    for decision in plan.decisions:
        guarded = decision.guard is None or reference.value(decision.guard) is True
        yield from of_leaves(decision.owner, decision.when, reference, decides=guarded)
    yield from of_answers(plan, observed.answers, observed.facts)


def of_leaves(owner: str, condition: Condition, reference: Reference, *, decides: bool) -> Iterator[Mark]:
    """Yield the values of a condition's leaves, and the leaves that alone decide (none unless the condition does)."""
    for number, (value, is_decisive) in enumerate(leaf_values(condition, reference, decides=decides)):
        yield (CoverageMeasure.CONDITIONS, owner, str(number), _SIDES[value])
        if is_decisive and value is not None:
            yield (CoverageMeasure.MCDC, owner, str(number), _SIDES[value])


def of_answers(plan: Plan, answers: Mapping[str, object], facts: Answers) -> Iterator[Mark]:
    """Yield the sides of limits on which numbers lie, and the values of choices that were given."""
    for name, limit in plan.limits:
        side = _side_of_limit(facts.get(name), limit)
        if side is not None:
            yield (CoverageMeasure.THRESHOLDS, name, str(limit), side)
    for name, answer in (*answers.items(), *facts.items()):
        if isinstance(answer, str):
            yield (CoverageMeasure.CHOICES, name, answer, Side.GIVEN)


def leaf_values(condition: Condition, reference: Reference, *, decides: bool) -> Iterator[tuple[Kleene, bool]]:
    """Yield for each leaf as written its value, and whether it alone decides (given that the condition does).

    A leaf alone decides if the condition would be true with one of the leaf's values true and false, and false with the
    other, all other leaves unchanged.
    """
    match condition:
        case All(parts):
            yield from _part_values(len(parts), parts, reference, decides)
        case Any(parts):
            yield from _part_values(1, parts, reference, decides)
        case AtLeast(count, parts):
            yield from _part_values(count, parts, reference, decides)
        case Not(part):
            yield from leaf_values(part, reference, decides=decides)
        case leaf:
            yield reference.value(leaf), decides


def _part_values(
    count: int, parts: tuple[Condition, ...], reference: Reference, decides: bool
) -> Iterator[tuple[Kleene, bool]]:
    """Yield the leaf values of parts; a part decides if `count` - 1 of the others are true and none is open."""
    values = [reference.value(part) for part in parts]
    yes, open_ = values.count(True), values.count(None)
    for part, value in zip(parts, values, strict=True):
        is_decisive = yes - (value is True) == count - 1 and open_ == (value is None)
        yield from leaf_values(part, reference, decides=decides and is_decisive)


def _statement_marks(ruleset: Ruleset, reference: Reference, disposition: str) -> Iterator[Mark]:
    by_default = True
    for kind, rules in ((CoverageMeasure.RULES, ruleset.rules), (CoverageMeasure.FLOORS, ruleset.floors)):
        for rule in rules.values():
            value = reference.value(rule.when)
            yield _make_mark(kind, rule.id, value)
            if value is not True:
                continue
            for index, outcome in enumerate(rule.outcomes):
                outcome_value = True if outcome.when is None else reference.value(outcome.when)
                yield (CoverageMeasure.OUTCOMES, outcome_key(rule.id, index), "", _SIDES[outcome_value])
                by_default = by_default and (outcome_value is not True or kind is CoverageMeasure.FLOORS)
            if isinstance(rule, Floor) and disposition in dict(rule.raise_one).values():
                yield (CoverageMeasure.OUTCOMES, rule.id, disposition, Side.GIVEN)
    if by_default:
        yield (CoverageMeasure.OUTCOMES, DEFAULT, "", Side.GIVEN)
    for name, inference in ruleset.inferences.items():
        yield _make_mark(CoverageMeasure.INFERENCES, name, reference.value(inference.when))
    for name, when in gates_of_relevance(ruleset).items():
        if (value := reference.value(when)) is not None:
            yield (CoverageMeasure.RELEVANCE, name, "", _SIDES[value])


def _make_mark(kind: CoverageMeasure, owner: str, value: Kleene) -> Mark:
    return (CoverageMeasure.POSSIBLE if value is None else kind, owner, "", _SIDES[value])


def _side_of_limit(answer: object, limit: float) -> Side | None:
    """Return an answer's side of the limit: on it, or at most one step from it; None if it lies elsewhere."""
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return None
    if answer == limit:
        return Side.AT
    away = Decimal(str(answer)) - Decimal(str(limit))
    if abs(away) > step(limit):
        return None
    return Side.BELOW if away < 0 else Side.ABOVE


__all__ = [
    "Count",
    "Coverage",
    "CoverageGoal",
    "CoverageMeasure",
    "Mark",
    "Observed",
    "Plan",
    "Side",
    "marks",
    "measure",
]
