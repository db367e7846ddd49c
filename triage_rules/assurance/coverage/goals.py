"""Goals of coverage: everything that a ruleset's cases should show, by measure, from the ruleset only."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from triage_rules.evaluation.signals import SOONER, outcome_key
from triage_rules.language.conditions import Leaf, leaves
from triage_rules.language.model import (
    IN_SCOPE,
    AskedOf,
    Compare,
    Condition,
    Floor,
    Inferred,
    InputKind,
    IsOpen,
    Ruleset,
    Unless,
)


class CoverageMeasure(enum.StrEnum):
    """Kind of coverage, by the name that `--require` takes."""

    RULES = "rules"
    FLOORS = "floors"
    OUTCOMES = "outcomes"
    INFERENCES = "inferences"
    POSSIBLE = "possible"
    CONDITIONS = "conditions"
    THRESHOLDS = "thresholds"
    CHOICES = "choices"
    MCDC = "mcdc"
    RELEVANCE = "relevance"


class Side(enum.StrEnum):
    """Side of a goal that a case can show. TRUE and FALSE of a goal of MC/DC: value of a leaf that alone decides."""

    TRUE = "true"
    FALSE = "false"
    OPEN = "open"
    BELOW = "below"
    AT = "at"
    ABOVE = "above"
    GIVEN = "given"


Mark = tuple[CoverageMeasure, str, str, Side]
"""Fact that a case showed: measure, owner, part, side."""

DEFAULT = "default"
"""Owner of the goal that a case ends by the default."""


@dataclass(frozen=True, slots=True)
class CoverageGoal:
    """Goal of a measure. Shown once each of `sides` is, by one case or by several.

    owner: the id of a rule, floor or conflict, an outcome's key, the name of a statement or an input, SOONER or
    DEFAULT. part: the number of a leaf in the owner's condition (from 0, as written), a limit, a choice's value, the
    disposition of a floor that raises by one; else empty.
    """

    measure: CoverageMeasure
    owner: str
    part: str
    sides: tuple[Side, ...]

    @property
    def key(self) -> str:
        """Return a name that stays as long as the condition does: `mcdc:R08:1`, `conditions:R08:1:open`."""
        sides = () if self.measure is CoverageMeasure.MCDC else self.sides
        return ":".join(word for word in (self.measure.value, self.owner, self.part, *sides) if word)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Return the marks to be shown, one for each side."""
        return tuple((self.measure, self.owner, self.part, side) for side in self.sides)


@dataclass(frozen=True, slots=True)
class DecidingCondition:
    """Condition that decides something: a rule, a floor, a raised outcome, a statement, a conflict or the validity.

    guard: the rule's own condition, for a raised outcome: a leaf can decide only where the guard is true.
    """

    owner: str
    when: Condition
    guard: Condition | None
    leaves: tuple[Leaf, ...]


class Plan:
    """Decisions and limits of a ruleset, and the goals made of them."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.decisions = tuple(_decisions(ruleset))
        all_leaves = [leaf for decision in self.decisions for leaf in decision.leaves]
        self.limits = tuple(dict.fromkeys((leaf.input, leaf.limit) for leaf in all_leaves if isinstance(leaf, Compare)))
        self._openable: dict[str, bool] = {}

    @cached_property
    def goals(self) -> tuple[CoverageGoal, ...]:
        """Return every goal, by measure, in the ruleset's order."""
        return (
            *_two_sided(CoverageMeasure.RULES, self.ruleset.rules),
            *_two_sided(CoverageMeasure.FLOORS, self.ruleset.floors),
            *self._outcome_goals(),
            *_two_sided(CoverageMeasure.INFERENCES, self.ruleset.inferences),
            *self._possible_goals(),
            *self._condition_goals(),
            *self._limit_goals(),
            *self._choice_goals(),
            *self._mcdc_goals(),
            *_two_sided(CoverageMeasure.RELEVANCE, gates_of_relevance(self.ruleset)),
        )

    def can_be_open(self, condition: Condition) -> bool:
        """Return whether an open input may leave the condition open; may be true for some that can't be."""
        return any(map(self._leaf_can_be_open, leaves(condition)))

    def _leaf_can_be_open(self, leaf: Leaf) -> bool:
        match leaf:
            case Inferred(name):
                if name == IN_SCOPE:
                    return False
                if name not in self._openable:
                    self._openable[name] = self.can_be_open(self.ruleset.inferences[name].when)
                return self._openable[name]
            case IsOpen() | Unless():
                return False
            case _:
                return self.ruleset.input_behind(leaf.input).asked_of is not AskedOf.SERVICE

    def _possible_goals(self) -> Iterator[CoverageGoal]:
        statements = {rule.id: rule.when for rule in self.ruleset.rules_and_floors}
        statements |= {name: inference.when for name, inference in self.ruleset.inferences.items()}
        for owner, when in statements.items():
            if owner != IN_SCOPE and self.can_be_open(when):
                yield CoverageGoal(CoverageMeasure.POSSIBLE, owner, "", (Side.OPEN,))

    def _outcome_goals(self) -> Iterator[CoverageGoal]:
        for rule in self.ruleset.rules_and_floors:
            for index, outcome in enumerate(rule.outcomes):
                sides = (Side.TRUE,) if outcome.when is None else (Side.TRUE, Side.FALSE)
                for side in sides:
                    yield CoverageGoal(CoverageMeasure.OUTCOMES, outcome_key(rule.id, index), "", (side,))
            if isinstance(rule, Floor):
                for code in dict.fromkeys(code for _, code in rule.raise_one):
                    yield CoverageGoal(CoverageMeasure.OUTCOMES, rule.id, code, (Side.GIVEN,))
        yield CoverageGoal(CoverageMeasure.OUTCOMES, DEFAULT, "", (Side.GIVEN,))

    def _condition_goals(self) -> Iterator[CoverageGoal]:
        for decision in self.decisions:
            for number, leaf in enumerate(decision.leaves):
                sides = (Side.TRUE, Side.FALSE, Side.OPEN) if self.can_be_open(leaf) else (Side.TRUE, Side.FALSE)
                for side in sides:
                    yield CoverageGoal(CoverageMeasure.CONDITIONS, decision.owner, str(number), (side,))

    def _mcdc_goals(self) -> Iterator[CoverageGoal]:
        for decision in self.decisions:
            for number in range(len(decision.leaves)):
                yield CoverageGoal(CoverageMeasure.MCDC, decision.owner, str(number), (Side.TRUE, Side.FALSE))

    def _limit_goals(self) -> Iterator[CoverageGoal]:
        for name, limit in self.limits:
            read = self.ruleset.inputs[name]
            sides = [Side.AT]
            if read.minimum is None or limit > read.minimum:
                sides.insert(0, Side.BELOW)
            if read.maximum is None or limit < read.maximum:
                sides.append(Side.ABOVE)
            for side in sides:
                yield CoverageGoal(CoverageMeasure.THRESHOLDS, name, str(limit), (side,))

    def _choice_goals(self) -> Iterator[CoverageGoal]:
        for read in self.ruleset.inputs.values():
            if read.kind is InputKind.CHOICE:
                for choice in read.choices:
                    yield CoverageGoal(CoverageMeasure.CHOICES, read.name, choice.value, (Side.GIVEN,))


def gates_of_relevance(ruleset: Ruleset) -> dict[str, Condition]:
    """Return the condition of each input's `relevant`."""
    return {name: read.relevant.when for name, read in ruleset.inputs.items() if read.relevant is not None}


def _two_sided(measure: CoverageMeasure, owners: Iterable[str]) -> Iterator[CoverageGoal]:
    for owner in owners:
        yield CoverageGoal(measure, owner, "", (Side.TRUE,))
        yield CoverageGoal(measure, owner, "", (Side.FALSE,))


def step(limit: float | Decimal) -> Decimal:
    """Return a unit in the last decimal place of a limit: 38 -> 1, 37.5 -> 0.1, 0.25 -> 0.01."""
    exponent = Decimal(str(limit)).as_tuple().exponent
    assert isinstance(exponent, int)  # a limit is finite
    return Decimal(1).scaleb(min(exponent, 0))


def _decisions(ruleset: Ruleset) -> Iterator[DecidingCondition]:
    for owner, when, guard in _conditions(ruleset):
        yield DecidingCondition(owner, when, guard, tuple(leaves(when)))


def _conditions(ruleset: Ruleset) -> Iterator[tuple[str, Condition, Condition | None]]:
    for rule in ruleset.rules_and_floors:
        yield rule.id, rule.when, None
        for index, outcome in enumerate(rule.outcomes):
            if outcome.when is not None:
                yield outcome_key(rule.id, index), outcome.when, rule.when
    for inference in ruleset.inferences.values():
        if not inference.rules:  # a statement that rules infer holds where they fire: their conditions count already
            yield inference.name, inference.when, None
    for conflict in ruleset.conflicts.values():
        yield conflict.id, conflict.when, None
    if ruleset.validity.sooner is not None:
        yield SOONER, ruleset.validity.sooner, None
