"""What the cases of a ruleset are to show: every goal of every measure, made from the ruleset alone."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from triage_rules.evaluation.signals import SOONER, outcome_key
from triage_rules.language.conditions import Leaf, leaves
from triage_rules.language.model import (
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
    """A kind of coverage, by the name that `--require` takes."""

    RULES = "rules"
    FLOORS = "floors"
    OUTCOMES = "outcomes"
    INFERENCES = "inferences"
    POSSIBLE = "possible"
    CONDITIONS = "conditions"
    THRESHOLDS = "thresholds"
    CHOICES = "choices"
    MCDC = "mcdc"


class Side(enum.StrEnum):
    """What one case can show of a thing. TRUE and FALSE of a goal of MC/DC: so, and it alone decides."""

    TRUE = "true"
    FALSE = "false"
    OPEN = "open"
    BELOW = "below"
    AT = "at"
    ABOVE = "above"
    GIVEN = "given"


Mark = tuple[CoverageMeasure, str, str, Side]
"""One thing that a case showed: measure, owner, part, side."""

DEFAULT = "default"
"""The owner of the goal that some case ends by the default."""


@dataclass(frozen=True, slots=True)
class CoverageGoal:
    """One thing to be shown. Shown if each of `sides` is, by one case or by several.

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
        """A name that stays as long as the condition does: `mcdc:R08:1`, `conditions:R08:1:open`."""
        sides = () if self.measure is CoverageMeasure.MCDC else self.sides
        return ":".join(word for word in (self.measure.value, self.owner, self.part, *sides) if word)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What has to be shown, side by side."""
        return tuple((self.measure, self.owner, self.part, side) for side in self.sides)


@dataclass(frozen=True, slots=True)
class DecidingCondition:
    """A condition that decides something: a rule, a floor, a raised outcome, a statement, a conflict or the validity.

    guard: the rule's own condition, for a raised outcome: only where it is true can a leaf decide alone.
    """

    owner: str
    when: Condition
    guard: Condition | None
    leaves: tuple[Leaf, ...]


class Plan:
    """The decisions and limits of one ruleset, and the goals made of them."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.decisions = tuple(_decisions(ruleset))
        found = [leaf for decision in self.decisions for leaf in decision.leaves]
        self.limits = tuple(dict.fromkeys((leaf.input, leaf.limit) for leaf in found if isinstance(leaf, Compare)))
        self._openable: dict[str, bool] = {}

    @cached_property
    def goals(self) -> tuple[CoverageGoal, ...]:
        """Every goal, by measure, in the ruleset's order."""
        return (
            *_ruled(CoverageMeasure.RULES, self.ruleset.rules),
            *_ruled(CoverageMeasure.FLOORS, self.ruleset.floors),
            *self._of_outcomes(),
            *_ruled(CoverageMeasure.INFERENCES, self.ruleset.inferences),
            *self._possible(),
            *self._of_conditions(),
            *self._of_limits(),
            *self._of_choices(),
            *self._of_independence(),
        )

    def can_be_open(self, condition: Condition) -> bool:
        """Whether some finding that the condition hangs on can be open, and leave it so; may be too hopeful."""
        return any(map(self._leaf_can_be_open, leaves(condition)))

    def _leaf_can_be_open(self, leaf: Leaf) -> bool:
        match leaf:
            case Inferred(name):
                if name not in self._openable:
                    self._openable[name] = self.can_be_open(self.ruleset.inferences[name].when)
                return self._openable[name]
            case IsOpen() | Unless():
                return False
            case _:
                return self.ruleset.input_behind(leaf.input).asked_of is not AskedOf.SERVICE

    def _possible(self) -> Iterator[CoverageGoal]:
        statements = {rule.id: rule.when for rule in self.ruleset.rules_and_floors}
        statements |= {name: inference.when for name, inference in self.ruleset.inferences.items()}
        for owner, when in statements.items():
            if self.can_be_open(when):
                yield CoverageGoal(CoverageMeasure.POSSIBLE, owner, "", (Side.OPEN,))

    def _of_outcomes(self) -> Iterator[CoverageGoal]:
        for rule in self.ruleset.rules_and_floors:
            for index, outcome in enumerate(rule.outcomes):
                sides = (Side.TRUE,) if outcome.when is None else (Side.TRUE, Side.FALSE)
                for side in sides:
                    yield CoverageGoal(CoverageMeasure.OUTCOMES, outcome_key(rule.id, index), "", (side,))
            if isinstance(rule, Floor):
                for code in dict.fromkeys(code for _, code in rule.raise_one):
                    yield CoverageGoal(CoverageMeasure.OUTCOMES, rule.id, code, (Side.GIVEN,))
        yield CoverageGoal(CoverageMeasure.OUTCOMES, DEFAULT, "", (Side.GIVEN,))

    def _of_conditions(self) -> Iterator[CoverageGoal]:
        for decision in self.decisions:
            for number, leaf in enumerate(decision.leaves):
                sides = (Side.TRUE, Side.FALSE, Side.OPEN) if self.can_be_open(leaf) else (Side.TRUE, Side.FALSE)
                for side in sides:
                    yield CoverageGoal(CoverageMeasure.CONDITIONS, decision.owner, str(number), (side,))

    def _of_independence(self) -> Iterator[CoverageGoal]:
        for decision in self.decisions:
            for number in range(len(decision.leaves)):
                yield CoverageGoal(CoverageMeasure.MCDC, decision.owner, str(number), (Side.TRUE, Side.FALSE))

    def _of_limits(self) -> Iterator[CoverageGoal]:
        for finding, limit in self.limits:
            asked = self.ruleset.inputs[finding]
            sides = [Side.AT]
            if asked.minimum is None or limit > asked.minimum:
                sides.insert(0, Side.BELOW)
            if asked.maximum is None or limit < asked.maximum:
                sides.append(Side.ABOVE)
            for side in sides:
                yield CoverageGoal(CoverageMeasure.THRESHOLDS, finding, str(limit), (side,))

    def _of_choices(self) -> Iterator[CoverageGoal]:
        for asked in self.ruleset.inputs.values():
            if asked.kind is InputKind.CHOICE:
                for choice in asked.choices:
                    yield CoverageGoal(CoverageMeasure.CHOICES, asked.name, choice.value, (Side.GIVEN,))


def _ruled(measure: CoverageMeasure, owners: Iterable[str]) -> Iterator[CoverageGoal]:
    for owner in owners:
        yield CoverageGoal(measure, owner, "", (Side.TRUE,))
        yield CoverageGoal(measure, owner, "", (Side.FALSE,))


def step(limit: float | Decimal) -> Decimal:
    """One in the last decimal place in which a limit is written: 38 -> 1, 37.5 -> 0.1, 0.25 -> 0.01."""
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
        if not inference.rules:  # what rules infer holds where they do: their conditions are counted already
            yield inference.name, inference.when, None
    for conflict in ruleset.conflicts.values():
        yield conflict.id, conflict.when, None
    if ruleset.validity.sooner is not None:
        yield SOONER, ruleset.validity.sooner, None
