"""What no report can bring about: rules, outcomes, statements and parts of conditions, with what stands in the way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import (
    Written,
    condition_text,
    join_conditions,
    place_at,
    written,
)
from triage_rules.evaluation.signals import outcome_key
from triage_rules.language.check_types import CheckType, Family
from triage_rules.language.conditions import conjuncts
from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Condition,
    Floor,
    Inferred,
    IsOpen,
    Not,
    Rule,
    Unless,
)

FAMILY = Family.REACH
PARTS = Family.PARTS

LARGEST_EXACT = 3
"""Up to so many conditions, the smallest set that can't hold is looked for among all sets; beyond, a set of which
none can be left out is told."""

MOST_EXACT = 12
"""Of so many conditions at most."""


def find_unreachable(asking: CheckContext) -> Iterator[Finding]:
    """Rules, floors, outcomes, inferences and conflicts that are never established."""
    ruleset = asking.ruleset
    rules = {rule.id: rule for rule in ruleset.rules_and_floors}
    own = [w.owner for w in written(ruleset) if w.owner in ruleset.inferences]
    for key in asking.each(FAMILY, [*own, *ruleset.conflicts, *rules]):
        if key in rules:
            yield from _rule(asking, rules[key])
        elif asking.unreachable(FAMILY, key):
            yield _statement(asking, key)


def _statement(asking: CheckContext, key: str) -> Finding:
    conflict = asking.ruleset.conflicts.get(key)
    when = conflict.when if conflict else asking.ruleset.inferences[key].when
    what = "the conflict" if conflict else "the statement"
    place = place_at(asking.root, ("conflicts" if conflict else "inferences", key))
    found = Finding(CheckType.UNREACHABLE_STATEMENT, place, key, f"{what} `{key}` can never hold")
    return _never(asking, found, when)


def _rule(asking: CheckContext, rule: Rule | Floor) -> Iterator[Finding]:
    section = "rules" if isinstance(rule, Rule) else "safety_net"
    what = "the rule" if isinstance(rule, Rule) else "the floor"
    place = place_at(asking.root, (section, rule.id))
    if asking.unreachable(FAMILY, rule.id):
        message = f"{what} `{rule.id}` ({rule.title}) can never fire"
        yield _never(asking, Finding(CheckType.UNREACHABLE_RULE, place, rule.id, message), rule.when)
        return
    for index, outcome in enumerate(rule.outcomes):
        if outcome.when is not None and asking.unreachable(FAMILY, outcome_key(rule.id, index)):
            message = f"{what} `{rule.id}` ({rule.title}) can never be raised to `{outcome.disposition}`"
            there = place_at(asking.root, (section, rule.id, "raised", index - 1))
            whole = All((rule.when, outcome.when))
            yield _never(asking, Finding(CheckType.UNREACHABLE_OUTCOME, there, rule.id, message), whole)


def _never(asking: CheckContext, found: Finding, when: Condition) -> Finding:
    """The finding, with what of the condition can't hold."""
    core = smallest_conflict(asking, found.of, conjuncts(when))
    why = (
        f"{condition_text(core[0])} can never be" if len(core) == 1 else f"{join_conditions(core)} can't hold together"
    )
    others = tuple(part.name for part in core if isinstance(part, Inferred))
    return replace(
        found, message=f"{found.message}: {why}. No report does; this is proved.", others=others, proved=True
    )


def smallest_conflict(asking: CheckContext, of: str, parts: list[Condition]) -> list[Condition]:
    """The fewest of these conditions, which never hold together, that already don't."""
    unique = list(dict.fromkeys(parts))

    def excluded(some: list[Condition]) -> bool:
        return asking.impossible(FAMILY, of, *(asking.encoding.true(part) for part in some))

    if len(unique) <= MOST_EXACT:
        for size in range(1, min(LARGEST_EXACT, len(unique)) + 1):
            for some in itertools.combinations(unique, size):
                if excluded(list(some)):
                    return list(some)
    kept = unique
    for part in unique:
        without = [other for other in kept if other is not part]
        if without and excluded(without):
            kept = without
    return kept


# --- within conditions ---


def find_dead_conditions(asking: CheckContext) -> Iterator[Finding]:
    """Parts that never come true of conditions that do; and statements under one `all` that exclude each other."""
    conditions: dict[str, list[Written]] = {}
    for one in written(asking.ruleset):
        conditions.setdefault(one.owner, []).append(one)
    for owner in asking.each(PARTS, conditions):
        for one in conditions[owner]:
            yield from _within(asking, one)


def _within(asking: CheckContext, one: Written) -> Iterator[Finding]:
    place = place_at(asking.root, one.path)
    seen: set[tuple[str, str]] = set()
    for condition in _alls(one.condition):
        for pair in _exclusive(asking, one.owner, condition):
            if pair not in seen:
                seen.add(pair)
                told = f"`{one.owner}`: {pair[0]} and {pair[1]} stand under one `all`, and never hold together"
                found = CheckType.CONTRADICTING_STATEMENTS
                names = tuple(name.strip("`").removeprefix("not `") for name in pair)
                yield Finding(found, place, one.owner, f"{told}. No report does; this is proved.", names, True)
    if asking.impossible(PARTS, one.owner, asking.encoding.true(one.condition)):
        return  # told of as unreachable
    for dead, holds in _dead(asking, one.owner, one.condition, True):
        if holds and isinstance(dead, All) and any(_exclusive(asking, one.owner, dead)):
            continue
        told = condition_text(dead) if holds else f"not {condition_text(dead)}"
        why = _why(asking, one.owner, dead) if holds else ""
        message = f"in the condition of `{one.owner}`, the part {told} can never be true{why}; the rest can"
        yield Finding(CheckType.DEAD_CONDITION, place, one.owner, f"{message}. This is proved.", (), True)


def _why(asking: CheckContext, of: str, dead: Condition) -> str:
    parts = conjuncts(dead)
    core = smallest_conflict(asking, of, parts) if len(parts) > 1 else parts
    return f" ({join_conditions(core)} can't hold together)" if len(core) < len(parts) else ""


def _alls(condition: Condition) -> Iterator[All]:
    """The outermost `all` of each kind of place: one within another is part of it."""
    match condition:
        case All():
            yield condition
            for part in conjuncts(condition):
                yield from _alls(part)
        case Any(parts) | AtLeast(_, parts):
            for part in parts:
                yield from _alls(part)


def _exclusive(asking: CheckContext, of: str, condition: All) -> Iterator[tuple[str, str]]:
    """Pairs of statements in it that never hold together, each of which may hold."""
    if not asking.impossible(PARTS, of, asking.encoding.true(condition)):
        return
    true = asking.encoding.true
    statements = [part for part in dict.fromkeys(conjuncts(condition)) if _statement_of(part)]
    alive = [part for part in statements if not asking.impossible(PARTS, of, true(part))]
    for one, other in itertools.combinations(alive, 2):
        if asking.impossible(PARTS, of, true(one), true(other)):
            yield condition_text(one), condition_text(other)


def _statement_of(condition: Condition) -> bool:
    inner = condition.part if isinstance(condition, Not) else condition
    return isinstance(inner, Inferred)


def _dead(asking: CheckContext, of: str, condition: Condition, side: bool) -> Iterator[tuple[Condition, bool]]:
    """The innermost parts that never come out on this side, and the side."""
    match condition:
        case Not(part):
            yield from _dead(asking, of, part, not side)
            return
        case Inferred() | Unless() | IsOpen():
            return  # a statement is looked at where it is defined
        case All(parts) | Any(parts) | AtLeast(_, parts):
            below = [found for part in parts for found in _dead(asking, of, part, side)]
            if below:
                yield from below
                return
    formula = asking.encoding.true(condition) if side else asking.encoding.false(condition)
    if asking.impossible(PARTS, of, formula):
        yield condition, side
