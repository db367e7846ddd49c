"""A ruleset with hundreds of conditions that one report can satisfy, and the reports that do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.support.rulesets.generated import SOURCE, make_ruleset
from triage_rules.language.model import (
    Answers,
    Any,
    Choice,
    Compare,
    Condition,
    Inference,
    Inferred,
    Input,
    InputKind,
    IsOpen,
    Level,
    Not,
    OneOf,
    Op,
    Rule,
    RuleOutcome,
    Ruleset,
    Unless,
    Validity,
    Yes,
)

YES_NO, NUMBERS, CHOICES = 150, 20, 30
LIMIT = 38.5
LIMITS = tuple(LIMIT + step for step in (-2.0, -0.1, 0.0, 0.1, 2.0))


def wide_ruleset() -> Ruleset:
    """More than a thousand rules of one condition each, others over the statements that they make."""
    inputs = [Input(f"y{n}", InputKind.YES_NO, "?", "g") for n in range(YES_NO)]
    inputs += [Input(f"n{n}", InputKind.NUMBER, "?", "g") for n in range(NUMBERS)]
    choices = (Choice("a", "A"), Choice("b", "B"), Choice("c", "C"))
    inputs += [Input(f"c{n}", InputKind.CHOICE, "?", "g", choices=choices) for n in range(CHOICES)]
    whens: list[Condition] = []
    for asked in inputs:
        whens.append(IsOpen(asked.name))
        match asked.kind:
            case InputKind.YES_NO:
                whens += [Yes(asked.name), Not(Yes(asked.name))]
            case InputKind.NUMBER:
                whens += [Compare(asked.name, op, limit) for op in Op for limit in LIMITS]
            case _:
                whens += [OneOf(asked.name, ("a",)), Not(OneOf(asked.name, ("a", "b")))]
    inferences = {f"s{n}": Inference(f"s{n}", "s", when) for n, when in enumerate(whens[::3])}
    whens += [Unless(Inferred(name)) for name in inferences]
    whens.append(Any(tuple(map(Inferred, list(inferences)[:100]))))
    codes = {Level.URGENT: "U2", Level.MONITOR: "M1", Level.ROUTINE: "R1"}
    rules = {
        f"R{n}": Rule(f"R{n}", "t", when, (RuleOutcome(codes[Level(n % 3)]),), "r", SOURCE, "us", "2030-01-01")
        for n, when in enumerate(whens)
    }
    return replace(
        make_ruleset(Random(0)),
        inputs={asked.name: asked for asked in inputs},
        mentions={},
        mandatory=(),
        inferences=inferences,
        rules=rules,
        floors={},
        conflicts={},
        validity=Validity(1440),
    )


def at_every_limit(ruleset: Ruleset) -> Iterator[Answers]:
    """Nothing answered; then all of it, every answer alike, for each answer there is."""
    yield {}
    numbers = [beside for limit in LIMITS for beside in (limit, math.nextafter(limit, 0), math.nextafter(limit, 99))]
    for place, number in enumerate([*numbers, 0, -1e15, 1e15]):
        answers: Answers = {}
        for name, asked in ruleset.inputs.items():
            match asked.kind:
                case InputKind.YES_NO:
                    answers[name] = place % 2 == 0
                case InputKind.NUMBER:
                    answers[name] = number
                case _:
                    answers[name] = "abc"[place % 3]
        yield answers
