"""Rules, outcomes, statements and parts of conditions that no report can make true, each with the conflict."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from triage_rules.assurance.checking.context import CheckContext, Finding
from triage_rules.assurance.checking.written_conditions import (
    WrittenCondition,
    condition_text,
    join_conditions,
    place_at,
    written_conditions,
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
"""Size up to which every set of conditions is tried for the smallest conflict; a larger conflict is only minimal."""

MOST_EXACT = 12
"""Number of conditions up to which sets are tried."""


def find_unreachable(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each rule, floor, outcome, inference and conflict that is never established."""
    ruleset = context.ruleset
    rules = {rule.id: rule for rule in ruleset.rules_and_floors}
    statements = [w.owner for w in written_conditions(ruleset) if w.owner in ruleset.inferences]
    for key in context.each(FAMILY, [*statements, *ruleset.conflicts, *rules]):
        if key in rules:
            yield from _check_rule(context, rules[key])
        elif context.unreachable(FAMILY, key):
            yield _report_statement(context, key)


def _report_statement(context: CheckContext, key: str) -> Finding:
    conflict = context.ruleset.conflicts.get(key)
    when = conflict.when if conflict else context.ruleset.inferences[key].when
    kind = "the conflict" if conflict else "the statement"
    place = place_at(context.root, ("conflicts" if conflict else "inferences", key))
    finding = Finding(CheckType.UNREACHABLE_STATEMENT, place, key, f"{kind} `{key}` can never be true")
    return _explain(context, finding, when)


def _check_rule(context: CheckContext, rule: Rule | Floor) -> Iterator[Finding]:
    section = "rules" if isinstance(rule, Rule) else "safety_net"
    kind = "the rule" if isinstance(rule, Rule) else "the floor"
    place = place_at(context.root, (section, rule.id))
    if context.unreachable(FAMILY, rule.id):
        message = f"{kind} `{rule.id}` ({rule.title}) can never fire"
        yield _explain(context, Finding(CheckType.UNREACHABLE_RULE, place, rule.id, message), rule.when)
        return
    for index, outcome in enumerate(rule.outcomes):
        if outcome.when is not None and context.unreachable(FAMILY, outcome_key(rule.id, index)):
            message = f"{kind} `{rule.id}` ({rule.title}) can never be raised to `{outcome.disposition}`"
            place = place_at(context.root, (section, rule.id, "raised", index - 1))
            whole = All((rule.when, outcome.when))
            yield _explain(context, Finding(CheckType.UNREACHABLE_OUTCOME, place, rule.id, message), whole)


def _explain(context: CheckContext, finding: Finding, when: Condition) -> Finding:
    """Add to the finding the smallest part of the condition that can't be true."""
    core = smallest_conflict(context, finding.of, conjuncts(when))
    why = (
        f"{condition_text(core[0])} can never be true"
        if len(core) == 1
        else f"{join_conditions(core)} can't be true together"
    )
    others = tuple(part.name for part in core if isinstance(part, Inferred))
    return replace(
        finding, message=f"{finding.message}: {why}. This is proved for every report.", others=others, proved=True
    )


def smallest_conflict(context: CheckContext, of: str, parts: list[Condition]) -> list[Condition]:
    """Return the fewest of these conditions that can't be true together; all of them together can't."""
    unique = list(dict.fromkeys(parts))

    def is_conflict(subset: list[Condition]) -> bool:
        return context.impossible(FAMILY, of, *(context.encoding.true(part) for part in subset))

    if len(unique) <= MOST_EXACT:
        for size in range(1, min(LARGEST_EXACT, len(unique)) + 1):
            for subset in itertools.combinations(unique, size):
                if is_conflict(list(subset)):
                    return list(subset)
    kept = unique
    for part in unique:
        without = [other for other in kept if other is not part]
        if without and is_conflict(without):
            kept = without
    return kept


# --- within conditions ---


def find_dead_conditions(context: CheckContext) -> Iterator[Finding]:
    """Yield parts of conditions that are never true, and statements under one `all` that exclude each other."""
    conditions: dict[str, list[WrittenCondition]] = {}
    for entry in written_conditions(context.ruleset):
        conditions.setdefault(entry.owner, []).append(entry)
    for owner in context.each(PARTS, conditions):
        for entry in conditions[owner]:
            yield from _check_parts(context, entry)


def _check_parts(context: CheckContext, entry: WrittenCondition) -> Iterator[Finding]:
    place = place_at(context.root, entry.path)
    seen: set[tuple[str, str]] = set()
    for condition in _alls(entry.condition):
        for pair in _exclusive(context, entry.owner, condition):
            if pair not in seen:
                seen.add(pair)
                conflict = (
                    f"`{entry.owner}`: {pair[0]} and {pair[1]} stand under one `all`, but are never true together"
                )
                message = f"{conflict}. This is proved for every report."
                names = tuple(name.strip("`").removeprefix("not `") for name in pair)
                yield Finding(CheckType.CONTRADICTING_STATEMENTS, place, entry.owner, message, names, True)
    if context.impossible(PARTS, entry.owner, context.encoding.true(entry.condition)):
        return  # reported as unreachable
    for dead, side in _dead_parts(context, entry.owner, entry.condition, True):
        if side and isinstance(dead, All) and any(_exclusive(context, entry.owner, dead)):
            continue
        part = condition_text(dead) if side else f"not {condition_text(dead)}"
        why = _describe_conflict(context, entry.owner, dead) if side else ""
        message = f"in the condition of `{entry.owner}`, the part {part} can never be true{why}; the rest can"
        yield Finding(CheckType.DEAD_CONDITION, place, entry.owner, f"{message}. This is proved.", (), True)


def _describe_conflict(context: CheckContext, of: str, dead: Condition) -> str:
    parts = conjuncts(dead)
    core = smallest_conflict(context, of, parts) if len(parts) > 1 else parts
    return f" ({join_conditions(core)} can't be true together)" if len(core) < len(parts) else ""


def _alls(condition: Condition) -> Iterator[All]:
    """Yield each outermost `all`; a nested `all` belongs to the outer one."""
    match condition:
        case All():
            yield condition
            for part in conjuncts(condition):
                yield from _alls(part)
        case Any(parts) | AtLeast(_, parts):
            for part in parts:
                yield from _alls(part)


def _exclusive(context: CheckContext, of: str, condition: All) -> Iterator[tuple[str, str]]:
    """Yield pairs of statements under an `all` that are never true together, though each can be true."""
    if not context.impossible(PARTS, of, context.encoding.true(condition)):
        return
    true = context.encoding.true
    statements = [part for part in dict.fromkeys(conjuncts(condition)) if _is_statement(part)]
    alive = [part for part in statements if not context.impossible(PARTS, of, true(part))]
    for first, second in itertools.combinations(alive, 2):
        if context.impossible(PARTS, of, true(first), true(second)):
            yield condition_text(first), condition_text(second)


def _is_statement(condition: Condition) -> bool:
    inner = condition.part if isinstance(condition, Not) else condition
    return isinstance(inner, Inferred)


def _dead_parts(context: CheckContext, of: str, condition: Condition, side: bool) -> Iterator[tuple[Condition, bool]]:
    """Yield the innermost parts that never take this truth value, with the value."""
    match condition:
        case Not(part):
            yield from _dead_parts(context, of, part, not side)
            return
        case Inferred() | Unless() | IsOpen():
            return  # a statement is checked at its definition
        case All(parts) | Any(parts) | AtLeast(_, parts):
            inner = [dead for part in parts for dead in _dead_parts(context, of, part, side)]
            if inner:
                yield from inner
                return
    formula = context.encoding.true(condition) if side else context.encoding.false(condition)
    if context.impossible(PARTS, of, formula):
        yield condition, side
