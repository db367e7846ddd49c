"""Rulesets and reports made at random from a `random.Random`, for laws that must hold of all of them."""

from __future__ import annotations

from random import Random

from triage_rules.ruleset import (
    All,
    Any,
    AtLeast,
    Choice,
    Compare,
    Condition,
    Conflict,
    Default,
    Disposition,
    Findings,
    Floor,
    Inference,
    Inferred,
    Input,
    IsOpen,
    Kind,
    Level,
    Not,
    OneOf,
    Op,
    Outcome,
    Rule,
    Ruleset,
    Source,
    Unless,
    Validity,
    Yes,
)

DISPOSITIONS = {
    code: Disposition(code, level, minutes, code, f"patient {code}", f"clinician {code}")
    for code, level, minutes in [
        ("U1", Level.URGENT, 0),
        ("U2", Level.URGENT, 60),
        ("M1", Level.MONITOR, 2880),
        ("M2", Level.MONITOR, 10080),
        ("R1", Level.ROUTINE, 20160),
        ("R2", Level.ROUTINE, None),
    ]
}
LIMITS = (0, 1, 2, 2.5, 37.95, 38, 1000)
SOURCE = Source("made")


def make_ruleset(random: Random, *, inputs: int = 8, statements: int = 6, rules: int = 8, depth: int = 3) -> Ruleset:
    """A ruleset with up to that many inputs, statements and rules; conditions nest up to `depth`."""
    asked = {i.name: i for i in (_input(random, n) for n in range(random.randint(1, inputs)))}
    inferences: dict[str, Inference] = {}
    for n in range(random.randint(0, statements)):
        when = make_condition(random, asked, list(inferences), depth)
        inferences[f"s{n}"] = Inference(f"s{n}", f"statement {n}", when)
    names = list(inferences)
    made_rules = {}
    for n in range(random.randint(1, rules)):
        when, outcomes = make_condition(random, asked, names, depth), _outcomes(random, asked, names)
        infers = f"i{n}" if random.random() < 0.4 else None
        made_rules[f"R{n}"] = Rule(f"R{n}", f"rule {n}", when, outcomes, "reason", SOURCE, "us", "2030-01-01", infers)
        if infers:
            inferences[infers] = Inference(infers, infers, when, rules=(f"R{n}",))
            names.append(infers)
    floors = {}
    for n in range(random.randint(0, 3)):
        when = make_condition(random, asked, names, 2)
        raising = n == 2
        floors[f"S{n}"] = Floor(
            f"S{n}",
            f"floor {n}",
            when,
            () if raising else (Outcome(random.choice(["U2", "M1"])),),
            "reason",
            SOURCE,
            "us",
            "2030-01-01",
            raise_one=((Level.MONITOR, "M1"), (Level.URGENT, "U2")) if raising else (),
        )
    conflicts = {"C1": Conflict("C1", make_condition(random, asked, names, 1), "says", ())}
    return Ruleset(
        name="made",
        version="1.0.0",
        title="made",
        description="",
        owner="us",
        approved_by=None,
        approved_on=None,
        inputs=asked,
        mentions={},
        inferences=inferences,
        rules=made_rules,
        floors=floors,
        conflicts=conflicts,
        mandatory=(),
        dispositions=DISPOSITIONS,
        default=Default("M1", "nothing matched", ("no_rule_matched",)),
        validity=Validity(1440, 240, make_condition(random, asked, names, 1)),
        always_patient="always",
        always_clinician="always",
    )


def _input(random: Random, n: int) -> Input:
    kind = random.choice([Kind.YES_NO, Kind.YES_NO, Kind.NUMBER, Kind.INTEGER, Kind.CHOICE])
    choices = tuple(Choice(f"c{i}", f"choice {i}") for i in range(random.randint(2, 4))) if kind is Kind.CHOICE else ()
    bounds = (-10.0, 2000.0) if kind in (Kind.NUMBER, Kind.INTEGER) else (None, None)
    return Input(f"f{n}", kind, f"question {n}?", "group", minimum=bounds[0], maximum=bounds[1], choices=choices)


def _outcomes(random: Random, asked: dict[str, Input], names: list[str]) -> tuple[Outcome, ...]:
    own = random.choice(["U1", "U2", "M1", "M2", "R1", "R2"])
    worse = list(DISPOSITIONS)[: list(DISPOSITIONS).index(own)]
    if not worse or random.random() < 0.6:
        return (Outcome(own),)
    return (Outcome(own), Outcome(random.choice(worse), make_condition(random, asked, names, 1)))


def make_condition(random: Random, asked: dict[str, Input], names: list[str], depth: int) -> Condition:
    """A condition over these inputs and statements."""
    if depth and random.random() < 0.6:
        parts = tuple(make_condition(random, asked, names, depth - 1) for _ in range(random.randint(1, 4)))
        shape = random.randrange(5)
        if shape == 0:
            return Not(parts[0])
        if shape == 1:
            return AtLeast(random.randint(1, len(parts)), parts)
        return All(parts) if shape < 4 and random.random() < 0.6 else Any(parts)
    if names and random.random() < 0.35:
        statement = Inferred(random.choice(names))
        return Unless(statement) if random.random() < 0.2 else statement
    return _leaf(random, random.choice(list(asked.values())))


def _leaf(random: Random, asked: Input) -> Condition:
    if random.random() < 0.12:
        return IsOpen(asked.name)
    match asked.kind:
        case Kind.YES_NO:
            return Unless(Yes(asked.name)) if random.random() < 0.1 else Yes(asked.name)
        case Kind.CHOICE:
            values = [choice.value for choice in asked.choices]
            return OneOf(asked.name, tuple(random.sample(values, random.randint(1, len(values)))))
        case _:
            return Compare(asked.name, random.choice(list(Op)), random.choice(LIMITS))


def make_findings(random: Random, ruleset: Ruleset, share: float | None = None) -> Findings:
    """Answers to about `share` of the inputs (at random if None), often on or beside a limit."""
    share = random.choice([0, 0.3, 0.6, 0.9, 1]) if share is None else share
    return {name: make_answer(random, i) for name, i in ruleset.inputs.items() if random.random() < share}


def make_answer(random: Random, asked: Input) -> bool | int | float | str:
    """One answer that the input takes."""
    match asked.kind:
        case Kind.YES_NO:
            return random.random() < 0.5
        case Kind.CHOICE:
            return random.choice(asked.choices).value
        case Kind.INTEGER:
            return random.choice([-1, 0, 1, 2, 3, 38, 999, 1000, 1001])
        case _:
            near = random.choice(LIMITS) + random.choice([0, 0, 1e-9, -1e-9, 0.1, -0.1, 1e-5])
            return random.choice([near, near, 1e-300, 1999.99, -9.5, 37.949999999999996])


def make_completion(random: Random, ruleset: Ruleset, findings: Findings) -> Findings:
    """The same answers and some more."""
    more = make_findings(random, ruleset)
    return {**more, **findings}
