"""Rulesets made at random with all that an interview goes by: audiences, gates, expected answers, panels, screens."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.support.rulesets.generated import Vocabulary, make_answer, make_gate, make_report, make_ruleset
from triage_rules.evaluation.answers import UNKNOWN
from triage_rules.language.model import Answers, AskedOf, Input, InputKind, Ruleset, ScreenPlan
from triage_rules.records.reports import History

OTHERS = (AskedOf.PRIVATE, AskedOf.MEASURED, AskedOf.LABORATORY, AskedOf.CLINICIAN)


def make_interviewed(
    random: Random, *, inputs: int = 8, statements: int = 6, rules: int = 8, depth: int = 3
) -> Ruleset:
    """A ruleset as `make_ruleset` makes it; some inputs are for others than anyone, or available only by answers."""
    ruleset = make_ruleset(random, inputs=inputs, statements=statements, rules=rules, depth=depth)
    danger = {name for panel in ruleset.panels.values() if panel.immediate_danger for name in panel.inputs}
    lines = {name for panel in ruleset.panels.values() for name in panel.inputs}
    made: dict[str, Input] = {}
    for name, read in ruleset.inputs.items():
        if read.asked_of is AskedOf.SERVICE:
            made[name] = read
            continue
        asked_of = random.choice(OTHERS) if name not in lines and random.random() < 0.3 else read.asked_of
        available = None
        if made and name not in danger and random.random() < 0.2:
            words = Vocabulary(dict(ruleset.inputs), dict(ruleset.mentions))
            available = make_gate(random, words, dict(ruleset.inferences), list(made))
        made[name] = replace(read, asked_of=asked_of, available_if=available)
    return with_another_order(random, replace(ruleset, inputs=made))


def with_another_order(random: Random, ruleset: Ruleset) -> Ruleset:
    """The ruleset with other expected answers and screens, which may only change the order of asking."""
    inputs = {
        name: replace(read, expected=_make_expected(random, read)) if read.asked_of is not AskedOf.SERVICE else read
        for name, read in ruleset.inputs.items()
    }
    lines = {name for panel in ruleset.panels.values() for name in panel.inputs}
    single = [name for name, read in inputs.items() if name not in lines and read.asked_of is not AskedOf.SERVICE]
    random.shuffle(single)
    shared: list[str | tuple[str, ...]] = [name for name in ruleset.panels if random.random() < 0.7]
    while single and random.random() < 0.7:
        size = random.randint(1, 3)
        shared.append(tuple(single[:size]))
        single = single[size:]
    random.shuffle(shared)
    first = random.randint(0, min(2, len(shared)))
    return replace(ruleset, inputs=inputs, screens=ScreenPlan(tuple(shared[:first]), tuple(shared[first:])))


def _make_expected(random: Random, read: Input) -> str | float | bool | None:
    if read.kind is InputKind.TEXT or random.random() < 0.4:
        return None
    if read.minimum is not None or any(choice.means_open for choice in read.choices):
        values = [choice.value for choice in read.choices if not choice.means_open]
        return random.choice(values) if values else read.minimum
    return make_answer(random, read)


def make_partial(random: Random, ruleset: Ruleset) -> tuple[Answers, History]:
    """A report as posted, with some answers "unknown", and a history."""
    answers, history = make_report(random, ruleset)
    share = random.choice([0, 0.2, 0.6])
    unknown = [
        name
        for name, read in ruleset.inputs.items()
        if name not in answers and read.asked_of is not AskedOf.SERVICE and random.random() < share
    ]
    return answers | dict.fromkeys(unknown, UNKNOWN), history
