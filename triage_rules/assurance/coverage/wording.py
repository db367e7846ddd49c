"""Puts what no case shows into words that somebody who does not program can act on."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from triage_rules.assurance.coverage.goals import DEFAULT, CoverageGoal, CoverageMeasure, Plan, Side, step
from triage_rules.evaluation.signals import SOONER
from triage_rules.language.conditions import Leaf
from triage_rules.language.model import Compare, Floor, Inferred, IsOpen, OneOf, Rule, Ruleset, Unless, Yes
from triage_rules.language.wording import limit_in_words

_STATEMENTS = {
    Side.TRUE: "no case where it holds",
    Side.FALSE: "no case that rules it out",
    Side.OPEN: "no case that leaves it open",
}

_RULES = {
    Side.TRUE: "never established: no case where it fires",
    Side.FALSE: "no case that rules it out",
    Side.OPEN: "no case where it is still possible",
}

_VALUES = {Side.TRUE: "is true", Side.FALSE: "is false", Side.OPEN: "is open"}


def describe_gap(plan: Plan, goal: CoverageGoal, unseen: Collection[Side]) -> str:
    """What no case shows of a goal, without its owner: "no case where `febrile` alone decides"."""
    side = goal.sides[0]
    match goal.measure:
        case CoverageMeasure.RULES | CoverageMeasure.FLOORS:
            return _RULES[side]
        case CoverageMeasure.POSSIBLE:
            return (_STATEMENTS if goal.owner in plan.ruleset.inferences else _RULES)[side]
        case CoverageMeasure.INFERENCES:
            return _STATEMENTS[side]
        case CoverageMeasure.OUTCOMES:
            return _outcome(plan.ruleset, goal)
        case CoverageMeasure.CONDITIONS:
            return f"no case where {leaf_in_words(plan, goal)} {_VALUES[side]}"
        case CoverageMeasure.MCDC:
            return _alone(plan, goal, unseen)
        case CoverageMeasure.THRESHOLDS:
            return _limit(goal)
        case CoverageMeasure.CHOICES:
            return f"no case with the answer `{goal.part}`"


def title(plan: Plan, owner: str) -> str:
    """What an owner is, in the ruleset's words; empty if its name says it."""
    ruleset = plan.ruleset
    rule = _rule(ruleset, owner)
    if rule is not None:
        return rule.title
    if owner in ruleset.inferences:
        return ruleset.inferences[owner].says
    if owner in ruleset.inputs:
        return ruleset.inputs[owner].question
    if owner in ruleset.conflicts:
        return ruleset.conflicts[owner].says
    return {SOONER: "When a result expires sooner", DEFAULT: "No rule is established"}.get(owner, "")


def group(owner: str) -> str:
    """The owner under which a goal is told: a raised outcome stands with its rule."""
    return owner.partition("+")[0]


def leaf_in_words(plan: Plan, goal: CoverageGoal) -> str:
    """The leaf of a goal, and which one if its owner has it several times: "`a` (the 2nd of 3)"."""
    (decision,) = (decision for decision in plan.decisions if decision.owner == goal.owner)
    number = int(goal.part)
    leaf = decision.leaves[number]
    twins = [n for n, other in enumerate(decision.leaves) if other == leaf]
    if len(twins) == 1:
        return _leaf(leaf)
    return f"{_leaf(leaf)} (number {twins.index(number) + 1} of {len(twins)} there)"


def _leaf(leaf: Leaf) -> str:
    match leaf:
        case Inferred(name) | Yes(name):
            return f"`{name}`"
        case Compare(finding):
            return f"`{finding}: {limit_in_words(leaf)}`"
        case OneOf(finding, values):
            return f"`{finding}: {' or '.join(values)}`"
        case IsOpen(finding):
            return f"`open: {finding}`"
        case Unless(Inferred(name) | Yes(name)):
            return f"`unless: {name}`"


def _alone(plan: Plan, goal: CoverageGoal, unseen: Collection[Side]) -> str:
    leaf = leaf_in_words(plan, goal)
    if len(unseen) == len(goal.sides):
        return f"no case where {leaf} alone decides"
    (side,) = unseen
    return f"no case where {leaf} {_VALUES[side]} and that alone decides (the opposite is shown)"


def _outcome(ruleset: Ruleset, goal: CoverageGoal) -> str:
    if goal.owner == DEFAULT:
        return "no case where no rule fires"
    if goal.part:
        return f"no case that it raises to {goal.part}"
    rule = _rule(ruleset, goal.owner)
    assert rule is not None  # outcomes belong to rules and floors
    code = rule.outcomes[int(goal.owner.partition("+")[2] or 0)].disposition
    if goal.sides == (Side.TRUE,):
        return f"no case where it comes to {code}"
    return f"no case where it fires and is surely not raised to {code}"


def _limit(goal: CoverageGoal) -> str:
    limit = Decimal(goal.part)
    match goal.sides[0]:
        case Side.BELOW:
            return f"no case just below the limit {goal.part}: {limit - step(limit)}, or nearer"
        case Side.ABOVE:
            return f"no case just above the limit {goal.part}: {limit + step(limit)}, or nearer"
        case _:
            return f"no case with exactly {goal.part}, a limit"


def _rule(ruleset: Ruleset, owner: str) -> Rule | Floor | None:
    rule = group(owner)
    return ruleset.rules.get(rule) or ruleset.floors.get(rule)
