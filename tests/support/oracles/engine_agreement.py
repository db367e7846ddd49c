"""Engine against reference on made rulesets: what the tests do in small and the campaign in large."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.support.rulesets.generated import make_completion, make_findings, make_ruleset
from triage_rules.evaluation.compiling import compile_ruleset
from triage_rules.evaluation.engine import Engine
from triage_rules.evaluation.reference import Reference
from triage_rules.evaluation.signals import Masks, Numbering, Rails
from triage_rules.language.model import Answers, Ruleset

REPORTS = 10
"""Reports for each made ruleset, one after the other in one engine."""


@dataclass(frozen=True)
class Pair:
    """One report, evaluated both ways. Its seed makes it again, together with those before it in the engine."""

    seed: int
    ruleset: Ruleset
    answers: Answers
    engine: Rails
    reference: Rails


def pairs(seed: int) -> Iterator[Pair]:
    """REPORTS pairs of one made ruleset; now and then a large one."""
    random = Random(seed)
    size = {"inputs": 25, "statements": 25, "rules": 40} if seed % 50 == 0 else {}
    ruleset = make_ruleset(random, **size)
    engine, numbering = Engine(compile_ruleset(ruleset, "made")), Numbering(ruleset)
    for answers in itertools.islice(_reports(random, ruleset), REPORTS):
        yield Pair(seed, ruleset, answers, numbering.rails(engine.run(answers)), Reference(ruleset, answers).rails())
    engine.close()


def masks_by_reference(ruleset: Ruleset, answers: Answers) -> Masks:
    """The rails as the engine gives them, by the reference evaluator."""
    return Numbering(ruleset).masks(Reference(ruleset, answers).rails())


def _reports(random: Random, ruleset: Ruleset) -> Iterator[Answers]:
    """Nothing, then reports at random, some of them going on where another stopped."""
    yield {}
    while True:
        answers = make_findings(random, ruleset)
        yield answers
        yield make_completion(random, ruleset, answers)
