"""A third way to evaluate: by definition, and over every way to go on answering. Slow, short and on its own.

A connective is evaluated by trying both truths for each open part: what comes out the same either way is so, else
it is open. What answers can still lead to is found by giving them. Every function adds the answers that relevance implies.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

from triage_rules.language.gates import gates_of
from triage_rules.language.model import (
    All,
    Answers,
    Any,
    AskedOf,
    AtLeast,
    Compare,
    Condition,
    Floor,
    Inferred,
    InputKind,
    IsOpen,
    Level,
    Not,
    OneOf,
    Op,
    Rule,
    Ruleset,
    Unless,
    Value,
    Yes,
)

Truth = bool | None


def both_ways(values: list[Truth], plain: Callable[[list[bool]], bool]) -> Truth:
    """Of a two-valued connective, the three-valued one: what it comes to whichever way the open values go."""
    ways = [[value] if value is not None else [True, False] for value in values]
    found = {plain(list(way)) for way in itertools.product(*ways)}
    return found.pop() if len(found) == 1 else None


def truth(ruleset: Ruleset, findings: Answers, condition: Condition) -> Truth:
    """The condition's truth, None for open."""
    return _truth(ruleset, effective(ruleset, findings), condition)


def effective(ruleset: Ruleset, findings: Answers) -> Answers:
    """The answers with those that relevance implies: one more until there are no more."""
    found = dict(findings)
    while implied := next(_implied(ruleset, found), None):
        found |= implied
    return found


def _implied(ruleset: Ruleset, findings: Answers) -> Iterator[Answers]:
    for name, read in ruleset.inputs.items():
        gate = read.relevant
        is_open = name not in findings and gate is not None and gate.otherwise is not None
        if is_open and _truth(ruleset, findings, gate.when) is False:
            yield {name: gate.otherwise}


def _truth(ruleset: Ruleset, findings: Answers, condition: Condition) -> Truth:
    match condition:
        case All(parts):
            return both_ways([_truth(ruleset, findings, part) for part in parts], all)
        case Any(parts):
            return both_ways([_truth(ruleset, findings, part) for part in parts], any)
        case AtLeast(count, parts):
            return both_ways([_truth(ruleset, findings, part) for part in parts], lambda way: sum(way) >= count)
        case Not(part):
            return both_ways([_truth(ruleset, findings, part)], lambda way: not way[0])
        case Unless(part):
            return _truth(ruleset, findings, part) is not True
        case Inferred(name):
            return _truth(ruleset, findings, ruleset.inferences[name].when)
        case IsOpen(finding):
            return finding not in findings
        case Yes(finding) | OneOf(finding) | Compare(finding):
            return _answered(condition, findings[finding]) if finding in findings else None


def _answered(condition: Yes | OneOf | Compare, answer: Value) -> bool:
    match condition:
        case Yes():
            return bool(answer)
        case OneOf(_, values):
            return any(answer == value for value in values)
        case Compare(_, op, limit):
            beyond = float(answer) - float(limit)
            return {
                Op.AT_LEAST: beyond >= 0,
                Op.MORE_THAN: beyond > 0,
                Op.AT_MOST: beyond <= 0,
                Op.LESS_THAN: beyond < 0,
            }[op]


def outcomes(ruleset: Ruleset, findings: Answers) -> dict[str, bool]:
    """For each rule and floor by id, and each raised outcome by id+number: whether it is established."""
    found = {}
    findings = effective(ruleset, findings)
    for rule in ruleset.rules_and_floors:
        held = _truth(ruleset, findings, rule.when) is True
        found[rule.id] = held
        for number, outcome in enumerate(rule.outcomes):
            if outcome.when is not None:
                found[f"{rule.id}+{number}"] = held and _truth(ruleset, findings, outcome.when) is True
    return found


def level(ruleset: Ruleset, findings: Answers) -> Level:
    """The level, as docs/reference/ruleset-language.md says: rules or the default, then floors, then one up."""
    established = outcomes(ruleset, findings)
    reached = _levels(ruleset, list(ruleset.rules.values()), established)
    if not reached:
        reached = [ruleset.dispositions[ruleset.default.disposition].level]
    highest = max(reached + _levels(ruleset, list(ruleset.floors.values()), established))
    raised = any(floor.raise_one and established[floor.id] for floor in ruleset.floors.values())
    return min(Level.URGENT, Level(highest + 1)) if raised and highest < Level.URGENT else highest


def by_rules(ruleset: Ruleset, findings: Answers) -> str | None:
    """The most urgent disposition of established rules, or None."""
    established = outcomes(ruleset, findings)
    return _most_urgent(ruleset, _reached(list(ruleset.rules.values()), established))


def disposition(ruleset: Ruleset, findings: Answers) -> str:
    """The disposition, as docs/reference/ruleset-language.md says; its level is `level`."""
    established = outcomes(ruleset, findings)
    floors = list(ruleset.floors.values())
    start = by_rules(ruleset, findings) or ruleset.default.disposition
    highest = _most_urgent(ruleset, [start, *_reached(floors, established)])
    assert highest is not None
    level_of = {code: one.level for code, one in ruleset.dispositions.items()}
    raised = [
        code for floor in floors if established[floor.id] for to, code in floor.raise_one if to == level_of[highest] + 1
    ]
    return _most_urgent(ruleset, raised) or highest


def _most_urgent(ruleset: Ruleset, codes: list[str]) -> str | None:
    """The highest level's, and of these the first in the file."""
    listed = list(ruleset.dispositions)
    return max(codes, key=lambda code: (ruleset.dispositions[code].level, -listed.index(code)), default=None)


def _reached(rules: list[Rule] | list[Floor], established: dict[str, bool]) -> list[str]:
    return [
        outcome.disposition
        for rule in rules
        for number, outcome in enumerate(rule.outcomes)
        if established[rule.id if number == 0 else f"{rule.id}+{number}"]
    ]


def _levels(ruleset: Ruleset, rules: list[Rule] | list[Floor], established: dict[str, bool]) -> list[Level]:
    return [
        ruleset.dispositions[outcome.disposition].level
        for rule in rules
        for number, outcome in enumerate(rule.outcomes)
        if established[rule.id if number == 0 else f"{rule.id}+{number}"]
    ]


# --- every way to go on ---------------------------------------------------------------------


def answers(ruleset: Ruleset, name: str) -> list[Value]:
    """Answers to an input that stand for all there are: both sides of each limit, and the limit itself."""
    asked = ruleset.inputs[name]
    match asked.kind:
        case InputKind.YES_NO:
            return [True, False]
        case InputKind.CHOICE:
            return [choice.value for choice in asked.choices]
        case InputKind.TEXT:
            return [True]
        case _:
            limits = sorted({leaf.limit for leaf in _compares(ruleset) if leaf.input == name})
            if asked.kind is InputKind.INTEGER:
                return sorted({beside for limit in limits for beside in (limit - 1, limit, limit + 1)} or {0})
            return sorted(
                {math.nextafter(limit, way) for limit in limits for way in (-math.inf, limit, math.inf)} or {0}
            )


def _compares(ruleset: Ruleset) -> Iterator[Compare]:
    conditions = [inference.when for inference in ruleset.inferences.values()]
    for rule in ruleset.rules_and_floors:
        conditions += [rule.when, *(outcome.when for outcome in rule.outcomes if outcome.when is not None)]
    conditions += [conflict.when for conflict in ruleset.conflicts.values()]
    conditions += [] if ruleset.validity.sooner is None else [ruleset.validity.sooner]
    conditions += [when for read in ruleset.inputs.values() for when in gates_of(read)]
    while conditions:
        match conditions.pop():
            case All(parts) | Any(parts) | AtLeast(_, parts):
                conditions += parts
            case Not(part):
                conditions.append(part)
            case Compare() as compare:
                yield compare


def single_answers(ruleset: Ruleset, findings: Answers) -> Iterator[tuple[str, Answers]]:
    """Every way to answer one more finding: its name, and what the evaluators then see."""
    for name in open_inputs(ruleset, findings):
        for way in ways(ruleset, name):
            yield name, {**findings, **way}


def completions(ruleset: Ruleset, findings: Answers) -> Iterator[Answers]:
    """Every way to answer some, all or none of the open findings."""
    each = [[{}, *ways(ruleset, name)] for name in open_inputs(ruleset, findings)]
    for chosen in itertools.product(*each):
        found = dict(findings)
        for way in chosen:
            found |= way
        yield found


def open_inputs(ruleset: Ruleset, findings: Answers) -> list[str]:
    """What could still be answered by somebody."""
    findings = effective(ruleset, findings)
    return [n for n, i in ruleset.inputs.items() if n not in findings and i.asked_of is not AskedOf.SERVICE]


def ways(ruleset: Ruleset, name: str) -> list[Answers]:
    """An answer, together with what a text then mentions."""
    mentions = [mention.name for mention in ruleset.mentions.values() if mention.text == name]
    return [
        {name: answer, **dict(zip(mentions, said, strict=True))}
        for answer in answers(ruleset, name)
        for said in itertools.product([True, False], repeat=len(mentions))
    ]
