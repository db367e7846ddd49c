"""The logical rulesets for all engines, generated from a seed, in the types of our engine.

A rule is a conjunction of answers; one in five contains an alternative. Rules of the second layer read a statement
that a rule of the first infers. No rule negates a statement or uses `open`, because few peers can. An open input makes
no condition true, so "not answered" and "false" lead every engine to the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from triage_rules.language.model import (
    All,
    Answers,
    Any,
    Choice,
    Compare,
    Condition,
    Default,
    Disposition,
    Inference,
    Inferred,
    Input,
    InputKind,
    Level,
    Not,
    OneOf,
    Op,
    Rule,
    RuleOutcome,
    Ruleset,
    Source,
    Validity,
    Value,
    Yes,
)

FINDINGS = 70
"""Inputs of a ruleset, unless the measurement is about their number: red-dots has as many."""

DEFAULT = "M1"
LEVELS = {"U1": Level.URGENT, "M1": Level.MONITOR, "R1": Level.ROUTINE}
CHOICES = ("none", "some", "much", "severe")
SOURCE = Source("made for measuring")


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a generated ruleset. `layers` 2: half the rules read statements that the other half infers."""

    rules: int
    layers: int = 1
    answers: int = FINDINGS

    def __str__(self) -> str:
        return f"{self.rules} rules, {'one layer' if self.layers == 1 else 'two layers'}"


def make_ruleset(shape: Shape) -> Ruleset:
    """Generate a ruleset; equal shapes give equal rulesets."""
    random = Random(f"{shape.rules}/{shape.layers}/{shape.answers}")
    inputs = {asked.name: asked for asked in map(_input, range(shape.answers))}
    first = shape.rules if shape.layers == 1 else shape.rules // 2
    rules: dict[str, Rule] = {}
    inferences: dict[str, Inference] = {}
    for number in range(shape.rules):
        name, says = f"R{number}", f"s{number}"
        if number < first:
            when = _condition(random, inputs, random.choice([2, 3, 3, 4]))
        else:
            statements = tuple(Inferred(f"s{n}") for n in random.sample(range(first), 2))
            stated = statements[0] if random.random() < 0.5 else Any(statements)
            when = All((stated, _leaf(random, random.choice(list(inputs.values())))))
        infers = says if shape.layers > 1 and number < first else None
        rules[name] = _rule(name, when, random.choice("UMMRR") + "1", infers)
        if infers is not None:
            inferences[says] = Inference(says, f"statement {number}", when, rules=(name,))
    return _ruleset(inputs, inferences, rules)


def make_reports(ruleset: Ruleset, count: int, open_share: float) -> list[Answers]:
    """Generate `count` different reports with that share of open findings."""
    random = Random(f"{len(ruleset.inputs)}/{count}/{open_share}")
    return [
        {name: _answer(random, asked) for name, asked in ruleset.inputs.items() if random.random() >= open_share}
        for _ in range(count)
    ]


def _input(number: int) -> Input:
    """Generate an input; of ten, six are yes/no, two numbers, two choices."""
    kind = [InputKind.YES_NO] * 6 + [InputKind.NUMBER] * 2 + [InputKind.CHOICE] * 2
    own = kind[number % 10]
    choices = tuple(Choice(value, value) for value in CHOICES) if own is InputKind.CHOICE else ()
    return Input(f"f{number}", own, f"Question {number}?", "group", choices=choices)


def _answer(random: Random, asked: Input) -> Value:
    """Generate an answer; one in four is yes."""
    match asked.kind:
        case InputKind.YES_NO:
            return random.random() < 0.25
        case InputKind.CHOICE:
            return random.choice(CHOICES)
        case _:
            return round(random.uniform(0, 100), 1)


def _condition(random: Random, inputs: dict[str, Input], parts: int) -> Condition:
    leaves = [_leaf(random, asked) for asked in random.sample(list(inputs.values()), parts + 1)]
    alternative = leaves.pop()
    if random.random() < 0.2:
        leaves[0] = Any((leaves[0], alternative))
    return All(tuple(leaves))


def _leaf(random: Random, asked: Input) -> Condition:
    match asked.kind:
        case InputKind.YES_NO:
            return Yes(asked.name) if random.random() < 0.8 else Not(Yes(asked.name))
        case InputKind.CHOICE:
            return OneOf(asked.name, tuple(random.sample(CHOICES, random.choice([1, 1, 2]))))
        case _:
            if random.random() < 0.5:
                return Compare(asked.name, Op.AT_LEAST, random.choice([60, 75, 90]))
            return Compare(asked.name, Op.LESS_THAN, random.choice([10, 25, 40]))


def _rule(name: str, when: Condition, code: str, infers: str | None) -> Rule:
    return Rule(
        name, f"Rule {name}", when, (RuleOutcome(code),), f"Because of {name}.", SOURCE, "us", "2030-01-01", infers
    )


def _ruleset(inputs: dict[str, Input], inferences: dict[str, Inference], rules: dict[str, Rule]) -> Ruleset:
    return Ruleset(
        name="measured",
        version="1.0.0",
        title="made for measuring",
        description="",
        owner="us",
        approved_by=None,
        approved_on=None,
        inputs=inputs,
        mentions={},
        inferences=inferences,
        rules=rules,
        floors={},
        conflicts={},
        mandatory=(),
        dispositions={code: Disposition(code, level, 60, code, code, code) for code, level in LEVELS.items()},
        default=Default(DEFAULT, "nothing matched", ("no_rule_matched",)),
        validity=Validity(1440),
        always_patient="always",
        always_clinician="always",
    )
