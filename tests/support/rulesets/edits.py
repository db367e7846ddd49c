"""Edited copies of a ruleset, as somebody might change it, made at random from a `random.Random`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.support.rulesets.generated import CODES
from triage_rules.language.model import (
    All,
    Any,
    AtLeast,
    Compare,
    Condition,
    Inferred,
    Not,
    Op,
    Rule,
    RuleOutcome,
    Ruleset,
)


def edited(random: Random, ruleset: Ruleset) -> Ruleset:
    """The ruleset with up to three edits; some of them change nothing that anybody could notice."""
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        ruleset = random.choice(EDITS)(random, ruleset)
    return ruleset


def _other_condition(random: Random, ruleset: Ruleset) -> Ruleset:
    rule = random.choice(list(ruleset.rules.values()))
    return _with_rule(ruleset, replace(rule, when=_changed(random, rule.when)))


def _other_statement(random: Random, ruleset: Ruleset) -> Ruleset:
    """Not of what rules infer: that follows from the rules."""
    own = [inference for inference in ruleset.inferences.values() if not inference.rules]
    if not own:
        return _other_condition(random, ruleset)
    chosen = random.choice(own)
    inferences = {**ruleset.inferences, chosen.name: replace(chosen, when=_changed(random, chosen.when))}
    return replace(ruleset, inferences=inferences)


def _changed(random: Random, condition: Condition) -> Condition:
    match condition:
        case All(parts) | Any(parts) | AtLeast(_, parts):
            return _changed_group(random, condition, parts)
        case Not(part):
            return part if random.random() < 0.2 else Not(_changed(random, part))
        case Compare(finding, op, limit):
            if random.random() < 0.5:
                return Compare(finding, op, limit + random.choice([1, -1]))
            return Compare(finding, random.choice(list(Op)), limit)
        case _:
            return Not(condition)


def _changed_group(random: Random, group: All | Any | AtLeast, parts: tuple[Condition, ...]) -> Condition:
    number = random.randrange(len(parts))
    if random.random() < 0.2:
        return Any(parts) if isinstance(group, All) else All(parts)
    if len(parts) > 1 and random.random() < 0.4:
        kept = parts[:number] + parts[number + 1 :]
        return AtLeast(min(group.count, len(kept)), kept) if isinstance(group, AtLeast) else type(group)(kept)
    return replace(group, parts=(*parts[:number], _changed(random, parts[number]), *parts[number + 1 :]))


def _other_disposition(random: Random, ruleset: Ruleset) -> Ruleset:
    rule = random.choice(list(ruleset.rules.values()))
    return _with_rule(ruleset, replace(rule, outcomes=(RuleOutcome(random.choice(CODES)),)))


def _other_reason(random: Random, ruleset: Ruleset) -> Ruleset:
    rule = random.choice(list(ruleset.rules.values()))
    return _with_rule(ruleset, replace(rule, reason=f"another {rule.reason}", flags=("new_flag",)))


def _without_rule(random: Random, ruleset: Ruleset) -> Ruleset:
    rules = [rule for rule in ruleset.rules.values() if rule.infers is None]
    if len(ruleset.rules) < 2 or not rules:
        return ruleset
    gone = random.choice(rules).id
    return replace(ruleset, rules={name: rule for name, rule in ruleset.rules.items() if name != gone})


def _without_floor(random: Random, ruleset: Ruleset) -> Ruleset:
    if not ruleset.floors:
        return _without_rule(random, ruleset)
    gone = random.choice(list(ruleset.floors))
    return replace(ruleset, floors={name: floor for name, floor in ruleset.floors.items() if name != gone})


def _other_default(random: Random, ruleset: Ruleset) -> Ruleset:
    default = replace(ruleset.default, disposition=random.choice(["M1", "M2", "U2"]))
    return replace(ruleset, default=default)


def _other_time(random: Random, ruleset: Ruleset) -> Ruleset:
    code = random.choice(list(ruleset.dispositions))
    return replace(
        ruleset, dispositions={**ruleset.dispositions, code: replace(ruleset.dispositions[code], act_within_minutes=30)}
    )


def _other_gate(random: Random, ruleset: Ruleset) -> Ruleset:
    """Another gate on an input, no gate, or none of the answer that it implies."""
    gated = [read for read in ruleset.inputs.values() if read.relevant is not None]
    if not gated:
        return _other_statement(random, ruleset)
    read = random.choice(gated)
    assert read.relevant is not None
    relevant = random.choice(
        [
            None,
            replace(read.relevant, otherwise=None),
            replace(read.relevant, when=_changed(random, read.relevant.when)),
        ]
    )
    return replace(ruleset, inputs={**ruleset.inputs, read.name: replace(read, relevant=relevant)})


def _other_panel(random: Random, ruleset: Ruleset) -> Ruleset:
    """A panel without its first line, with another question, or gone."""
    if not ruleset.panels:
        return _other_reason(random, ruleset)
    panel = random.choice(list(ruleset.panels.values()))
    others = {name: other for name, other in ruleset.panels.items() if name != panel.name}
    changed = random.choice([None, replace(panel, question="Or this?"), replace(panel, lines=panel.lines[1:])])
    return replace(ruleset, panels=others if changed is None else {**others, panel.name: changed})


def _with_rule(ruleset: Ruleset, rule: Rule) -> Ruleset:
    """With the rule in place of the one of its id, and what it infers made anew, as reading does."""
    before = ruleset.rules[rule.id]
    inferences = dict(ruleset.inferences)
    if rule.infers is not None:
        inference = inferences[rule.infers]
        parts = inference.when.parts if len(inference.rules) > 1 or _has_own(inference.when, before) else None
        if parts is None:
            inferences[rule.infers] = replace(inference, when=rule.when)
        else:
            offset = len(parts) - len(inference.rules)
            at = offset + inference.rules.index(rule.id)
            when = Any((*parts[:at], rule.when, *parts[at + 1 :]))
            inferences[rule.infers] = replace(inference, when=when)
    return replace(ruleset, rules={**ruleset.rules, rule.id: rule}, inferences=inferences)


def _has_own(when: Condition, rule: Rule) -> bool:
    """A statement that one rule infers has a definition of its own as well."""
    return when != rule.when and not isinstance(when, Inferred)


EDITS: tuple[Callable[[Random, Ruleset], Ruleset], ...] = (
    _other_condition,
    _other_condition,
    _other_condition,
    _other_statement,
    _other_disposition,
    _other_reason,
    _without_rule,
    _without_floor,
    _other_default,
    _other_time,
    _other_gate,
    _other_gate,
    _other_panel,
)
