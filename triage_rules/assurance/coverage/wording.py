"""Descriptions of coverage gaps, for people who don't program."""

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

_RELEVANCE = {Side.TRUE: "no case where it is relevant", Side.FALSE: "no case where it is not relevant"}

_VALUES = {Side.TRUE: "is true", Side.FALSE: "is false", Side.OPEN: "is open"}


def describe_gap(plan: Plan, goal: CoverageGoal, unseen: Collection[Side]) -> str:
    """Describe a goal that no case shows, without its owner: "no case where `febrile` alone decides"."""
    side = goal.sides[0]
    match goal.measure:
        case CoverageMeasure.RULES | CoverageMeasure.FLOORS:
            return _RULES[side]
        case CoverageMeasure.POSSIBLE:
            return (_STATEMENTS if goal.owner in plan.ruleset.inferences else _RULES)[side]
        case CoverageMeasure.INFERENCES:
            return _STATEMENTS[side]
        case CoverageMeasure.OUTCOMES:
            return _describe_outcome(plan.ruleset, goal)
        case CoverageMeasure.CONDITIONS:
            return f"no case where {leaf_in_words(plan, goal)} {_VALUES[side]}"
        case CoverageMeasure.MCDC:
            return _describe_mcdc(plan, goal, unseen)
        case CoverageMeasure.THRESHOLDS:
            return _describe_limit(goal)
        case CoverageMeasure.CHOICES:
            return f"no case with the answer `{goal.part}`"
        case CoverageMeasure.RELEVANCE:
            return _RELEVANCE[side]


def title(plan: Plan, owner: str) -> str:
    """Return an owner's title in the ruleset's words; empty if its name suffices."""
    ruleset = plan.ruleset
    rule = _find_rule(ruleset, owner)
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
    """Return the owner under which a goal is listed: a raised outcome is listed with its rule."""
    return owner.partition("+")[0]


def leaf_in_words(plan: Plan, goal: CoverageGoal) -> str:
    """Name the leaf of a goal, with its number if its owner has it several times: "`a` (number 2 of 3)"."""
    (decision,) = (decision for decision in plan.decisions if decision.owner == goal.owner)
    number = int(goal.part)
    leaf = decision.leaves[number]
    twins = [n for n, other in enumerate(decision.leaves) if other == leaf]
    if len(twins) == 1:
        return _write_leaf(leaf)
    return f"{_write_leaf(leaf)} (number {twins.index(number) + 1} of {len(twins)})"


def _write_leaf(leaf: Leaf) -> str:
    match leaf:
        case Inferred(name) | Yes(name):
            return f"`{name}`"
        case Compare(name):
            return f"`{name}: {limit_in_words(leaf)}`"
        case OneOf(name, values):
            return f"`{name}: {' or '.join(values)}`"
        case IsOpen(name):
            return f"`open: {name}`"
        case Unless(Inferred(name) | Yes(name)):
            return f"`unless: {name}`"


def _describe_mcdc(plan: Plan, goal: CoverageGoal, unseen: Collection[Side]) -> str:
    leaf = leaf_in_words(plan, goal)
    if len(unseen) == len(goal.sides):
        return f"no case where {leaf} alone decides"
    (side,) = unseen
    return f"no case where {leaf} {_VALUES[side]} and that alone decides (the opposite is shown)"


def _describe_outcome(ruleset: Ruleset, goal: CoverageGoal) -> str:
    if goal.owner == DEFAULT:
        return "no case where no rule fires"
    if goal.part:
        return f"no case that it raises to {goal.part}"
    rule = _find_rule(ruleset, goal.owner)
    assert rule is not None  # outcomes belong to rules and floors
    code = rule.outcomes[int(goal.owner.partition("+")[2] or 0)].disposition
    if goal.sides == (Side.TRUE,):
        return f"no case where it leads to {code}"
    return f"no case where it fires and is certainly not raised to {code}"


def _describe_limit(goal: CoverageGoal) -> str:
    limit = Decimal(goal.part)
    match goal.sides[0]:
        case Side.BELOW:
            return f"no case just below the limit {goal.part}: {limit - step(limit)}, or nearer"
        case Side.ABOVE:
            return f"no case just above the limit {goal.part}: {limit + step(limit)}, or nearer"
        case _:
            return f"no case with exactly {goal.part}, a limit"


def _find_rule(ruleset: Ruleset, owner: str) -> Rule | Floor | None:
    rule = group(owner)
    return ruleset.rules.get(rule) or ruleset.floors.get(rule)
